/**
 * The kernels: which options each takes and how they become a program. The one table of them: what the
 * command offers, explains and refuses comes from here.
 */
import { ConfigError } from '../../config/errors.js';
import type { WaferSpec } from '../../hardware/wafer.js';
import { ALL_REDUCE_ALGORITHMS, SCHEMES, allReduce } from '../../kernels/all-reduce.js';
import { broadcast } from '../../kernels/broadcast.js';
import { GEMM_ALGORITHMS, gemm } from '../../kernels/gemm.js';
import { gemv, matvec } from '../../kernels/gemv.js';
import { gather } from '../../kernels/gather.js';
import { TREE_FORMS } from '../../kernels/line.js';
import { REDUCE_ALGORITHMS } from '../../kernels/line-reduce.js';
import { reduce } from '../../kernels/reduce.js';
import { TRAFFIC_PATTERNS } from '../../kernels/traffic.js';
import { FUNCTIONS, byTasks, combining } from '../../kernels/variants.js';
import { EXP_FORMS } from '../../mapping/waferllm-shape.js';
import { lowerPrefillLayer } from '../../lowering/waferllm/prefill.js';
import { lowerWaferllmLayer } from '../../lowering/waferllm.js';
import type { Program } from '../../program/program.js';
import type { OptionReader } from './options.js';
import { trafficProgram } from './traffic.js';

const TYPES = ['f16', 'f32'] as const;

/** Every option of a kernel: what is typed, and what it means. */
export const KERNEL_OPTIONS = {
  algorithm: [
    '--algorithm <name>',
    `reduce: ${REDUCE_ALGORITHMS.join(', ')}; all-reduce: ${ALL_REDUCE_ALGORITHMS.join(', ')}; ` +
      `both: auto, the one that simulates fastest; gemv: waferllm; gemm: ${GEMM_ALGORITHMS.join(', ')}`,
  ],
  pes: ['--pes <n>', 'cores in the line (matvec: 1)'],
  words: ['--words <n>', 'elements per core'],
  group: ['--group <n>', 'cores per group (two-phase)'],
  form: [
    '--form <name>',
    `what a two-level tree does with what comes last: ${TREE_FORMS.join(', ')} (default: stored, as published)`,
  ],
  groups: ['--groups <n>', 'groups of a two-level tree (layer: or XxY, along rows and columns)'],
  dtype: ['--dtype <type>', TYPES.join(' or ')],
  rows: ['--rows <n>', 'rows of the matrix on one core'],
  padded: ['--padded <n>', 'row length, padding included'],
  iterations: ['--iterations <n>', 'how often'],
  m: ['--m <n>', 'rows of the product'],
  k: ['--k <n>', 'length of the input vector; columns of the left matrix'],
  n: ['--n <n>', 'length of the output vector; columns of the product'],
  localRepeats: [
    '--local-repeats <n>',
    'how often each core multiplies its tiles in a step (default 1; 0: communication alone)',
  ],
  grid: ['--grid <WxH>', 'cores, e.g. 4x4 (collectives: in place of --pes)'],
  scheme: [
    '--scheme <name>',
    'all-reduce on a grid: corner (rows, first column, one broadcast) or lines (every row, then every column)',
  ],
  function: [
    '--function <name>',
    `what vectors are combined by: ${FUNCTIONS.join(', ')} (default: sum)`,
  ],
  relays: ['--relays <name>', 'vector (operations), or task: code that each wavelet activates'],
  mapping: ['--mapping <name>', 'waferllm'],
  dim: ['--dim <n>', 'width of the model'],
  ffn: ['--ffn <n>', 'inner width of the MLP'],
  seq: ['--seq <n>', 'tokens in the cache'],
  heads: ['--heads <n>', 'attention heads'],
  exact: ['--exact', 'exp and SiLU in full, scores per head'],
  qkNorm: ['--qk-norm', 'queries and keys are normalised, head by head'],
  prefill: [
    '--prefill <n>',
    'tokens of a prompt, all at once, in place of one token after seq others',
  ],
  exp: [
    '--exp <form>',
    `of the softmax: ${EXP_FORMS.join(', ')} (default: crude, as published; full with --exact)`,
  ],
  pattern: ['--pattern <name>', TRAFFIC_PATTERNS.join(', ')],
  distance: ['--distance <n>', 'cores to the east (shift, multicast; uniform: at most)'],
  sources: ['--sources <n>', 'cores that send (hot-spot; default: all others)'],
  mesh: ['--mesh <WxH>', 'cores, e.g. 64x64'],
  load: ['--load <x>', 'wavelets generated per sending core and cycle'],
  loads: ['--loads <x,y,...>', 'the same, one run for each: the latency/load curve'],
  cycles: ['--cycles <n>', 'cycles of generation'],
  seed: ['--seed <text>', 'seed of the times and targets'],
} satisfies Record<string, [flag: string, meaning: string]>;

export type KernelOptionName = keyof typeof KERNEL_OPTIONS;

interface Kernel {
  /** Every option that some choice of the others makes it take. */
  options: readonly KernelOptionName[];
  build: (options: OptionReader, wafer: WaferSpec) => Program;
}

export const KERNELS: Record<string, Kernel> = {
  reduce: {
    options: ['algorithm', 'pes', 'grid', 'words', 'dtype', 'group', 'function', 'relays'],
    build(o, wafer) {
      const algorithm = o.choice('algorithm', REDUCE_ALGORITHMS);
      const area = areaOf(o, wafer, 'f32');
      const group = algorithm === 'two-phase' ? groupOf(o, area) : 1;
      return variant(o, reduce({ ...area, algorithm, group }, wafer));
    },
  },
  broadcast: {
    options: ['pes', 'grid', 'words', 'dtype', 'relays'],
    build: (o, wafer) => variant(o, broadcast(areaOf(o, wafer, 'f32'), wafer), false),
  },
  'all-reduce': {
    options: [
      ...(['algorithm', 'pes', 'grid', 'words', 'dtype', 'groups', 'form'] as const),
      ...(['group', 'scheme', 'function', 'relays'] as const),
    ],
    build(o, wafer) {
      const algorithm = o.choice('algorithm', ALL_REDUCE_ALGORITHMS);
      const onLine = algorithm === 'tree' || algorithm === 'ring';
      if (onLine && o.has('grid'))
        throw new ConfigError(
          `kernel all-reduce: algorithm: expected chain, star, two-phase, binary-tree, library or auto on a grid, found ${algorithm}, which runs on a line (--pes)`,
        );
      const area = onLine ? line(o, wafer, 'f16') : areaOf(o, wafer, 'f16');
      const isTree = algorithm === 'tree';
      const groups = isTree ? groupsOf(o, area.width) : 1;
      const form = isTree && o.has('form') ? o.choice('form', TREE_FORMS) : 'stored';
      const group = algorithm === 'two-phase' ? groupOf(o, area) : 1;
      const isGrid = area.width > 1 && area.height > 1;
      const scheme = isGrid ? o.choice('scheme', SCHEMES, 'corner') : 'corner';
      return variant(o, allReduce({ ...area, algorithm, groups, form, group, scheme }, wafer));
    },
  },
  gather: {
    options: ['pes', 'words', 'dtype'],
    build: (o, wafer) => gather(line(o, wafer, 'f32'), wafer),
  },
  matvec: {
    options: ['rows', 'padded', 'iterations', 'pes', 'dtype'],
    build(o, wafer) {
      const rows = o.integer('rows');
      const padded = o.integer('padded', { min: rows, otherwise: rows });
      const iterations = o.integer('iterations', { max: Number.MAX_SAFE_INTEGER, otherwise: 1 });
      // The published runs name how many cores they use: one.
      o.integer('pes', { max: 1, otherwise: 1 });
      return matvec({ rows, padded, iterations, dtype: o.choice('dtype', TYPES, 'f32') }, wafer);
    },
  },
  gemv: {
    options: ['algorithm', 'grid', 'k', 'n', 'groups', 'dtype'],
    build(o, wafer) {
      o.choice('algorithm', ['waferllm'], 'waferllm');
      const [width, height] = o.grid('grid', wafer);
      const [k, n] = [o.integer('k'), o.integer('n')];
      const groups = groupsOf(o, height);
      return gemv({ k, n, width, height, groups, dtype: o.choice('dtype', TYPES, 'f16') }, wafer);
    },
  },
  gemm: {
    options: ['algorithm', 'grid', 'm', 'k', 'n', 'localRepeats', 'dtype'],
    build(o, wafer) {
      const algorithm = o.choice('algorithm', GEMM_ALGORITHMS, 'mesh');
      const limit = algorithm === 'summa' ? MOST_SUMMA_SIDE : Infinity;
      const side = square(o, 'gemm', wafer, limit);
      const [m, k, n] = [o.integer('m'), o.integer('k'), o.integer('n')];
      const localRepeats = o.integer('localRepeats', { min: 0, max: 1e6, otherwise: 1 });
      const dtype = o.choice('dtype', TYPES, 'f16');
      return gemm({ algorithm, m, k, n, side, dtype, localRepeats }, wafer);
    },
  },
  layer: {
    options: [
      ...(['mapping', 'grid', 'dim', 'ffn', 'seq', 'heads', 'exact', 'qkNorm', 'exp'] as const),
      ...(['prefill', 'groups', 'dtype'] as const),
    ],
    build: layer,
  },
  traffic: {
    options: ['pattern', 'mesh', 'distance', 'sources', 'load', 'loads', 'cycles', 'seed'],
    build: trafficProgram,
  },
};

/** Each core of SUMMA has a program of its own, in which every step is written out. */
const MOST_SUMMA_SIDE = 128;

/** The side of a square of cores, at most `limit`. */
function square(o: OptionReader, kernel: string, wafer: WaferSpec, limit = Infinity): number {
  const most = Math.min(limit, wafer.width, wafer.height);
  const [width, height] = o.grid('grid', wafer);
  if (width === height && width <= most) return width;
  throw new ConfigError(
    `kernel ${kernel}: grid: expected a square up to ${most}x${most} cores, found ${width}x${height}`,
  );
}

function layer(o: OptionReader, wafer: WaferSpec): Program {
  o.choice('mapping', ['waferllm'], 'waferllm');
  const tokens = o.integer('prefill', { min: 0, max: MOST_PROMPT, otherwise: 0 });
  if (tokens > 0) return prefill(o, tokens, wafer);
  const [width, P] = o.grid('grid', wafer);
  const context = o.integer('seq');
  const exact = o.flag('exact');
  const model = sizesOf(o, exact);
  const exp = o.choice('exp', EXP_FORMS, exact ? 'full' : 'crude');
  const { rowGroups, groups } = groupsOfRectangle(o, width, P);
  return lowerWaferllmLayer({ ...model, context, P, width, groups, rowGroups, exact, exp }, wafer);
}

/** Limits of a prefill, whose program is written out for every core, dimension and pair of tokens. */
const MOST_PROMPT = 4096;
const MOST_PREFILL_SIDE = 64;

function prefill(o: OptionReader, tokens: number, wafer: WaferSpec): Program {
  const P = square(o, 'layer', wafer, MOST_PREFILL_SIDE);
  const model = sizesOf(o, true);
  const exp = o.choice('exp', EXP_FORMS, 'full');
  const groups = groupsOf(o, P);
  const shape = { tokens, context: tokens, P, groups, exact: true, exp };
  return lowerPrefillLayer({ ...model, ...shape }, wafer);
}

/** Sizes of a layer's model; heads are of even width where they are kept apart. */
function sizesOf(o: OptionReader, exact: boolean) {
  const [dim, ffn] = [o.integer('dim'), o.integer('ffn')];
  const heads = o.integer('heads', { otherwise: 1 });
  if (dim % heads !== 0 || (exact && (dim / heads) % 2 !== 0)) {
    const wanted = `a divisor of dim (${dim}) that leaves heads of even width`;
    throw new ConfigError(`kernel layer: heads: expected ${wanted}, found ${heads}`);
  }
  const qkNorm = o.flag('qkNorm');
  const dtype = o.choice('dtype', TYPES, 'f16');
  return { dim, ffn, heads, headDim: dim / heads, qkNorm, dtype, normEpsilon: 1e-5 };
}

/** A line of cores: it can lie along the longer side of the wafer. */
function line(o: OptionReader, wafer: WaferSpec, type: 'f16' | 'f32') {
  const { width, height, name } = wafer;
  const longer = width >= height ? 'width' : 'height';
  const pes = o.integer('pes', { max: wafer[longer], because: `the ${longer} of ${name}` });
  return { width: pes, height: 1, ...vectorOf(o, type) };
}

/** A line of cores, or a rectangle. */
function areaOf(o: OptionReader, wafer: WaferSpec, type: 'f16' | 'f32') {
  if (!o.has('grid')) return line(o, wafer, type);
  const [width, height] = o.grid('grid', wafer);
  return { width, height, ...vectorOf(o, type) };
}

function vectorOf(o: OptionReader, type: 'f16' | 'f32') {
  return { words: o.integer('words'), dtype: o.choice('dtype', TYPES, type) };
}

/** Cores of a group of the two-phase reduce, by default as many as there are groups in its longest line. */
function groupOf(o: OptionReader, { width, height }: { width: number; height: number }): number {
  const longest = Math.max(width, height);
  return o.integer('group', { max: longest, otherwise: Math.round(Math.sqrt(longest)) });
}

/** The program, with another function than a sum or relays in software if they are asked for. */
function variant(o: OptionReader, program: Program, combines = true): Program {
  const isTask = o.has('relays') && o.choice('relays', ['vector', 'task']) === 'task';
  const by = combines && o.has('function') ? o.choice('function', FUNCTIONS) : 'sum';
  return combining(isTask ? byTasks(program) : program, by);
}

/**
 * Groups of the trees along the rows and along the columns of a rectangle: one number for both, or `XxY`; if
 * not given, as many as there are cores in one.
 */
function groupsOfRectangle(o: OptionReader, width: number, height: number) {
  const [rowGroups, groups] = o.pair('groups', [width, height], [rootOf(width), rootOf(height)]);
  return { rowGroups, groups };
}

function rootOf(cores: number): number {
  return Math.round(Math.sqrt(cores));
}

/**
 * Groups of a two-level tree over `cores` cores: as many as there are cores in one, if not given.
 */
function groupsOf(o: OptionReader, cores: number): number {
  return o.integer('groups', { max: cores, otherwise: rootOf(cores) });
}
