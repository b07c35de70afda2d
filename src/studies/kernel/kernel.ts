/**
 * One kernel on a rectangle of cores: its options become a program, an engine runs it, and what the
 * engine counted becomes a document.
 */
import type { RunInput, RunResult } from '../../engine/engine.js';
import type { EngineName } from '../../engine/engines.js';
import type { NamedFile } from '../../config/files.js';
import { ConfigError } from '../../config/errors.js';
import type { WaferSpec } from '../../hardware/wafer.js';
import { identityOf } from '../../identity.js';
import { countable } from '../../decode/countable.js';
import { MOST_EVENTS, lastCore } from '../../decode/critical-path.js';
import type { FoundPath } from '../../decode/critical-path.js';
import { addStart, createEntries } from '../../decode/path-entries.js';
import { pathFields } from '../../decode/run-document.js';
import { addStageWaits, sumOf, waitResults, type Waits } from '../../decode/waits.js';
import { fastestOf, isAuto } from './auto.js';
import { optionReader, type KernelOptions } from './options.js';
import { KERNELS } from './kernels.js';
import { splitLoads } from './traffic.js';
import { trafficResult } from './traffic-result.js';
import type { Program } from '../../program/program.js';
import type { Breakdown, CyclesByCause, FabricResult } from '../../report/document.js';
import type { KernelDocument, WaitResult } from '../../report/document.js';
import { createRunner, type Runner, type RunnerOptions } from '../../decode/runner.js';

export type { KernelOptions } from './options.js';

/**
 * The host's clock, in seconds, and its peak memory, in bytes, for `host` only; limits, and a runner that
 * others share.
 */
export interface Host extends Pick<RunnerOptions, 'now' | 'maxCycles' | 'signal'> {
  rss: () => number;
  runner?: Runner;
  /** Whether the critical path is followed as well, for which the kernel is simulated once more. */
  path?: boolean;
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
 * MachineError if the simulated machine fails, LimitError if it is not over by `maxCycles`, the signal's
 * reason once it is aborted.
 * @param files of the hardware, for the document
 */
export async function runKernel(
  name: string,
  given: KernelOptions,
  wafer: WaferSpec,
  engine: EngineName,
  host: Host,
  files: readonly NamedFile[] = [],
): Promise<KernelDocument> {
  const begun = host.now();
  const runner = host.runner ?? createRunner({ ...host, engine, shards: 1 });
  const { path: withPath = false } = host;
  const once = (options: KernelOptions, path = withPath) =>
    runOnce(name, options, wafer, engine, { ...host, runner, path }, files);
  if (isAuto(name, given)) {
    const programOf = (options: KernelOptions) => kernelProgram(name, options, wafer).program;
    const tried = (options: KernelOptions, path = false) => once(options, path);
    const fastest = await fastestOf(name, given, wafer, programOf, tried, withPath);
    return { ...fastest, host: { ...fastest.host, wallSeconds: host.now() - begun } };
  }
  const { loads, others } = name === 'traffic' ? splitLoads(given) : { others: given };
  if (loads === undefined) return once(others);
  const runs: KernelDocument[] = [];
  for (const load of loads) runs.push(await once({ ...others, load }));
  const last = runs.at(-1)!;
  const { load: _, ...options } = last.config.options as Record<string, unknown>;
  const curve = runs.map(({ traffic, cycles }, i) => ({ load: loads[i], cycles, ...traffic! }));
  const config = { ...last.config, options: { ...options, loads } };
  return {
    ...last,
    ...identityOf(config, files),
    config,
    loads: curve,
    host: { ...last.host, wallSeconds: host.now() - begun },
  };
}

async function runOnce(
  name: string,
  given: KernelOptions,
  wafer: WaferSpec,
  engine: EngineName,
  host: Host & { runner: Runner },
  files: readonly NamedFile[],
): Promise<KernelDocument> {
  const begun = host.now();
  const { program, options } = kernelProgram(name, given, wafer);
  const isTraffic = name === 'traffic';
  const asked = isTraffic ? { instants: true } : {};
  const result = await host.runner.run({ program, wafer, name: `kernel ${name}`, ...asked });
  const { programStart } = wafer.costs;
  const config = { kernel: name, options, hardware: wafer };
  return {
    schema: 'wafersim.kernel/1',
    ...identityOf(config, files),
    kernel: name,
    cycles: result.cycles,
    breakdown: breakdownOf(program, result),
    coreCycles: coreCyclesOf(result),
    waits: waitsOf(program, result),
    ...(host.path && pathFields(await pathOf(host.runner, { program, wafer }, result))),
    config,
    fabric: fabricOf(result),
    ...(isTraffic && {
      traffic: trafficResult(program, result, programStart, Number(options.cycles)),
    }),
    host: {
      engine,
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
  const compute = sumOf(result.compute);
  const setup = sumOf(result.setup);
  const waitInput = sumOf(result.waitInput);
  const waitOutput = sumOf(result.waitOutput);
  const busy = compute + setup + waitInput + waitOutput;
  const all = countable(result.end.length * result.cycles, 'the sum of coreCycles');
  return countable({ compute, setup, waitInput, waitOutput, idle: all - busy }, 'coreCycles');
}

function waitsOf({ labels }: Program, result: RunResult): WaitResult[] {
  const { labelWaitInput: input, labelWaitOutput: output } = result;
  const waits: Waits = new Map();
  addStageWaits(waits, labels, { input, output });
  return countable(waitResults(waits), 'waits');
}

/** The path to the program's end. */
async function pathOf(
  runner: Runner,
  { program, wafer }: RunInput,
  result: RunResult,
): Promise<FoundPath> {
  const core = program.root ?? lastCore(result);
  const walked = await runner.path({ program, wafer }, result, core, MOST_EVENTS);
  if (typeof walked === 'string') return walked;
  const place = { wafer: 0, x: 0, y: 0, width: program.width, labels: program.labels };
  const entries = createEntries();
  entries.addWalk(place, walked, 0);
  addStart(entries, place, walked, wafer.costs.programStart);
  return entries.inOrder();
}

function fabricOf(result: RunResult): FabricResult {
  const busiest = result.linkWavelets.reduce((most, count) => Math.max(most, count), 0);
  return {
    waveletHops: countable(result.waveletHops, 'fabric.waveletHops'),
    peakLinkUtilization: result.cycles > 0 ? busiest / result.cycles : 0,
    routeHazards: result.routeHazards,
  };
}
