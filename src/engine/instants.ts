/** When the wavelets of synthetic traffic are sent and taken, in rows of known length for each core. */
import { sendsOf, takesOf, type Program } from '../program/program.js';

/** By core, one core after the other, and for each in the order of its cycles. */
export interface Instants {
  /** The first entry of each core in `entered`, and one past the last of all. */
  enteredFrom: Int32Array;
  /** Cycles in which wavelets entered the ramp. */
  entered: Float64Array;
  /** The same for `taken` and `takenColor`. */
  takenFrom: Int32Array;
  /** Cycles in which cores took wavelets. */
  taken: Float64Array;
  takenColor: Uint8Array;
}

/** Rows with room for every wavelet that a program's traffic sends and takes. */
export function createInstants({ roles, roleOf }: Program): Instants {
  const counts = roles.map(({ operations }) => {
    const traffic = operations.filter((op) => op.kind === 'traffic');
    const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);
    return { sends: sum(traffic.map(sendsOf)), takes: sum(traffic.map(takesOf)) };
  });
  const enteredFrom = new Int32Array(roleOf.length + 1);
  const takenFrom = new Int32Array(roleOf.length + 1);
  for (let core = 0; core < roleOf.length; core++) {
    const { sends, takes } = counts[roleOf[core]];
    enteredFrom[core + 1] = enteredFrom[core] + sends;
    takenFrom[core + 1] = takenFrom[core] + takes;
  }
  const taken = takenFrom[roleOf.length];
  return {
    enteredFrom,
    entered: new Float64Array(enteredFrom[roleOf.length]),
    takenFrom,
    taken: new Float64Array(taken),
    takenColor: new Uint8Array(taken),
  };
}
