/** What happens inside the reference engine in a run: what generated programs exercise. */
import { MachineError, type RunInput, type RunResult } from '../../src/engine/engine.js';
import { NEVER } from '../../src/engine/reference/fabric.js';
import { reference, type Observer } from '../../src/engine/reference/reference.js';

export interface Observed {
  result?: RunResult;
  error?: MachineError;
  /** Cycles in which an eligible wavelet stayed in a router. */
  blocked: number;
  /** The most slots taken in one queue, and cycles in which some queue was full. */
  deepest: number;
  full: number;
  /** Queues whose slots hold wavelets other than those that took them. */
  broken: number;
  /** The most wavelets that one link carried in one cycle. */
  mostOnLink: number;
  /** Did a switch leave its first setting? */
  turned: boolean;
}

export function observed(input: RunInput): Observed {
  const seen: Observed = {
    blocked: 0,
    deepest: 0,
    full: 0,
    broken: 0,
    mostOnLink: 0,
    turned: false,
  };
  const before = new Float64Array(input.program.roleOf.length * 4);
  const look: Observer = ({ fabric }, t) => {
    const depth = fabric.queueDepth;
    let [blocked, full] = [false, false];
    for (let queue = 0; queue < fabric.keyOf.length; queue++) {
      let taken = 0;
      for (let slot = queue * depth; slot < (queue + 1) * depth; slot++) {
        const [holds, busy] = [fabric.ready[slot] !== NEVER, fabric.free[slot] === NEVER];
        if (busy) taken++;
        if (holds !== busy) seen.broken++;
        if (fabric.ready[slot] <= t) blocked = true;
      }
      seen.deepest = Math.max(seen.deepest, taken);
      if (taken === depth) full = true;
    }
    fabric.linkWavelets.forEach((wavelets, link) => {
      seen.mostOnLink = Math.max(seen.mostOnLink, wavelets - before[link]);
    });
    before.set(fabric.linkWavelets);
    for (const { at } of fabric.switches.values()) if (at > 0) seen.turned = true;
    if (blocked) seen.blocked++;
    if (full) seen.full++;
  };
  try {
    seen.result = reference(input, look);
  } catch (error) {
    if (!(error instanceof MachineError)) throw error;
    seen.error = error;
  }
  return seen;
}
