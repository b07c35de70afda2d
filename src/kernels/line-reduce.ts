/**
 * Reduce over a line of cores to its first core, its root: chain, star, tree and two-phase as in Luczynski
 * et al., "Near-Optimal Wafer-Scale Reduce" (HPDC 2024). A line lies along either axis; what a core does
 * depends on its place on the line alone.
 */
import { RAMP, accumulate, accumulateAll, addBuffer, advance } from '../program/builder.js';
import { paddedLength, positions, relay, route, send } from '../program/builder.js';
import type { CoreCode, Stretch } from '../program/builder.js';
import type { LinePlace, LineReduce } from './line-place.js';
import { twoPhaseReduce } from './reduce-two-phase.js';

export const REDUCE_ALGORITHMS = ['chain', 'tree', 'star', 'two-phase'] as const;
export type ReduceAlgorithm = (typeof REDUCE_ALGORITHMS)[number];

/**
 * Chain: the last core sends its vector, every core adds its own on the way, the root stores the sum. Two
 * colours alternate from core to core, since a colour has one route per router.
 */
const chain: LineReduce = {
  labels: ['reduce'],
  colorsOf: () => 2,
  keyOf: ({ index, length }) =>
    `${index === 0 ? 'root' : index === length - 1 ? 'end' : 'middle'} ${index % 2}`,
  write(core, vector, { index, length, back, ahead, color, label }) {
    const last = length - 1;
    const [to, from] = [color + (index % 2), color + ((index + 1) % 2)];
    core.label = label;
    if (index > 0) core.routes.push(route(to, RAMP, back));
    if (index < last) core.routes.push(route(from, ahead, RAMP));
    if (index === last && index > 0) send(core, vector, to);
    else if (index > 0) relay(core, vector, from, to);
    else if (last > 0) accumulate(core, vector, from);
  },
};

/**
 * Star: every core sends its vector to the root on one colour and marks the last word; its router then
 * passes on what comes from farther out. The root adds all vectors by one operation, the nearest first.
 */
const star: LineReduce = {
  labels: ['reduce'],
  colorsOf: () => 1,
  keyOf: ({ index, length }) => (index === 0 ? 'root' : index === length - 1 ? 'end' : 'sender'),
  write(core, vector, place) {
    core.label = place.label;
    if (place.index > 0) return sendInTurn(core, vector, place);
    if (place.length === 1) return;
    core.routes.push(route(place.color, place.ahead, RAMP));
    accumulateInto(core, vector, place.length - 1, place.color);
  },
};

/** Sends a vector to the root's side, before those of cores farther out. */
export function sendInTurn(core: CoreCode, vector: Stretch, place: LinePlace): void {
  const { index, length, back, ahead, color } = place;
  const own = route(color, RAMP, back);
  if (index < length - 1) own.positions = positions([ahead, back]);
  core.routes.push(own);
  send(core, vector, color);
  advance(core);
}

/** Adds what several cores send to the first buffer of a core. */
function accumulateInto(core: CoreCode, vector: Stretch, times: number, color: number): void {
  const { type, length } = vector;
  if (times === 1) return accumulate(core, vector, color);
  if (paddedLength(vector) > length && core.at['padding'] === undefined)
    addBuffer(core, 'padding', type, 1, true);
  accumulateAll(core, vector, times, color);
}

/**
 * Tree: in round r every second of the cores that are left sends its sum 2^r cores to the root's side.
 * Number the bits of a place: a core sends to the place without its lowest one, its parent, on a colour for
 * all places with as many bits as the parent. So a core takes all rounds on one colour and by one operation,
 * but the last, which it adds to as it passes; no set-up waits between rounds. On the parent's colour its
 * router passes farther cores' words on after its own, and on other colours always.
 */
const tree: LineReduce = {
  labels: ['reduce'],
  colorsOf: (length) => Math.max(1, Math.ceil(Math.log2(length))),
  keyOf(place) {
    const { index, length } = place;
    const passes = passedColors(place).join(' ');
    return `${bitsOf(index)} takes ${childrenOf(index, length)} passes ${passes}`;
  },
  write(core, vector, place) {
    const { index, length, back, ahead, color, label } = place;
    const children = childrenOf(index, length);
    const from = color + bitsOf(index);
    const to = from - 1;
    core.label = label;
    if (children > 0) core.routes.push(route(from, ahead, RAMP));
    for (const depth of passedColors(place)) {
      if (depth < bitsOf(index) - 1) core.routes.push(route(color + depth, ahead, back));
    }
    if (index === 0) {
      if (children > 0) accumulateInto(core, vector, children, from);
      return;
    }
    const own = route(to, RAMP, back);
    if (passedColors(place).includes(bitsOf(index) - 1)) own.positions = positions([ahead, back]);
    core.routes.push(own);
    if (children > 1) accumulateInto(core, vector, children - 1, from);
    if (children > 0) relay(core, vector, from, to);
    else send(core, vector, to);
    advance(core);
  },
};

function bitsOf(place: number): number {
  let bits = 0;
  for (let left = place; left > 0; left &= left - 1) bits++;
  return bits;
}

/** How many rounds a place takes: those before its own in which there is a core to send to it. */
function childrenOf(place: number, length: number): number {
  let rounds = 0;
  while (place + 2 ** rounds < length && place % 2 ** (rounds + 1) === 0) rounds++;
  return rounds;
}

/** Numbers of the colours of which words from farther out pass a place to one of its ancestors. */
function passedColors({ index, length }: LinePlace): number[] {
  const depths: number[] = [];
  for (let ancestor = index; ancestor > 0;) {
    ancestor &= ancestor - 1;
    const farthest = ancestor + 2 ** (childrenOf(ancestor, length) - 1);
    if (farthest > index) depths.push(bitsOf(ancestor));
  }
  return depths;
}

export const LINE_REDUCES: Record<ReduceAlgorithm, LineReduce> = {
  chain,
  tree,
  star,
  'two-phase': twoPhaseReduce,
};
