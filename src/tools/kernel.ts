/**
 * One kernel on a rectangle of cores: its options become a program, an engine runs it, and what the
 * engine counted becomes a document.
 */
import seedrandom from 'seedrandom';
import type { Engine, RunResult } from '../engine/engine.js';
import { ENGINES, type EngineName } from '../engine/engines.js';
import { ConfigError } from '../hardware/errors.js';
import type { WaferSpec } from '../hardware/wafer.js';
import { optionReader, type KernelOptions, type OptionReader } from './kernel-options.js';
import { ALL_REDUCE_ALGORITHMS, allReduce } from '../lowering/kernels/all-reduce.js';
import { broadcast } from '../lowering/kernels/broadcast.js';
import { gemv } from '../lowering/kernels/gemv.js';
import { matvec } from '../lowering/kernels/matvec.js';
import { REDUCE_ALGORITHMS, reduce } from '../lowering/kernels/reduce.js';
import { traffic, TRAFFIC_PATTERNS } from '../lowering/kernels/traffic.js';
import { lowerWaferllmLayer } from '../lowering/waferllm.js';
import type { Program } from '../program/program.js';
import type { Breakdown, CyclesByCause, FabricResult, KernelDocument } from '../report/document.js';

export type { KernelOptions } from './kernel-options.js';

const TYPES = ['f16', 'f32'] as const;
/** Injection times of synthetic traffic take four bytes each. */
const MOST_WAVELETS = 100_000_000;

/** The host's clock, in seconds, and its peak memory, in bytes; for `host` only. */
export interface Host {
  now: () => number;
  rss: () => number;
}

type Build = (options: OptionReader, wafer: WaferSpec) => Program;

const KERNELS: Record<string, Build> = {
  reduce(o, wafer) {
    const algorithm = o.choice('algorithm', REDUCE_ALGORITHMS);
    const { pes, words, dtype } = line(o, wafer, 'f32');
    const otherwise = Math.round(Math.sqrt(pes));
    const group = algorithm === 'two-phase' ? o.integer('group', { max: pes, otherwise }) : 1;
    return reduce({ algorithm, pes, words, dtype, group }, wafer);
  },
  broadcast(o, wafer) {
    return broadcast(line(o, wafer, 'f32'), wafer);
  },
  'all-reduce'(o, wafer) {
    const algorithm = o.choice('algorithm', ALL_REDUCE_ALGORITHMS);
    const { pes, words, dtype } = line(o, wafer, 'f16');
    const groups = algorithm === 'tree' ? groupsOf(o, pes) : 1;
    return allReduce({ algorithm, pes, words, dtype, groups }, wafer);
  },
  matvec(o, wafer) {
    const rows = o.integer('rows');
    const padded = o.integer('padded', { min: rows, otherwise: rows });
    const iterations = o.integer('iterations', { max: 1e6, otherwise: 1 });
    // The published runs name how many cores they use: one.
    o.integer('pes', { max: 1, otherwise: 1 });
    return matvec({ rows, padded, iterations, dtype: o.choice('dtype', TYPES, 'f32') }, wafer);
  },
  gemv(o, wafer) {
    o.choice('algorithm', ['waferllm'], 'waferllm');
    const [width, height] = o.grid('grid', wafer);
    const [k, n] = [o.integer('k'), o.integer('n')];
    const groups = groupsOf(o, height);
    return gemv({ k, n, width, height, groups, dtype: o.choice('dtype', TYPES, 'f16') }, wafer);
  },
  layer(o, wafer) {
    o.choice('mapping', ['waferllm'], 'waferllm');
    const side = Math.min(wafer.width, wafer.height);
    const [P, height] = o.grid('grid', wafer);
    if (P !== height || P > side)
      throw new ConfigError(
        `kernel layer: grid: expected a square up to ${side}x${side} cores, found ${P}x${height}`,
      );
    const [dim, ffn, context] = [o.integer('dim'), o.integer('ffn'), o.integer('seq')];
    const heads = o.integer('heads', { otherwise: 1 });
    const exact = o.flag('exact');
    if (dim % heads !== 0 || (exact && (dim / heads) % 2 !== 0)) {
      const wanted = `a divisor of dim (${dim}) that leaves heads of even width`;
      throw new ConfigError(`kernel layer: heads: expected ${wanted}, found ${heads}`);
    }
    const sizes = { dim, ffn, heads, headDim: dim / heads, context, P, groups: groupsOf(o, P) };
    const dtype = o.choice('dtype', TYPES, 'f16');
    return lowerWaferllmLayer({ ...sizes, dtype, exact, normEpsilon: 1e-5 }, wafer);
  },
  traffic(o, wafer) {
    const pattern = o.choice('pattern', TRAFFIC_PATTERNS);
    const [width, height] = o.grid('mesh', wafer);
    const distance = pattern === 'neighbor' ? 1 : distanceOf(o, pattern, width, wafer);
    const load = o.positive('load', 1);
    const cycles = o.integer('cycles', { max: 1e7 });
    const wavelets = Math.round(width * height * load * cycles);
    if (wavelets > MOST_WAVELETS)
      throw new ConfigError(
        `kernel traffic: expected at most ${MOST_WAVELETS} wavelets, found about ${wavelets}`,
      );
    const random = seedrandom.alea(o.text('seed', '1'));
    return traffic({ pattern, distance, width, height, load, cycles }, random);
  },
};

function line(o: OptionReader, wafer: WaferSpec, type: 'f16' | 'f32') {
  const pes = o.integer('pes', { max: wafer.width, because: `the width of ${wafer.name}` });
  return { pes, words: o.integer('words'), dtype: o.choice('dtype', TYPES, type) };
}

/** How far a shift (one colour a step) or a multicast (to the end of the row, if not given) goes. */
function distanceOf(o: OptionReader, pattern: string, width: number, wafer: WaferSpec): number {
  if (pattern === 'multicast') return o.integer('distance', { otherwise: Math.max(1, width - 1) });
  const max = wafer.fabric.colors - 1;
  return o.integer('distance', { max, because: 'one colour less than the fabric has' });
}

/**
 * Groups of a two-level tree over `cores` cores: as many as there are cores in one, if not given.
 */
function groupsOf(o: OptionReader, cores: number): number {
  return o.integer('groups', { max: cores, otherwise: Math.round(Math.sqrt(cores)) });
}

/**
 * The program of a kernel and its options as resolved. Throws ConfigError, one line, for an unknown
 * kernel and for options that are missing, unknown, out of range or too large for the wafer.
 */
export function kernelProgram(
  name: string,
  given: KernelOptions,
  wafer: WaferSpec,
): { program: Program; options: Record<string, unknown> } {
  if (!Object.hasOwn(KERNELS, name))
    throw new ConfigError(
      `kernel: expected one of ${Object.keys(KERNELS).join(', ')}, found ${name}`,
    );
  const reader = optionReader(name, given);
  const program = KERNELS[name](reader, wafer);
  return { program, options: reader.finish() };
}

/**
 * Runs a kernel. Throws ConfigError as `kernelProgram`, MachineError if the simulated machine
 * fails.
 */
export function runKernel(
  name: string,
  given: KernelOptions,
  wafer: WaferSpec,
  engine: EngineName | Engine,
  host: Host,
): KernelDocument {
  const begun = host.now();
  const { program, options } = kernelProgram(name, given, wafer);
  const result = (typeof engine === 'string' ? ENGINES[engine] : engine)({ program, wafer });
  return {
    schema: 'wafersim.kernel/1',
    kernel: name,
    cycles: result.cycles,
    breakdown: breakdownOf(program, result),
    coreCycles: coreCyclesOf(result),
    config: { kernel: name, options, hardware: wafer },
    fabric: fabricOf(result),
    host: {
      engine: typeof engine === 'string' ? engine : engine.name,
      shards: 1,
      wallSeconds: host.now() - begun,
      peakRssBytes: host.rss(),
    },
  };
}

/** An operator gets what its slowest core's end is later than every earlier operator's. */
function breakdownOf(program: Program, result: RunResult): Breakdown {
  const breakdown: Breakdown = {};
  let reached = 0;
  program.labels.forEach((label, i) => {
    const cycles = Math.max(0, Math.min(result.labelEnd[i], result.cycles) - reached);
    const compute = Math.min(cycles, result.labelBusy[i]);
    breakdown[label] = { cycles, compute, communication: cycles - compute };
    reached += cycles;
  });
  return breakdown;
}

function coreCyclesOf(result: RunResult): CyclesByCause {
  const sum = (counts: Float64Array) => counts.reduce((total, count) => total + count, 0);
  const compute = sum(result.compute);
  const setup = sum(result.setup);
  const waitInput = sum(result.waitInput);
  const waitOutput = sum(result.waitOutput);
  const busy = compute + setup + waitInput + waitOutput;
  return { compute, setup, waitInput, waitOutput, idle: result.end.length * result.cycles - busy };
}

function fabricOf(result: RunResult): FabricResult {
  const busiest = result.linkWavelets.reduce((most, count) => Math.max(most, count), 0);
  return {
    waveletHops: result.waveletHops,
    peakLinkUtilization: result.cycles > 0 ? busiest / result.cycles : 0,
    routeHazards: result.routeHazards,
  };
}
