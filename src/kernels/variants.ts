/** Variants of a collective: other functions than a sum, and relays in software. */
import { isFabric, type Operation, type Program, type VectorOp } from '../program/program.js';

/** What vectors are combined by; a collective is written for the sum. */
export const FUNCTIONS = ['sum', 'max', 'min'] as const;

/** The program with another function in place of its sums. */
export function combining(program: Program, by: (typeof FUNCTIONS)[number]): Program {
  if (by === 'sum') return program;
  return changed(program, (op) => (op.fn === 'add' ? { ...op, fn: by } : op));
}

/** The program with tasks in place of operations that take wavelets. */
export function byTasks(program: Program): Program {
  return changed(program, (op) => ([op.a, op.b, op.c].some(isFabric) ? { ...op, by: 'task' } : op));
}

/** The program as a function of a library, which every core calls first. */
export function called(program: Program): Program {
  const call: Operation = { kind: 'call', label: 0 };
  return withOperations(program, (list) => (list.length === 0 ? list : [call, ...list]));
}

function changed(program: Program, change: (op: VectorOp) => VectorOp): Program {
  return withOperations(program, (list) =>
    list.map((op) => (op.kind === 'vector' ? change(op) : op)),
  );
}

/** Roles that share operations do so afterwards. */
function withOperations(program: Program, change: (list: Operation[]) => Operation[]): Program {
  const known = new Map<Operation[], Operation[]>();
  const roles = program.roles.map((role) => {
    const operations = known.get(role.operations) ?? change(role.operations);
    known.set(role.operations, operations);
    return { ...role, operations };
  });
  return { ...program, roles };
}
