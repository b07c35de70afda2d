/**
 * Reduce: the sum of one vector per core of a row of cores, into core 0. Chain, tree, star and
 * two-phase as in Luczynski et al., "Near-Optimal Wafer-Scale Reduce" (HPDC 2024); the last two
 * differ in what a core without switch positions can do, see there.
 */
import { EAST, RAMP, WEST, accumulate, addBuffer, append } from '../program/builder.js';
import { cell, elementsPerWavelet, relay, route, send, vector } from '../program/builder.js';
import type { CoreCode, FloatType, Stretch, WaferSpec } from '../program/builder.js';
import type { Program } from '../program/program.js';
import { twoPhaseReduce } from './reduce-two-phase.js';
import { rowKernel } from './collectives.js';

export const REDUCE_ALGORITHMS = ['chain', 'tree', 'star', 'two-phase'] as const;

export interface ReduceOptions {
  algorithm: (typeof REDUCE_ALGORITHMS)[number];
  /** Cores of the row. */
  pes: number;
  /** Elements of each core's vector. */
  words: number;
  /** Cores of a group of the two-phase reduce. */
  group: number;
  dtype: FloatType;
}

/** The program; each core's vector is its buffer `vector`, and core 0's holds the sum at the end. */
export function reduce(options: ReduceOptions, wafer: WaferSpec): Program {
  return { ...ALGORITHMS[options.algorithm](options, wafer), root: 0 };
}

const ALGORITHMS = {
  chain: chainReduce,
  tree: treeReduce,
  star: starReduce,
  'two-phase': twoPhaseReduce,
};

/**
 * Chain reduce: the east end sends its vector, every core adds its own, core 0 stores
 * the sum. Two colours alternate from core to core, since a colour has one route per router.
 */
function chainReduce(o: ReduceOptions, wafer: WaferSpec): Program {
  const last = o.pes - 1;
  const placeOf = (x: number) => (x === 0 ? 'root' : x === last ? 'end' : 'middle');
  const roleAt = (x: number) => `${placeOf(x)} ${x % 2}`;
  return rowKernel('reduce chain', o, wafer, ['reduce'], roleAt, (core, vector, x) => {
    const [to, from] = [x % 2, (x + 1) % 2];
    if (x > 0) core.routes.push(route(to, RAMP, WEST));
    if (x < last) core.routes.push(route(from, EAST, RAMP));
    if (x === last && x > 0) send(core, vector, to);
    else if (x > 0) relay(core, vector, from, to);
    else if (last > 0) accumulate(core, vector, from);
  });
}

/** The one colour of the star. */
const COLOR = 0;

/**
 * Star reduce: every core sends its own vector to core 0 on one colour, the farthest first, and
 * core 0 adds them one after the other. A core first receives a copy of every vector that passes its
 * router; after the last of them it turns the route to its own.
 */
function starReduce(o: ReduceOptions, wafer: WaferSpec): Program {
  const fartherOf = (x: number) => o.pes - 1 - x;
  const roleAt = (x: number) => (x === 0 ? 'root' : `${fartherOf(x)} farther`);
  return rowKernel('reduce star', o, wafer, ['reduce'], roleAt, (core, own, x) => {
    const farther = fartherOf(x);
    if (x > 0) return sendAfter(core, own, farther);
    if (farther > 0) core.routes.push(route(COLOR, EAST, RAMP));
    for (let i = 0; i < farther; i++) accumulate(core, own, COLOR);
  });
}

/** Lets the vectors of `farther` cores pass, all their words into one cell, then sends its own. */
function sendAfter(core: CoreCode, own: Stretch, farther: number): void {
  const west = route(COLOR, RAMP, WEST);
  if (farther > 0) {
    const passing = addBuffer(core, 'passing', own.type, 1);
    const perWavelet = elementsPerWavelet(own.type);
    const words = farther * perWavelet * Math.ceil(own.length / perWavelet);
    vector(core, 'move', own.type, words, cell(passing, 0), { color: COLOR });
    append(core, { kind: 'route', ...west });
  }
  core.routes.push(farther > 0 ? route(COLOR, EAST, WEST, RAMP) : west);
  send(core, own, COLOR);
}

type Part = 'send' | 'take' | 'pass' | 'none';

/** What core x does on a level of the tree. */
function partOf(x: number, level: number, pes: number): Part {
  const half = 2 ** level;
  const place = x % (2 * half);
  const sender = x - place + half;
  if (sender >= pes || place > half) return 'none';
  if (place === half) return 'send';
  return place === 0 ? 'take' : 'pass';
}

/**
 * Tree reduce: on level r every second of the cores that are left sends its sum 2^r cores to the
 * west, where it is added. Each level has its own colour, so all routes are static.
 */
function treeReduce(o: ReduceOptions, wafer: WaferSpec): Program {
  const levels = Math.ceil(Math.log2(o.pes));
  const labels = Array.from({ length: levels }, (_, r) => `round ${r + 1}`);
  const partsAt = (x: number) => labels.map((_, level) => partOf(x, level, o.pes));
  const roleAt = (x: number) => partsAt(x).join(' ');
  return rowKernel('reduce tree', o, wafer, labels, roleAt, (core, vector, x) =>
    partsAt(x).forEach((part, level) => {
      core.label = level;
      if (part === 'send') {
        core.routes.push(route(level, RAMP, WEST));
        send(core, vector, level);
      } else if (part === 'take') {
        core.routes.push(route(level, EAST, RAMP));
        accumulate(core, vector, level);
      } else if (part === 'pass') core.routes.push(route(level, EAST, WEST));
    }),
  );
}
