/**
 * Regression benchmarks: every case of a suite simulated as `run` and `kernel` do it, in numbers that
 * can be held against a baseline. A reference loop is timed before and after each case, so that
 * the simulator's own speed is given in units of the host's; both in processor time, so that it does not
 * matter what else the host has to do.
 */
import type { NamedFile } from '../../config/files.js';
import { configHash, loadConfig, loadHardware } from '../../config.js';
import { serveOrSimulate } from '../serve/serve-all.js';
import { MachineError } from '../../engine/engine.js';
import { CapacityError } from '../../placement/placement.js';
import { benchIdentity } from './baseline.js';
import type { BenchCase, BenchDocument, BenchHost, BenchMetric } from './document.js';
import type { Breakdown, KernelDocument } from '../../report/document.js';
import { BENCHED, BENCHED_SERVED, KERNEL_METRICS, METRICS, SERVED } from '../../report/metrics.js';
import { SPEEDS } from '../../report/metrics.js';
import type { Metric } from '../../report/metrics.js';
import type { AnyRun } from '../../report/serving-document.js';
import { createPause } from '../../decode/runner.js';
import type { SimulateOptions } from '../../decode/options.js';
import type { SuiteCase } from './suite.js';
import { runKernel } from '../kernel/kernel.js';

/** Stands for the whole suite; no case of a suite can have this name. */
export const ALL = '(all)';

export interface BenchOptions extends SimulateOptions {
  /** What the host is, for the document. */
  machine: BenchHost;
  /** Seconds of processor time so far; those of `now` if not given. */
  cpu?: () => number;
}

/**
 * Runs the cases one after the other. A case on which the simulated machine fails says so in `failed`.
 * @throws ConfigError if a case names what there is not; the signal's reason if it is aborted
 */
export async function bench(cases: SuiteCase[], options: BenchOptions): Promise<BenchDocument> {
  const { onProgress, cpu = options.now, ...quiet } = options;
  const prepared = cases.map(prepare);
  const done: BenchCase[] = [];
  const pause = createPause(options);
  let before = referenceSeconds(cpu);
  for (const [i, { measure }] of prepared.entries()) {
    await pause();
    onProgress?.({ done: i, total: cases.length, what: cases[i].id });
    const [begun, cpuBegun] = [options.now(), cpu()];
    const measured = await measure(quiet);
    const [wallSeconds, cpuSeconds] = [options.now() - begun, cpu() - cpuBegun];
    const after = referenceSeconds(cpu);
    // A loop that was disturbed is slower: the faster one shows the host's speed.
    const reference = Math.min(before, after);
    before = after;
    const time = hostMetric(cpuSeconds / reference, 'reference loops');
    done.push({
      ...measured,
      metrics: { ...measured.metrics, ...(measured.failed === undefined && { time }) },
      host: { wallSeconds, cpuSeconds, referenceSeconds: reference },
    });
  }
  const peakRss = hostMetric(options.rss(), 'B');
  const hash = configHash(done.map((one) => [one.id, one.configHash]));
  // A process has one peak, so it is a number of all cases together.
  const all: BenchCase = { id: ALL, configHash: hash, metrics: { peakRss } };
  const files = prepared.flatMap((one) => one.files);
  return {
    schema: 'wafersim.bench/1',
    ...benchIdentity(done, files),
    cases: [...done, all],
    host: options.machine,
  };
}

interface PreparedCase {
  measure: (options: SimulateOptions) => Promise<BenchCase>;
  files: NamedFile[];
}

/** Reads what a case names, so that a mistake in the last one shows before the first one runs. */
function prepare(each: SuiteCase): PreparedCase {
  const { id, sets, written } = each;
  const asWritten = (files: NamedFile[], path: string) =>
    files.map((file) => (file.path === path ? { ...file, path: written } : file));
  if (each.kind === 'kernel') {
    const { kernel, options: given } = each;
    const { wafer, files } = loadHardware(each.hardware, sets);
    const config = { kernel, options: given, wafer };
    return {
      files: asWritten(files, each.hardware),
      measure: (options) =>
        attempt(id, config, async () =>
          kernelCase(id, await runKernel(kernel, given, wafer, options.engine, options)),
        ),
    };
  }
  const config = loadConfig(each.config, sets);
  return {
    files: asWritten(config.files, each.config),
    measure: (options) =>
      attempt(id, config.canonical, async () => {
        return runCase(id, await serveOrSimulate(config, each.config, sets, options));
      }),
  };
}

/** `config` stands for a case that has no document because its machine failed. */
async function attempt(
  id: string,
  config: unknown,
  run: () => Promise<BenchCase>,
): Promise<BenchCase> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof CapacityError || error instanceof MachineError)) throw error;
    return { id, configHash: configHash(config), metrics: {}, failed: error.message };
  }
}

function kernelCase(id: string, kernel: KernelDocument): BenchCase {
  return {
    id,
    configHash: configHash(kernel.config),
    metrics: measured(KERNEL_METRICS, ['cycles', 'waveletHops'], kernel),
    breakdown: cyclesOf(kernel.breakdown),
  };
}

function runCase(id: string, run: AnyRun): BenchCase {
  const { serving } = run;
  return {
    id,
    configHash: run.configHash,
    metrics: {
      ...measured(METRICS, ['cyclesPerToken'], run),
      // A step's own speed is not what users of a serving run get.
      ...(serving ? measured(SERVED, BENCHED_SERVED, serving) : measured(METRICS, SPEEDS, run)),
      ...measured(METRICS, BENCHED, run),
    },
    breakdown: cyclesOf(run.decode.breakdown),
  };
}

/** The metrics of these names that the document has. */
function measured<Key extends string, Of>(
  metrics: Record<Key, Metric<Of>>,
  keys: readonly Key[],
  document: Of,
): Record<string, BenchMetric> {
  const found = keys.flatMap((key): [string, BenchMetric][] => {
    const { of, unit, better } = metrics[key];
    const value = of(document);
    return value === undefined ? [] : [[key, { value: value!, unit, better, kind: 'sim' }]];
  });
  return Object.fromEntries(found);
}

function cyclesOf(breakdown: Breakdown): Record<string, number> {
  return Object.fromEntries(Object.entries(breakdown).map(([name, { cycles }]) => [name, cycles]));
}

function hostMetric(value: number, unit: string): BenchMetric {
  return { value, unit, better: 'lower', kind: 'host' };
}

const REFERENCE_STEPS = 4_000_000;
const REFERENCE_CELLS = 1 << 16;

/** Seconds of a loop over typed arrays, such as engines are made of; the fastest of five. */
function referenceSeconds(now: () => number): number {
  const cells = new Int32Array(REFERENCE_CELLS);
  let fastest = Infinity;
  for (let pass = 0; pass < 5; pass++) {
    const begun = now();
    let state = 1;
    for (let i = 0; i < REFERENCE_STEPS; i++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
      const at = state >>> 16;
      cells[at] = Math.max(cells[at] + 1, cells[(at + 1) & (REFERENCE_CELLS - 1)]);
    }
    fastest = Math.min(fastest, now() - begun);
  }
  return fastest;
}
