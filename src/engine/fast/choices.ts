/**
 * Routers at which streams meet, in the order of time. Each plans the earliest cycle in which one of
 * its colours may leave; the earliest of all plans is carried out, colours tried cyclically from the
 * router's pointer (machine-model section 4a). What is not known by then is later: it can only come of
 * other choices, none of which is earlier, and everything takes at least a cycle to get anywhere.
 */
import FlatQueue from 'flatqueue';
import { NEVER, departure, forward, type Streams } from './streams.js';

export interface Choices {
  plans: FlatQueue<number>;
  /** The cycle of a router's plan that counts, or NEVER; older ones may still be in the queue. */
  planned: Int32Array;
  /** The last cycle in which it chose; the slot tried first; by slot, the mask of its outputs. */
  chosen: Int32Array;
  pointer: Int32Array;
  outputs: Uint8Array;
}

export function createChoices(cores: number, slots: number): Choices {
  return {
    plans: new FlatQueue<number>(),
    planned: new Int32Array(cores).fill(NEVER),
    chosen: new Int32Array(cores).fill(-0x40000000),
    pointer: new Int32Array(cores),
    outputs: new Uint8Array(cores * slots),
  };
}

/** Plans the next choice of a router from what is known. */
export function plan(m: Streams, core: number): void {
  const { plans, planned, chosen } = m.choices;
  const { slots } = m.channels;
  let t = NEVER;
  for (let i = 0; i < slots; i++) t = Math.min(t, departure(m, (core * slots + i) << 3));
  if (t === NEVER) return;
  t = Math.max(t, chosen[core] + 1);
  if (t >= planned[core]) return;
  planned[core] = t;
  plans.push(core, t);
}

/** Carries out the plans of the earliest cycle; false if there is none. */
export function choose(m: Streams): boolean {
  const { plans, planned } = m.choices;
  const now = plans.peekValue();
  if (now === undefined) return false;
  while (plans.peekValue() === now) {
    const core = plans.pop()!;
    if (planned[core] === now) arbitrate(m, core, now);
  }
  return true;
}

function arbitrate(m: Streams, core: number, now: number): void {
  const { planned, chosen, pointer, outputs } = m.choices;
  const { slots } = m.channels;
  let granted = 0;
  let first = -1;
  for (let i = 0; i < slots; i++) {
    const local = (pointer[core] + i) % slots;
    const station = core * slots + local;
    if ((outputs[station] & granted) !== 0 || departure(m, station << 3) > now) continue;
    granted |= outputs[station];
    if (first < 0) first = local;
    forward(m, station << 3, now, 1);
  }
  if (first >= 0) pointer[core] = (first + 1) % slots;
  chosen[core] = now;
  planned[core] = NEVER;
  plan(m, core);
}
