/**
 * Where two engines differ: the same programs on both, counter by counter, and of a difference the
 * first cycle and core. An engine says only how a run ended; so a program with a difference is run
 * once more with a label of its own for every operation of every core, which dates them all.
 */
import type { ResolvedConfig } from '../../config.js';
import type { NamedFile } from '../../config/files.js';
import { identityOf } from '../../identity.js';
import { differencesOf, type Outcome } from './differences.js';
import { MachineError, type Engine, type RunInput } from '../../engine/engine.js';
import type { RunResult } from '../../engine/engine.js';
import { ENGINES, type EngineName } from '../../engine/engines.js';
import type { WaferSpec } from '../../hardware/wafer.js';
import { kernelProgram, type KernelOptions } from '../kernel/kernel.js';
import { listRole } from '../../program/listing.js';
import type { Operation, Program } from '../../program/program.js';
import type { DiffDocument, Difference, FoundDifference } from './document.js';
import { host } from '../../host.js';
import { placementOf } from '../../decode/place.js';
import { simulateSteps } from '../../decode/simulate.js';
import type { SimulateOptions } from '../../decode/options.js';
import { createRunner, type Runner } from '../../decode/runner.js';

export type NamedEngine = [name: string, engine: Engine];

/** Counters that a report names in addition to the first difference. */
const OTHERS = 5;

/** Cores times labels that a dated run may have: engines count cycles per core and label. */
const MOST_COUNTS = 1 << 25;

/** Programs that are to be run, each answered with what the engine did. */
type Runs<T> = Generator<[engine: NamedEngine, input: RunInput], T, Outcome>;

/** Runs an engine; a failure of the simulated machine is an outcome like any other. */
export function outcomeOf(engine: Engine, input: RunInput): Outcome {
  try {
    return engine(input);
  } catch (error) {
    if (error instanceof MachineError) return error;
    throw error;
  }
}

interface Compared {
  outcome: Outcome;
  difference?: FoundDifference;
}

/**
 * Runs a program on two engines, the second on a copy of the memory. Gives what the first one did,
 * and the difference, if there is one.
 */
export function compareRuns(input: RunInput, engines: [NamedEngine, NamedEngine]): Compared {
  const runs = comparison(input, engines);
  let next = runs.next();
  while (next.done !== true) {
    const [[, engine], given] = next.value;
    next = runs.next(outcomeOf(engine, given));
  }
  return next.value;
}

/** The same where engines take their time. */
async function oneByOne<T>(
  runs: Runs<T>,
  run: (engine: NamedEngine, input: RunInput) => Promise<RunResult>,
): Promise<T> {
  let next = runs.next();
  while (next.done !== true) {
    const outcome = await run(...next.value).catch((error: unknown) => {
      if (error instanceof MachineError) return error;
      throw error;
    });
    next = runs.next(outcome);
  }
  return next.value;
}

function* comparison(given: RunInput, engines: [NamedEngine, NamedEngine]): Runs<Compared> {
  const input = { ...given, instants: true };
  const [one, other] = engines;
  const { memory } = input;
  const copy = memory?.map((cells) => cells.slice());
  const outcome = yield [one, input];
  const second = yield [other, copy === undefined ? input : { ...input, memory: copy }];
  const numbers = memory && copy && { first: memory, second: copy };
  const all = differencesOf(input.program, outcome, second, numbers);
  if (all.length === 0) return { outcome };
  const first = (yield* firstOperation(input, engines, all)) ?? all[0];
  const others = all.filter((difference) => difference !== first).slice(0, OTHERS);
  const names: [string, string] = [engines[0][0], engines[1][0]];
  const found = { engines: names, first, count: all.length, others };
  return { outcome, difference: { program: input.program.name, ...found } };
}

/**
 * The operation that ends first at different times. All cores are looked at if that is not too much,
 * else those with differences, the earliest ones first; undefined if all operations end alike.
 */
function* firstOperation(
  { program, wafer, startAt }: RunInput,
  [one, other]: [NamedEngine, NamedEngine],
  all: Difference[],
): Runs<Difference | undefined> {
  const dated = withOwnLabels(program, suspects(program, all));
  const input = { program: dated.program, wafer, ...(startAt && { startAt }) };
  const a = yield [one, input];
  const b = yield [other, input];
  if (a instanceof MachineError || b instanceof MachineError) return undefined;
  let first: Difference | undefined;
  dated.operations.forEach(({ core, text }, i) => {
    const label = program.labels.length + i;
    const ends: [number, number] = [a.labelEnd[label], b.labelEnd[label]];
    const cycle = Math.min(...ends);
    if (ends[0] === ends[1] || (first !== undefined && first.cycle <= cycle)) return;
    const at = { x: core % program.width, y: Math.floor(core / program.width) };
    first = { what: 'end of operation', cycle, exact: true, core: at, where: text, values: ends };
  });
  return first;
}

/** Cores to date, in rising order. */
function suspects(program: Program, all: Difference[]): number[] {
  const different = all.flatMap(({ core }) => (core ? [core.y * program.width + core.x] : []));
  const cores = new Set([...different, ...program.roleOf.keys()]);
  const chosen: number[] = [];
  let labels = program.labels.length;
  for (const core of cores) {
    labels += program.roles[program.roleOf[core]].operations.length;
    if (labels * program.roleOf.length > MOST_COUNTS) break;
    chosen.push(core);
  }
  const mostRoles = 2 ** (8 * program.roleOf.BYTES_PER_ELEMENT);
  return chosen.slice(0, mostRoles - program.roles.length).sort((a, b) => a - b);
}

interface Dated {
  program: Program;
  /** What each new label stands for. */
  operations: { core: number; text: string }[];
}

function withOwnLabels(program: Program, cores: number[]): Dated {
  const labels = [...program.labels];
  const roles = [...program.roles];
  const roleOf = program.roleOf.slice();
  const operations: Dated['operations'] = [];
  for (const core of cores) {
    const role = program.roles[program.roleOf[core]];
    const own = role.operations.map((op, i): Operation => {
      operations.push({ core, text: textOf(op, i, program.labels) });
      return { ...op, label: labels.push(`core ${core}, operation ${i}`) - 1 };
    });
    roleOf[core] = roles.push({ ...role, operations: own }) - 1;
  }
  return { program: { ...program, labels, roles, roleOf }, operations };
}

/** `number: operation (label)`, as the listing of a program has it. */
function textOf(op: Operation, index: number, labels: string[]): string {
  const alone = { name: '', routes: [], operations: [op], buffers: [], codeBytes: 0 };
  return listRole(alone, labels).split('\n').at(-1)!.replace(/^ *0/, String(index));
}

/** Ends a simulation at the first difference. */
class EnginesDiffer extends Error {
  readonly difference: FoundDifference;
  constructor(difference: FoundDifference) {
    super(`engines differ in '${difference.program}'`);
    this.difference = difference;
  }
}

/** What the first engine does, in the memory given. Throws EnginesDiffer if another differs. */
function* onAll(input: RunInput, engines: NamedEngine[]): Runs<Outcome> {
  const [first, second, ...more] = engines;
  const before = more.length > 0 ? input.memory?.map((cells) => cells.slice()) : undefined;
  const outcomes: Outcome[] = [];
  for (const [i, other] of [second, ...more].entries()) {
    const fresh = before?.map((cells) => cells.slice());
    const own = i > 0 && fresh ? { ...input, memory: fresh } : input;
    const { outcome, difference } = yield* comparison(own, [first, other]);
    if (difference !== undefined) throw new EnginesDiffer(difference);
    outcomes.push(outcome);
  }
  return outcomes[0];
}

export type DiffOptions = Pick<SimulateOptions, 'onProgress' | 'signal' | 'maxCycles' | 'now'>;

/** A runner that runs every program on all engines and answers as the first one does. */
function comparing(
  engines: NamedEngine[],
  compared: DiffDocument['programs'],
  options: DiffOptions,
): Runner {
  const own = new Map<NamedEngine, Runner>();
  for (const named of engines) {
    const engine = named[0] as EngineName;
    if (ENGINES[engine] === named[1])
      own.set(named, createRunner({ ...options, engine, shards: 1 }));
  }
  const idle = createRunner({ ...options, engine: 'fast', shards: 1 });
  return {
    ...idle,
    async run(input) {
      const outcome = await oneByOne(onAll(input, engines), async (named, given) => {
        return own.get(named)?.run(given) ?? named[1](given);
      });
      const { name, roleOf } = input.program;
      const program = { name, cores: roleOf.length };
      if (outcome instanceof MachineError) {
        compared.push({ ...program, cycles: outcome.cycle, error: outcome.message });
        throw outcome;
      }
      compared.push({ ...program, cycles: outcome.cycles });
      return outcome;
    },
  };
}

/** What is compared: as the document shows it, and what its key is taken of. */
interface Subject {
  config: unknown;
  content: unknown;
  files: readonly NamedFile[];
}

async function diff(
  engines: NamedEngine[],
  { config, content, files }: Subject,
  options: DiffOptions,
  simulate: (runner: Runner) => Promise<unknown>,
): Promise<DiffDocument> {
  const programs: DiffDocument['programs'] = [];
  let difference: FoundDifference | null = null;
  try {
    await simulate(comparing(engines, programs, options));
  } catch (error) {
    if (error instanceof EnginesDiffer) difference = error.difference;
    // All engines failed alike: no difference.
    else if (!(error instanceof MachineError)) throw error;
  }
  const names = engines.map(([name]) => name);
  const identity = identityOf([content, names], files);
  return { schema: 'wafersim.diff/1', ...identity, engines: names, programs, difference, config };
}

/**
 * Every program of a configuration's decode steps, on two or more engines, each held against the
 * first. Ends at the first difference. Throws CapacityError and ConfigError as `simulate` does.
 */
export function diffConfig(
  config: ResolvedConfig,
  engines: NamedEngine[],
  options: DiffOptions = host,
): Promise<DiffDocument> {
  const { resolved, canonical: content, files } = config;
  return diff(engines, { config: resolved, content, files }, options, async (runner) => {
    const placement = placementOf(config);
    const how = { engine: 'fast', shards: 1, memo: true, ...host } as const;
    return simulateSteps(config, placement, { ...how, ...options, runner });
  });
}

/** One kernel on two or more engines; `files` are those of the hardware. Throws ConfigError as `kernelProgram` does. */
export function diffKernel(
  name: string,
  given: KernelOptions,
  wafer: WaferSpec,
  engines: NamedEngine[],
  options: DiffOptions = host,
  files: readonly NamedFile[] = [],
): Promise<DiffDocument> {
  const { program, options: resolved } = kernelProgram(name, given, wafer);
  const config = { kernel: name, options: resolved, hardware: wafer };
  return diff(engines, { config, content: config, files }, options, (runner) =>
    runner.run({ program, wafer, name: `kernel ${name}` }),
  );
}
