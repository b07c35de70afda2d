/**
 * How fast engines are and what they need, as a Markdown table on stdout:
 *
 *     npm run bench                                   every case; long ones on the fast engines only
 *     npm run bench -- --cases shift --engines fast   cases with a word in their name
 *     npm run bench -- --all                          the reference on the long cases too (minutes)
 *     npm run bench -- --clock cpu                    time of the processor, for a host that is shared
 *
 * Seeded programs, a warm-up, then repetitions: the minimum is the engine, the deviation is the host.
 * Memory is measured in a process of its own: the highest resident size while the engine runs, less
 * the size before, which holds the program.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Bench } from 'tinybench';
import type { Engine, RunInput } from '../src/engine/engine.js';
import { engines } from '../test/helpers/engines.js';
import { CASES, type Case } from './cases.js';

interface Row {
  name: string;
  engine: string;
  cores: number;
  cycles: number;
  hops: number;
  /** Seconds. */
  minimum: number;
  mean: number;
  deviation: number;
  samples: number;
  bytesPerCore: number;
}

/** Seconds that the repetitions of one measurement may take together, and how many there are at most. */
const BUDGET = 3;
const MOST_SAMPLES = 20;

/** Milliseconds. The processor's clock counts all threads, the collector's and the compiler's too. */
const CLOCKS: Record<string, (() => number) | undefined> = {
  wall: () => performance.now(),
  cpu: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
};

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      cases: { type: 'string', default: '' },
      engines: { type: 'string', default: engines.map(([name]) => name).join(',') },
      all: { type: 'boolean', default: false },
      clock: { type: 'string', default: 'wall' },
      memory: { type: 'string' },
    },
  });
  const chosen = values.engines.split(',').map((wanted) => {
    const found = engines.find(([name]) => name === wanted);
    if (found === undefined) throw new RangeError(`--engines: no engine '${wanted}'`);
    return found;
  });
  if (values.memory !== undefined) {
    process.stdout.write(`${memoryOf(chosen[0][1], await caseOf(values.memory).build())}\n`);
    return;
  }
  const now = CLOCKS[values.clock];
  if (now === undefined) throw new RangeError(`--clock: wall or cpu, found '${values.clock}'`);
  process.stdout.write(`${hostLine()}, ${values.clock} time\n\n${headings()}\n`);
  for (const each of CASES.filter(({ name }) => name.includes(values.cases))) {
    const input = await each.build();
    const runs = chosen.filter(([name]) => values.all || !each.long || name !== 'reference');
    const rows: Row[] = [];
    for (const [name, engine] of runs) rows.push(await measure(each, [name, engine], input, now));
    const truth = rows.find(({ engine }) => engine === 'reference');
    for (const row of rows) process.stdout.write(`${tableLine(row, truth)}\n`);
  }
}

function caseOf(name: string): Case {
  return CASES.find((each) => each.name === name)!;
}

async function measure(
  each: Case,
  [name, engine]: [string, Engine],
  input: RunInput,
  now: () => number,
): Promise<Row> {
  // The first run warms up and tells how many more there is time for.
  const begun = now();
  const { cycles, waveletHops: hops } = engine(input);
  const once = (now() - begun) / 1000;
  const iterations = Math.max(1, Math.min(MOST_SAMPLES, Math.floor(BUDGET / once)));
  const long = iterations < 3;
  const warmupIterations = long ? 0 : 2;
  const warmup = { warmup: !long, warmupIterations, warmupTime: 0 };
  const bench = new Bench({ iterations, time: 0, now, ...warmup });
  bench.add(name, () => void engine(input), { beforeEach: () => globalThis.gc?.() });
  const [task] = await bench.run();
  const { result } = task;
  if (!('latency' in result)) throw new Error(`${each.name} did not run on ${name}`);
  const { min, mean, sd, samplesCount: samples } = result.latency;
  const time = { minimum: min / 1000, mean: mean / 1000, deviation: sd / 1000, samples };
  const counts = { cores: input.program.roleOf.length, cycles, hops };
  return { name: each.name, engine: name, ...counts, ...time, bytesPerCore: alone(each, name) };
}

/** Memory of one run per core, in a fresh process. */
function alone({ name }: Case, engine: string): number {
  const script = fileURLToPath(import.meta.url);
  const args = ['--expose-gc', script, '--memory', name, '--engines', engine];
  return Number(execFileSync(process.execPath, args, { encoding: 'utf8' }));
}

function memoryOf(engine: Engine, input: RunInput): number {
  globalThis.gc?.();
  forgetPeak();
  const before = process.memoryUsage().rss;
  engine(input);
  return Math.max(0, peakRss() - before) / input.program.roleOf.length;
}

/** Linux counts the highest resident size anew from here. */
function forgetPeak(): void {
  writeFileSync('/proc/self/clear_refs', '5');
}

function peakRss(): number {
  const [, kilobytes] = /VmHWM:\s*(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))!;
  return Number(kilobytes) * 1024;
}

function hostLine(): string {
  return `Node ${process.versions.node}, ${availableParallelism()} cores, ${cpus()[0].model.trim()}`;
}

const COLUMNS = [
  'case',
  'engine',
  'cores',
  'cycles',
  'wavelet-hops',
  'minimum s',
  'mean s ± deviation (n)',
  'M hops/s',
  'bytes/core',
  'over reference',
];

function headings(): string {
  return `| ${COLUMNS.join(' | ')} |\n|${COLUMNS.map((_, i) => (i < 2 ? '---|' : '---:|')).join('')}`;
}

function tableLine(row: Row, truth: Row | undefined): string {
  const { minimum, mean, deviation, samples } = row;
  const cells = [
    row.name,
    row.engine,
    row.cores,
    row.cycles,
    row.hops,
    minimum.toPrecision(3),
    `${mean.toPrecision(3)} ± ${deviation.toPrecision(2)} (${samples})`,
    (row.hops / minimum / 1e6).toPrecision(3),
    row.bytesPerCore.toFixed(0),
    truth === undefined ? '' : `${(truth.minimum / minimum).toPrecision(3)}x`,
  ];
  return `| ${cells.join(' | ')} |`;
}

try {
  await main();
} catch (error) {
  if (!(error instanceof RangeError) && !(error instanceof TypeError)) throw error;
  process.stderr.write(`bench: ${error.message}\n`);
  process.exitCode = 2;
}
