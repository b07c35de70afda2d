/**
 * One kernel on a rectangle of cores: its options become a program, an engine runs it, and what the
 * engine counted becomes a document.
 */
import type { Engine, RunResult } from '../engine/engine.js';
import { ENGINES, type EngineName } from '../engine/engines.js';
import { ConfigError } from '../hardware/errors.js';
import type { WaferSpec } from '../hardware/wafer.js';
import { optionReader, type KernelOptions } from './kernel-options.js';
import { KERNELS } from './kernels.js';
import { splitLoads } from './traffic.js';
import { trafficResult } from './traffic-result.js';
import type { Program } from '../program/program.js';
import type { Breakdown, CyclesByCause, FabricResult, KernelDocument } from '../report/document.js';

export type { KernelOptions } from './kernel-options.js';

/** The host's clock, in seconds, and its peak memory, in bytes; for `host` only. */
export interface Host {
  now: () => number;
  rss: () => number;
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
  const program = KERNELS[name].build(reader, wafer);
  return { program, options: reader.finish() };
}

/**
 * Runs a kernel; traffic with several loads once for each. Throws ConfigError as `kernelProgram`,
 * MachineError if the simulated machine fails.
 */
export function runKernel(
  name: string,
  given: KernelOptions,
  wafer: WaferSpec,
  engine: EngineName | Engine,
  host: Host,
): KernelDocument {
  const { loads, others } = name === 'traffic' ? splitLoads(given) : { others: given };
  if (loads === undefined) return runOnce(name, others, wafer, engine, host);
  const begun = host.now();
  const runs = loads.map((load) => runOnce(name, { ...others, load }, wafer, engine, host));
  const last = runs.at(-1)!;
  const { load: _, ...options } = last.config.options as Record<string, unknown>;
  const curve = runs.map(({ traffic, cycles }, i) => ({ load: loads[i], cycles, ...traffic! }));
  return {
    ...last,
    config: { ...last.config, options: { ...options, loads } },
    loads: curve,
    host: { ...last.host, wallSeconds: host.now() - begun },
  };
}

function runOnce(
  name: string,
  given: KernelOptions,
  wafer: WaferSpec,
  engine: EngineName | Engine,
  host: Host,
): KernelDocument {
  const begun = host.now();
  const { program, options } = kernelProgram(name, given, wafer);
  const isTraffic = name === 'traffic';
  const run = typeof engine === 'string' ? ENGINES[engine] : engine;
  const result = run({ program, wafer, ...(isTraffic && { instants: true }) });
  const { programStart } = wafer.costs;
  return {
    schema: 'wafersim.kernel/1',
    kernel: name,
    cycles: result.cycles,
    breakdown: breakdownOf(program, result),
    coreCycles: coreCyclesOf(result),
    config: { kernel: name, options, hardware: wafer },
    fabric: fabricOf(result),
    ...(isTraffic && {
      traffic: trafficResult(program, result, programStart, Number(options.cycles)),
    }),
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
