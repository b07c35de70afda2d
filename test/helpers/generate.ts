/**
 * Generated programs that contend: transfers between cores of a small rectangle, over trees whose
 * colours share links, with few slots, chains and multicast, 16 and 32 bits, in phases between which
 * routes change. Every core does its transfers in one global order, so most programs end well; some
 * have a fault or too short a pause between phases, and fail in one of the machine's ways. With huge costs
 * times go beyond 2^31 and 2^32 in the middle of a program.
 */
import fc from 'fast-check';
import type { CostTable, WaferSpec } from '../../src/hardware/wafer.js';
import { elementsPerWavelet } from '../../src/numeric/types.js';
import type { Operation, Program, Role, Route, VectorOp } from '../../src/program/program.js';
import {
  NO_OVERHEAD,
  R,
  add,
  cell,
  changeRoute,
  exchanged,
  fabric,
  move,
  role,
  testWafer,
  traffic,
  vector,
} from './programs.js';
import { indexed, leftAt, setIndices, takenFrom } from './generate-indexed.js';
import { linkHops } from './links.js';
import { Phase, type SettingsAt } from './phase.js';

export interface Generated {
  program: Program;
  wafer: WaferSpec;
  startAt: Float64Array;
  /** Fresh memory images, the same at every call. */
  memory: () => Float32Array[];
  /** How many phases there are; with one, nothing depends on when routes change. */
  phases: number;
  fault: Fault;
}

export type Fault = 'none' | 'swap' | 'shorter' | 'longer' | 'unwritten';

/** Cells that every core has; as many again are not loaded. */
const CELLS = 64;
/** Cycles of a pause that lasts until all cores are done with a phase. */
const LONG_PAUSE = 1500;
const LABELS = ['first', 'second', 'third'];

const nat = (max: number) => fc.integer({ min: 0, max });
const perType = (cycles: fc.Arbitrary<number>) => fc.record({ f16: cycles, f32: cycles });

/** A cost up to `most`, often near a power of two; of small programs one up to `small`. */
function cost(small: number, most: number): fc.Arbitrary<number> {
  if (most === 0) return nat(small);
  const powers = [29, 30, 31, 32, 33, 40, 48].map((n) => 2 ** n).filter((n) => n < most);
  const near = fc
    .tuple(fc.constantFrom(...powers, most), fc.integer({ min: -20, max: 20 }))
    .map(([power, more]) => Math.min(most, power + more));
  return fc.oneof(nat(small), near, nat(most));
}

/** Small, but for huge costs now and then one of those. */
function mostly(small: fc.Arbitrary<number>, most: number): fc.Arbitrary<number> {
  if (most === 0) return small;
  return fc.oneof({ arbitrary: small, weight: 5 }, { arbitrary: cost(3, most), weight: 1 });
}

/** Some of them do not fit a byte. */
const gap = fc.oneof(
  { weight: 30, arbitrary: nat(3) },
  { weight: 1, arbitrary: fc.integer({ min: 250, max: 300 }) },
);

const KINDS = [
  ...(['stream', 'stream', 'chain', 'traffic', 'exchange', 'hub', 'local'] as const),
  ...(['gather', 'gather', 'scatter', 'indexed'] as const),
];

const transfer = (most: number) =>
  fc.record({
    kind: fc.constantFrom(...KINDS),
    /** Cores by number, taken modulo how many there are. */
    cores: fc.array(nat(1000), { minLength: 2, maxLength: 5 }),
    length: fc.oneof(nat(6), nat(40)),
    type: fc.constantFrom('f16', 'f32'),
    color: nat(7),
    variant: nat(3),
    gaps: fc.array(mostly(gap, most), { minLength: 1, maxLength: 12 }),
    /** Is what takes wavelets a task, and is the last wavelet marked? */
    task: fc.constantFrom(false, false, true),
    mark: fc.constantFrom(false, false, true),
    /** Is the place in memory of what it sends or takes chosen by a number there? */
    select: fc.constantFrom(false, false, true),
  });
type Transfer = ReturnType<typeof transfer> extends fc.Arbitrary<infer T> ? T : never;

const recipe = (most: number) =>
  fc.record({
    width: fc.integer({ min: 1, max: 6 }),
    height: fc.integer({ min: 1, max: 4 }),
    fabric: fc.record({
      colors: fc.integer({ min: 2, max: 7 }),
      hopCycles: fc.constantFrom(1, 1, 1, 2, 3),
      rampCycles: fc.constantFrom(2, 2, 1, 3),
      queueDepth: fc.constantFrom(1, 1, 2, 2, 3, 4, 6),
    }),
    /** Hops of links, round and round; none: all of one. */
    links: fc.oneof(
      fc.constant<number[]>([]),
      fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 7 }),
    ),
    costs: fc.record({
      programStart: cost(4, most),
      routeChange: cost(4, most),
      setup: perType(cost(6, most)),
      issue: perType(cost(2, most)),
      latency: perType(fc.integer({ min: 1, max: 7 })),
      task: cost(8, most).map((cycles) => Math.max(1, cycles)),
    }),
    phases: fc.array(
      fc.record({
        pause: fc.constantFrom(0, 4, 60, 1500, 1500, 1500),
        transfers: fc.array(transfer(most), { minLength: 1, maxLength: 6 }),
      }),
      { minLength: 1, maxLength: 3 },
    ),
    fault: fc.constantFrom<Fault>(
      ...Array.from({ length: 12 }, () => 'none' as const),
      'swap',
      'shorter',
      'longer',
      'unwritten',
    ),
    faultAt: nat(1000),
    starts: fc.array(mostly(fc.integer({ min: -10, max: 30 }), most), { maxLength: 6 }),
  });
type Recipe = ReturnType<typeof recipe> extends fc.Arbitrary<infer T> ? T : never;

/** Programs with the wafer, starts and memory to run them on; their costs are small, or up to `most`. */
export function programs(most = 0): fc.Arbitrary<Generated> {
  return recipe(most).map((given) => build(given, most));
}

/** What is known of a core while its role is put together. */
interface Draft {
  operations: Operation[];
  first: Map<number, Route>;
  now: Map<number, Route>;
}

function build(given: Recipe, most: number): Generated {
  const { width, height, fault } = given;
  const count = width * height;
  const wafer = testWafer(given.fabric, costsOf(given, most));
  const drafts = Array.from({ length: count }, (): Draft => ({
    operations: [],
    first: new Map(),
    now: new Map(),
  }));
  given.phases.forEach(({ pause, transfers }, index) => {
    const before = (core: number, color: number) => drafts[core].now.get(color);
    const phase = new Phase(width, height, given.fabric.colors, before);
    for (const each of transfers) addTransfer(phase, each);
    for (let core = 0; core < count; core++)
      endPhase(drafts[core], core, index, waits(pause, most), phase);
  });
  const roles = drafts.map((draft, core) => roleOf(draft, core));
  breakIt(roles[given.faultAt % count], fault, given.faultAt);
  const program: Program = {
    name: 'generated',
    width,
    height,
    roles,
    roleOf: Uint16Array.from(roles.keys()),
    labels: LABELS,
    ...(given.links.length > 0 && { linkHops: linkHops(width, height, given.links) }),
  };
  const startAt = Float64Array.from({ length: count }, (_, core) => {
    return given.starts.length === 0 ? 0 : given.starts[core % given.starts.length];
  });
  const memory = () => roles.map((_, core) => cellsOfCore(core));
  return { program, wafer, startAt, memory, phases: given.phases.length, fault };
}

/** Small whole numbers: sums of a few stay exact in 16 bits, products do not. */
function cellsOfCore(core: number): Float32Array {
  const memory = Float32Array.from(
    { length: 2 * CELLS },
    (_, at) => ((core * 7 + at * 3) % 11) - 4.5,
  );
  setIndices(memory, core);
  return memory;
}

function addTransfer(phase: Phase, given: Transfer): void {
  const count = phase.operations.length;
  const cores = [...new Set(given.cores.map((core) => core % count))];
  const label = given.variant % LABELS.length;
  const push = (core: number, op: Operation) => {
    phase.operations[core].push({ ...op, label });
  };
  const [source, ...targets] = cores;
  if (given.kind === 'indexed') return indexed(given).forEach((op) => push(source, op));
  if (given.kind === 'local' || targets.length === 0) return push(source, local(given));
  if (given.kind === 'chain') return addChain(phase, cores, given, push);
  if (given.kind === 'hub') return addHub(phase, source, targets, given, push);
  if (given.kind === 'gather') return addGather(phase, source, targets.at(-1)!, given, push);
  if (given.kind === 'scatter') return addScatter(phase, source, targets.at(-1)!, given, push);
  if (given.kind === 'exchange') return addExchange(phase, source, targets[0], given, push);
  const color = phase.connect(source, targets, given.color);
  if (color < 0) return;
  const times = timesOf(given.gaps);
  if (given.kind === 'traffic') {
    push(source, traffic({ color, times }));
    for (const core of targets) push(core, traffic({ receive: color, expect: times.length }));
    return;
  }
  push(source, sends(color, given));
  for (const core of targets) push(core, receives(color, given));
}

type Push = (core: number, op: Operation) => void;

/** Each core adds its own numbers to what comes from the one before and passes the sums on. */
function addChain(phase: Phase, cores: number[], given: Transfer, push: Push): void {
  let into = -1;
  cores.forEach((core, k) => {
    const next = cores[k + 1];
    // Without a free colour the chain ends here.
    const out =
      next === undefined || (k > 0 && into < 0) ? -1 : phase.connect(core, [next], given.color + k);
    const { length, type } = given;
    if (k === 0 && out >= 0) push(core, sends(out, given));
    if (k > 0 && into >= 0 && out >= 0)
      push(core, ofForm(add(fabric(out), fabric(into), cell(k), length, type), given));
    if (k > 0 && into >= 0 && out < 0) push(core, receives(into, given));
    into = out;
  });
}

/**
 * Cores of a line send to its end over switches, each marking its last word. The nearest first: its own
 * words, then those from farther out. The farthest first: every mark from farther out counts, up to three.
 * By turns: two cores send twice, and the nearer one's switch returns.
 */
function addGather(phase: Phase, end: number, far: number, given: Transfer, push: Push): void {
  const { variant, gaps, length, type } = given;
  const farthestFirst = variant === 1;
  const most = farthestFirst ? 4 : variant === 2 ? 2 : 8;
  const line = phase.distance(end, far);
  const isMember = (place: number) => line - place < most && gaps[place % gaps.length] % 3 !== 2;
  const farther = (place: number) =>
    [...Array(line + 1).keys()].filter((i) => i > place && (i === line || isMember(i))).length;
  const settings: SettingsAt = (near, away, place, member) => {
    const own = { inputs: R, outputs: near };
    const passing = { inputs: away, outputs: near };
    if (!member) return [passing];
    if (place === line) return [own];
    return farthestFirst ? [...repeat(passing, farther(place)), own] : [own, passing];
  };
  const returns = variant === 2;
  const atEnd = (away: number) => ({ inputs: away, outputs: R });
  const found = phase.switchLine(end, far, given.color, { isMember, settings, returns, atEnd });
  if (found === undefined) return;
  const { color, members } = found;
  const times = returns ? 2 : 1;
  for (let n = 0; n < times; n++)
    for (const core of members)
      push(core, { ...move(fabric(color), cell(3), length, type), ...(length > 0 && MARKED) });
  const wavelets = times * members.length * Math.ceil(length / elementsPerWavelet(type));
  if (length === 0) return;
  push(
    end,
    ofForm(move(cell(2, 0), fabric(color), wavelets * elementsPerWavelet(type), type), given),
  );
}

/** A line's end sends as many words to each core, the nearest first, whose switch then passes on the rest. */
function addScatter(phase: Phase, end: number, far: number, given: Transfer, push: Push): void {
  const { variant, gaps, length, type } = given;
  const line = phase.distance(end, far);
  const isMember = (place: number) => gaps[place % gaps.length] % 3 !== 2;
  const settings: SettingsAt = (near, away, place, member) => {
    const own = { inputs: near, outputs: variant === 0 ? R | away : R };
    if (place === line) return [{ inputs: near, outputs: R }];
    return member ? [own, { inputs: near, outputs: away }] : [{ inputs: near, outputs: away }];
  };
  const atEnd = (away: number) => ({ inputs: R, outputs: away });
  const made = { isMember, settings, returns: false, atEnd };
  const found = phase.switchLine(end, far, given.color, made);
  if (found === undefined || length === 0) return;
  const { color, members } = found;
  for (const _ of members) push(end, { ...move(fabric(color), cell(3), length, type), ...MARKED });
  members.forEach((core, i) => {
    // The first words of all go to all, and each of their marks counts.
    const parts = variant === 0 && i === members.length - 1 ? members.length : 1;
    for (let n = 0; n < parts; n++)
      push(core, ofForm(move(cell(2), fabric(color), length, type), given));
  });
}

/** Special functions whose results are numbers whatever they are of. */
const SPECIALS = ['silu', 'sigmoid', 'tanh', 'gelu', 'softplus'] as const;

const MARKED = { advance: true };

function repeat<T>(one: T, times: number): T[] {
  return Array.from({ length: times }, () => one);
}

/** An operation that takes wavelets, by a task or not; one that sends may mark its last. */
function ofForm(op: VectorOp, { task, mark }: Transfer): VectorOp {
  const marks = mark && 'color' in op.dst && op.length > 0;
  return { ...op, ...(task && { by: 'task' as const }), ...(marks && MARKED) };
}

function addExchange(phase: Phase, a: number, b: number, given: Transfer, push: Push): void {
  const there = phase.connect(a, [b], given.color);
  if (there < 0) return;
  const back = phase.connect(b, [a], given.color + 1);
  if (back < 0) return phase.disconnect(there, a, [b]);
  if (given.variant === 3) {
    // What is taken does not lie where what is sent does.
    const length = given.length % 19;
    const vector = (color: number, at: number) => [{ color, at, length }];
    push(a, exchanged(given.type, vector(there, 0), vector(back, 20)));
    push(b, exchanged(given.type, vector(back, 1), vector(there, 22)));
    return;
  }
  const times = timesOf(given.gaps);
  push(a, traffic({ color: there, times, receive: back, expect: times.length }));
  push(b, traffic({ color: back, times, receive: there, expect: times.length }));
}

/** Traffic of one core with several others at once: it sends to them by turns, takes from all, or both. */
function addHub(phase: Phase, hub: number, others: number[], given: Transfer, push: Push): void {
  const times = timesOf(given.gaps);
  const to = others.map((core) =>
    given.variant === 1 ? -1 : phase.connect(hub, [core], given.color),
  );
  const from = others.map((core) =>
    given.variant === 0 ? -1 : phase.connect(core, [hub], given.color + 1),
  );
  const sends = to.filter((color) => color >= 0);
  const receives = from.filter((color) => color >= 0);
  if (given.variant === 3) {
    // Vectors that the hub sends lie in its first cells, those that it takes after them; as for the others.
    const length = given.length % 9;
    const vector = (color: number, at: number) => (color < 0 ? [] : [{ color, at, length }]);
    const all = (colors: number[], at: (k: number) => number) =>
      colors.flatMap((color, k) => vector(color, at(k)));
    const setup = given.gaps[0] % 5;
    const [out, into] = [all(to, (k) => k), all(from, (k) => 20 + 9 * k)];
    if (out.length + into.length === 0) return;
    push(hub, exchanged(given.type, out, into, setup));
    others.forEach((core, k) => {
      if (to[k] < 0 && from[k] < 0) return;
      push(core, exchanged(given.type, vector(from[k], 1), vector(to[k], 30)));
    });
    return;
  }
  const turns = times.map((_, i) => given.gaps[i] % Math.max(1, sends.length));
  others.forEach((core, k) => {
    const turn = sends.indexOf(to[k]);
    const expect = to[k] < 0 ? 0 : turns.filter((one) => one === turn).length;
    const out = from[k] < 0 ? {} : { color: from[k], times: times.slice(k) };
    push(core, traffic({ ...out, ...(to[k] < 0 ? {} : { receive: to[k] }), expect }));
  });
  const taken = from.map((color, k) => (color < 0 ? 0 : times.slice(k).length));
  const expect = taken.reduce((sum, count) => sum + count, 0);
  push(hub, traffic({ ...(sends.length > 0 && { sends, times, turns }), receives, expect }));
}

function timesOf(gaps: number[]): number[] {
  let time = -1;
  return gaps.map((gap) => (time += gap + (time < 0 ? 1 : 0)));
}

function sends(color: number, given: Transfer): Operation {
  const { length, type, variant, mark, select } = given;
  const from = select ? takenFrom : cell(variant === 0 ? 3 : 1);
  const op =
    variant === 0
      ? move(fabric(color), from, length, type)
      : add(fabric(color), from, cell(5 + variant), length, type);
  return { ...op, ...(mark && length > 0 && MARKED) };
}

function receives(color: number, given: Transfer): Operation {
  return ofForm(receive(color, given), given);
}

function receive(color: number, { length, type, variant, select }: Transfer): VectorOp {
  const from = fabric(color);
  if (variant === 0) return move(select ? leftAt : cell(2), from, length, type);
  if (variant === 1) return add(cell(4), from, select ? takenFrom : cell(4), length, type);
  // Into one cell: a dot product, or a maximum.
  if (variant === 2)
    return vector({
      fn: 'fma',
      type,
      length,
      dst: cell(9, 0),
      a: from,
      b: cell(20),
      c: cell(9, 0),
    });
  return vector({ fn: 'max', type, length, dst: cell(8, 0), a: cell(8, 0), b: from });
}

function local({ type, length, variant }: Transfer): Operation {
  const base = { label: 0, type };
  if (variant === 0) return add(cell(0), cell(7), cell(20), Math.min(length, 40), type);
  if (variant === 1)
    return {
      ...base,
      kind: 'argmax',
      at: 3,
      length: 1 + (length % 30),
      first: 5,
      value: 40,
      id: 41,
    };
  if (variant === 2 && length > 20) {
    const [a, b, c] = [0, 3, 10];
    return { ...base, kind: 'matmul', length: length % 7, inner: 3, columns: 4, a, b, c };
  }
  if (variant === 2)
    return {
      ...base,
      kind: 'special',
      fn: SPECIALS[length % SPECIALS.length],
      form: length % 2 === 0 ? 'vector' : 'scalar',
      length: length % 20,
      at: 2,
      to: 30,
    };
  const shape = { rows: 3, length: 4, rowStride: 5, matrix: 10, x: 30, out: 40 };
  const strides = length % 3 === 0 ? { xStride: 2, outStride: 3 } : {};
  const form = length % 2 === 0 ? 'axpy' : 'dot';
  const matvec = { ...base, ...shape, ...strides, kind: 'matvec', form } as const;
  if (length % 4 < 2) return { ...matvec, widen: false };
  const scales = { at: 25, length: 12, rows: { stride: 4 }, columns: { stride: 1 } };
  return { ...matvec, widen: 'mxfp4', scales };
}

/** Adds a phase to a core: a pause, what changes of its routes, its operations. */
function endPhase(
  draft: Draft,
  core: number,
  index: number,
  pause: Operation[],
  phase: Phase,
): void {
  const routes = [...phase.routes[core].values()];
  if (index > 0 && routes.length > 0) draft.operations.push(...pause);
  for (const wanted of routes) {
    const { color, inputs, outputs } = wanted;
    const now = draft.now.get(color);
    draft.now.set(color, wanted);
    const isSwitch = wanted.positions !== undefined;
    const early = index === 0 || (core + color) % 2 === 0 || isSwitch;
    if (now === undefined && early) draft.first.set(color, wanted);
    else if (now?.inputs !== inputs || now.outputs !== outputs)
      draft.operations.push(changeRoute(color, inputs, outputs));
  }
  draft.operations.push(...phase.operations[core]);
}

/** A pause between phases; a long one is long for huge costs too. */
function waits(pause: number, most: number): Operation[] {
  const one = { constant: 1 };
  const dst = cell(CELLS - 1, 0);
  if (pause === 0) return [];
  if (pause < LONG_PAUSE || most === 0)
    return [vector({ fn: 'move', type: 'f32', length: pause, dst, a: one })];
  const at = { at: 0, to: CELLS - 1, length: 1 };
  return [{ kind: 'special', label: 0, fn: 'exp', form: 'scalar', type: 'f32', ...at }];
}

/** One long pause is more than a phase of dear operations takes. */
function costsOf({ costs }: Recipe, most: number): Partial<CostTable> {
  const transfer = { setup: costs.issue.f32, end: costs.setup.f32 };
  return { ...costs, transfer, scalar: { ...NO_OVERHEAD.scalar, exp: 64 * most } };
}

function roleOf({ operations, first }: Draft, core: number): Role {
  const buffer = { type: 'f32' as const, length: CELLS };
  return role(`core ${core}`, {
    routes: [...first.values()],
    operations,
    buffers: [
      { ...buffer, name: 'loaded', at: 0, preloaded: true },
      { ...buffer, name: 'empty', at: CELLS, preloaded: false },
    ],
  });
}

function breakIt({ operations }: Role, fault: Fault, at: number): void {
  if (fault === 'none' || operations.length === 0) return;
  const k = at % operations.length;
  const op = operations[k];
  if (fault === 'swap') operations.splice(k, 2, ...operations.slice(k, k + 2).reverse());
  else if (fault === 'unwritten') operations.push(move(cell(0), cell(CELLS), 3));
  else if (op.kind === 'vector')
    operations[k] = { ...op, length: Math.max(0, op.length + (fault === 'shorter' ? -2 : 2)) };
}
