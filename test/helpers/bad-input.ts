/**
 * Input that no user would write and files as disks leave them: whole files of every kind, changed at
 * random in their text or in their values, and read by the functions that the commands use. Whatever is
 * in them, the outcome is a result or one line with an exit code that the commands document.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import fc from 'fast-check';
import { failureOf } from '../../src/cli/errors.js';
import { requestsOf } from '../../src/studies/serve/requests.js';
import { readGpu } from '../../src/config/gpu-file.js';
import { readTrace, TraceError, type TraceOptions } from '../../src/serving/trace.js';
import { ConfigError } from '../../src/config/errors.js';
import {
  baselineOf,
  bench,
  compareBench,
  compareRuns,
  EXACTLY,
  isServing,
  loadConfig,
  loadHardware,
  readBaseline,
  readRun,
  readSuite,
  simulate,
  type BenchDocument,
  type RunDocument,
} from '../../src/index.js';
import { benchMarkdown, benchTable } from '../../src/studies/bench/table.js';
import { compareMarkdown, compareTable } from '../../src/studies/compare/table.js';
import { kernelProgram } from '../../src/studies/kernel/kernel.js';
import { readMeasurements } from '../../src/studies/validate/measurements.js';
import { combination, runBriefly, runCombination } from './combinations.js';
import { change, nasty } from './mutations.js';

/** The kind whose inputs are made of right parts, and never spoilt as text. */
const COMBINATION = 'combination';

/** A way into wafersim: a whole input, and what reads it. */
export interface Entry {
  /** The whole text, from which bad ones are made. */
  whole: string;
  /** Exit codes that a bad one may end with. */
  codes: number[];
  /** Reads the file and does what a command would. */
  read: (path: string) => unknown;
}

/** Processor time that an input may take, in milliseconds; a simulation has to obey its signal by then. */
const PATIENCE = 20_000;

/** Reads a configuration as every command does and runs it; what commands add is in combinations.ts. */
async function runWhatIsLoaded(path: string): Promise<void> {
  const config = loadConfig(path);
  if (isServing(config)) requestsOf(config, config.model.maxContext);
  await runBriefly('explain', path, []);
  await runBriefly('run', path, []);
}

const KERNELS = [
  'all-reduce algorithm=tree pes=16 groups=4 words=8 dtype=f16',
  'reduce algorithm=two-phase pes=16 words=8 group=4 dtype=f32',
  'broadcast pes=16 words=8',
  'matvec rows=30 padded=32 iterations=10 dtype=f32',
  'gemv k=64 n=64 grid=4x4 groups=2 dtype=f16 algorithm=waferllm',
  'layer mapping=waferllm dim=48 ffn=96 seq=48 grid=12x12 groups=3 heads=2 dtype=f16',
  'traffic pattern=shift distance=4 mesh=16x16 load=0.1 cycles=100 seed=1',
];

/** Kernel options as the words after `wafersim kernel`. */
function buildKernel(path: string): void {
  const [name, ...words] = readFileSync(path, 'utf8').split(/\s+/);
  const options = Object.fromEntries(words.map((word) => word.split('=')));
  const { wafer } = loadHardware(resolve('configs/hardware/small.yaml'));
  kernelProgram(name, options, wafer);
}

/** Inputs by name; `home` holds the documents that some are compared with. */
function entries(home: string, run: RunDocument, baseline: BenchDocument): Map<string, Entry> {
  const at = (name: string) => resolve(name);
  const file = (name: string) => readFileSync(name, 'utf8');
  const config = `hardware: ${at('configs/hardware/small.yaml')}\nmodel: ${at('models/tiny.json')}\n`;
  const wholeRun = join(home, 'whole-run.json');
  mkdirSync(dirname(wholeRun), { recursive: true });
  writeFileSync(wholeRun, JSON.stringify(run));
  const model = (path: string) => {
    const yaml = `${path}.yaml`;
    writeFileSync(
      yaml,
      `${config.replace(at('models/tiny.json'), path)}workload: { context: 8 }\n`,
    );
    return runWhatIsLoaded(yaml);
  };
  return new Map<string, Entry>([
    [
      'configuration',
      {
        whole: `${config}mapping: gqa\nexact: false\nworkload:\n  context: 8\n  batch: 1\n  tokens: 1\n  data: false\n  seed: 1\nplacement:\n  strategy: row-major\n  growth: fill\n  rows: 6\n  layerColumns: 8\n  groups: 2\n`,
        codes: [2, 4],
        read: runWhatIsLoaded,
      },
    ],
    [
      'serving configuration',
      {
        whole: file('configs/serving-tiny.yaml')
          .replace('hardware/', `${at('configs/hardware')}/`)
          .replace('../models', at('models'))
          .replace('gpu/', `${at('configs/gpu')}/`),
        codes: [2, 4],
        read: runWhatIsLoaded,
      },
    ],
    [
      COMBINATION,
      {
        whole: JSON.stringify({ command: 'run', model: {}, left: [], sets: [] }),
        codes: [2, 4],
        read: (path) => {
          const base = JSON.parse(file('models/tiny.json')) as object;
          return runCombination(path, readFileSync(path, 'utf8'), base);
        },
      },
    ],
    ['model', { whole: file('models/tiny.json'), codes: [2, 4], read: model }],
    [
      'hardware',
      {
        whole: file('configs/hardware/wse3.yaml'),
        codes: [2],
        read: (path) => loadHardware(path),
      },
    ],
    ['GPU', { whole: file('configs/gpu/h100.yaml'), codes: [2], read: readGpu }],
    [
      'measurements',
      { whole: file('measurements/published.json'), codes: [2], read: readMeasurements },
    ],
    [
      'suite',
      {
        whole: file('examples/ci/suite.yaml')
          .replaceAll('decode.yaml', at('examples/ci/decode.yaml'))
          .replace('wafer.yaml', at('examples/ci/wafer.yaml')),
        codes: [2],
        read: readSuite,
      },
    ],
    [
      'baseline',
      {
        whole: JSON.stringify(baseline, null, 1),
        codes: [3],
        read: (path) => {
          const comparison = compareBench(readBaseline(path), baseline, path, EXACTLY);
          const document = { ...baseline, comparison };
          return [benchTable(document, { color: false }), benchMarkdown(document)];
        },
      },
    ],
    [
      'run',
      {
        whole: JSON.stringify(run),
        codes: [3],
        read: (path) => {
          const document = compareRuns([readRun(wholeRun), readRun(path)], ['a', 'b']);
          return [compareTable(document, { color: false }), compareMarkdown(document)];
        },
      },
    ],
    [
      'trace',
      {
        whole: file('examples/traces/azure-shape.csv').split('\n').slice(0, 20).join('\n'),
        codes: [2],
        read: (path) => readTraceFile(path),
      },
    ],
    [
      'trace of JSON lines',
      {
        whole: '{"timestamp": 0, "input_length": 10, "output_length": 5}\n'.repeat(5),
        codes: [2],
        read: (path) => readTraceFile(path),
      },
    ],
    [
      'trace of another maker',
      {
        whole: `"When",in,out,"what, else"\n${'1700000000.5,10,"5",x\n'.repeat(5)}`,
        codes: [2],
        read: (path) => {
          const columns = { arrival: 'When', input: 'in', output: 'out', unit: 's' } as const;
          readTraceFile(path, { columns, skipInvalid: true });
        },
      },
    ],
    ...KERNELS.map((whole): [string, Entry] => [
      `kernel ${whole.split(' ')[0]}`,
      { whole, codes: [2, 4], read: buildKernel },
    ]),
  ]);
}

function readTraceFile(path: string, options: TraceOptions = {}): void {
  try {
    readTrace(readFileSync(path, 'utf8'), path, options);
  } catch (error) {
    throw error instanceof TraceError ? new ConfigError(error.message) : error;
  }
}

/** What is wrong with the outcome of reading a file; undefined if nothing is. */
export async function wrongOutcome(entry: Entry, path: string): Promise<string | undefined> {
  const begun = process.cpuUsage();
  let wrong: string | undefined;
  try {
    await entry.read(path);
  } catch (error) {
    const { exitCode, message } = failureOf(error);
    if (!entry.codes.includes(exitCode)) wrong = `exit code ${exitCode}: ${message}`;
    else if (message === '' || message.length > 3000) wrong = `a bad message: ${message}`;
    else if (/internal error|found undefined|\[object Object/.test(message)) wrong = message;
  }
  // A host that sleeps or has other work is not the input's fault.
  const { user, system } = process.cpuUsage(begun);
  const took = Math.round((user + system) / 1000);
  return wrong ?? (took > PATIENCE ? `took ${took} ms` : undefined);
}

/** A kind of input, and its text after a few changes; a combination; seldom a text of no kind. */
export function badInput(all: Map<string, Entry>): fc.Arbitrary<{ kind: string; text: string }> {
  const combined = combination.map((text) => ({ kind: COMBINATION, text }));
  const kinds = [...all.keys()].filter((name) => name !== COMBINATION);
  if (kinds.length === 0) return combined;
  const changes = fc.array(change, { minLength: 1, maxLength: 4 });
  const kind = fc.constantFrom(...kinds);
  const changed = fc.tuple(kind, changes).map(([kind, list]) => ({
    kind,
    text: list.reduce((text, one) => one(text), all.get(kind)!.whole),
  }));
  const alien = fc.record({ kind, text: nasty });
  const combinations = all.has(COMBINATION) ? [{ weight: 10, arbitrary: combined }] : [];
  return fc.oneof(
    { weight: 19, arbitrary: changed },
    { weight: 1, arbitrary: alien },
    ...combinations,
  );
}

/** The inputs, with the documents of a run and of benchmarks that are quick to make. */
export async function smallEntries(home: string): Promise<Map<string, Entry>> {
  const quick = ['workload.tokens=1', 'workload.data=false'];
  const run = await simulate(loadConfig('configs/tiny.yaml', quick), { shards: 1 });
  const machine = { name: 'x', cpu: 'x', cores: 1, platform: 'x', node: 'x' };
  const kernels = readSuite('bench/suite.yaml').filter(({ id }) => id === 'kernel/matvec');
  const host = { now: () => 0, rss: () => 0 };
  const measured = await bench(kernels, {
    engine: 'fast',
    shards: 1,
    memo: true,
    machine,
    ...host,
  });
  return entries(home, run, baselineOf(measured, false));
}
