/**
 * Where all programs run: on threads, if there are any, or else here in slices, one after the other, so
 * that timers, signals and callers are served every 10 ms. A caller stops it by aborting a signal.
 */
import { standingText } from '../engine/checks.js';
import { FEWEST_OF_LARGE, LimitError } from '../engine/engine.js';
import type { Run, RunInput, RunResult, Standing } from '../engine/engine.js';
import type { IndexFault } from '../engine/indexed.js';
import { isTimeless, startNumbers } from '../engine/numbers.js';
import { SLICED_ENGINES, type EngineName } from '../engine/engines.js';
import { noteWhole, startByLines } from '../engine/lines/lines.js';
import { createLineTable, forgetResults, type LineTable } from '../engine/lines/table.js';
import { pathByLines, spansByLines } from '../engine/path/by-lines.js';
import type { OpSpan } from '../engine/path/spans.js';
import type { Walked } from '../engine/path/walk.js';
import { eventsOf, isScheduled, pathByReference, pathOfWhole } from '../engine/path/whole.js';
import { spansByReference, spansOfWhole } from '../engine/path/whole.js';
import type { Program } from '../program/program.js';
import type { Shards } from '../engine/sharded/sharded.js';
import { StoppedError } from '../engine/stopped.js';
import { createShards, nextTask } from '../platform/node.js';
import type { Memoized } from './memo.js';

export interface RunnerOptions {
  engine: EngineName;
  /** Threads for the fast engine, if more than one. */
  shards: number;
  /** Cycles that a program may take (see `RunInput`). */
  maxCycles?: number | undefined;
  /** Cores from which on a program may be run by lines: smaller ones are through before they are divided. */
  coresByLines?: number | undefined;
  /** Once it is aborted everything rejects with its reason; a LimitError also says what ran. */
  signal?: AbortSignal | undefined;
  /** Seconds from any fixed instant; seconds of processor time. */
  now: () => number;
  cpu?: (() => number) | undefined;
}

export interface Runner {
  /**
   * Runs a program, by lines where that is asked for and the program is for it.
   * @throws what an engine throws; the signal's reason if it is aborted
   */
  run(input: RunInput, lines?: Memoized['lines']): Promise<RunResult>;
  /** Lines of all programs so far: what results were made of. */
  readonly lines: LineTable;
  /** What its programs have taken so far. */
  readonly spent: Spent;
  /** Whether numbers of a program are computed without its times: the reference engine has both in one. */
  computes(program: Program): boolean;
  /**
   * Computes them, in the memory that is given; a fault is reported as `run` does. But for wrong indices, which are
   * returned: a run of the program with them (`badIndices`), begun when it is, says in which cycle they are.
   */
  compute(input: RunInput): Promise<readonly IndexFault[]>;
  /**
   * The critical path to the end of a core's program (engine/path): by its lines, if it is large and has some; as a
   * whole otherwise, up to so many events.
   * @param result of the program
   * @param by the path is that to the end of the core's last operation that is over by then, of a program without lines
   * @returns why there is none, if there is none
   */
  path(
    input: RunInput,
    result: RunResult,
    core: number,
    most: number,
    by?: number,
  ): Promise<Walked | string>;
  /**
   * When a core was at which operation of a program, found as a path is; why that cannot be had.
   * @param most events that may be noted of a program that is simulated as a whole
   */
  spans(input: RunInput, result: RunResult, core: number, most: number): Promise<OpSpan[] | string>;
  /** Lets others in, if it is time. @throws the signal's reason if it is aborted */
  pause(): Promise<void>;
  /** Starts the threads if a program of so many cores is for them: they take a while to be ready. */
  expect(cores: number): Promise<void>;
  /** Whether there are threads. */
  readonly threaded: boolean;
  close(): Promise<void>;
}

export interface Spent {
  /** Seconds of processor time while programs ran; those of all threads. */
  cpuSeconds: number;
  /** Lines that were simulated, and lines whose result was known. */
  lines: { simulated: number; known: number };
}

/** Seconds for which a thread may be kept from everything else. */
const PAUSE_AFTER = 0.01;

/** Has threads if more than one is asked for; the caller that creates a runner closes it. */
export function createRunner(options: RunnerOptions): Runner {
  const { engine, shards: count, maxCycles, coresByLines = FEWEST_OF_LARGE, signal } = options;
  const start = SLICED_ENGINES[engine];
  const lines = createLineTable();
  const spent: Spent = { cpuSeconds: 0, lines: { simulated: 0, known: 0 } };
  const shards: Shards | undefined =
    count > 1 && engine === 'fast' ? createShards(count) : undefined;
  // Whoever makes a runner may have been at work for long.
  const pause = createPause(options, -Infinity);
  let last: Promise<unknown> = Promise.resolve();
  // Two at once would each need the memory of a machine.
  const here = <T>(begin: () => Going<T>): Promise<T> => {
    const result = last.then(() => toItsEnd(begin, pause, meter));
    last = result.catch(() => {});
    return result;
  };
  const { cpu = () => 0 } = options;
  const meter: Meter = (work) => {
    const before = cpu();
    const done = work();
    spent.cpuSeconds += cpu() - before;
    return done;
  };
  const whole = async (input: RunInput) => {
    const onThreads = shards !== undefined && input.memory === undefined;
    if (!onThreads) return here(() => start(input));
    const [before, spentHere] = [cpu(), spent.cpuSeconds];
    const result = await shards.run(input, here, signal);
    // What ran here in the meantime is counted.
    spent.cpuSeconds += cpu() - before - (spent.cpuSeconds - spentHere);
    return result;
  };
  const byLines = async (input: RunInput, how: 'kept' | 'fresh') => {
    const isSmall = input.program.roleOf.length < coresByLines;
    const ended = isSmall
      ? 'small'
      : await here(() => {
          if (how === 'fresh') forgetResults(lines);
          return startByLines(input, lines);
        });
    if (typeof ended !== 'string') {
      const { lines: all, known } = lines.made.get(ended)!;
      spent.lines.known += known;
      spent.lines.simulated += all - known;
      return ended;
    }
    const result = await whole(input);
    noteWhole(lines, result, ended);
    return result;
  };
  const run = async (given: RunInput, how?: Memoized['lines']) => {
    const input = maxCycles === undefined ? given : { ...given, maxCycles };
    try {
      await pause();
      const isPlain = engine === 'fast' && input.memory === undefined && !input.badIndices;
      return await (isPlain && how ? byLines(input, how) : whole(input));
    } catch (error) {
      if (error instanceof StoppedError) throw reasonOf(signal, input, error);
      throw error;
    }
  };
  /** Steps back through programs that were simulated. */
  const steps = async <T>(begin: () => Generator<void, T>): Promise<T> => {
    try {
      return (await here(() => slicesOf(begin()))).value;
    } catch (error) {
      // All programs were over: of a limit there is no cycle to tell.
      throw error instanceof StoppedError ? signal?.reason : error;
    }
  };
  return {
    threaded: shards !== undefined,
    ...{ lines, spent },
    pause,
    run,
    async expect(cores) {
      await shards?.expect(cores);
    },
    computes: (program) => engine === 'fast' && isTimeless(program),
    async compute(input) {
      const { program, memory = [] } = input;
      const computation = startNumbers(program, memory);
      for (;;) {
        await pause();
        const state = computation.advance();
        if (state === 'done') return [];
        if (computation.badIndices.length > 0 && state === 'stuck') return computation.badIndices;
        if (state === 'stuck') break;
      }
      await run(input);
      throw new Error(`numbers of ${program.name} cannot be computed, which the reference runs`);
    },
    path: async (input, result, core, most, by) => {
      if (isScheduled(input.program)) return 'its wavelets are sent by a schedule';
      const { length } = input.program.roleOf;
      if (length >= coresByLines && by === undefined) {
        const walked = await steps(() => pathByLines(lines, input, result, core));
        if (typeof walked !== 'string') return walked;
      }
      const events = eventsOf(result);
      if (events > most) return `too much moves to be followed: ${events} events, at most ${most}`;
      if (engine === 'reference') return steps(() => pathByReference(input, core, by));
      const walked = await steps(() => pathOfWhole(lines.machine(), input, result, core, by));
      return walked ?? 'its times do not fit 32 bits';
    },
    spans: async (input, result, core, most) => {
      if (isScheduled(input.program)) return 'its wavelets are sent by a schedule';
      if (input.program.roleOf.length >= coresByLines) {
        const spans = await steps(() => spansByLines(lines, input, result, core));
        if (typeof spans !== 'string') return spans;
      }
      const events = eventsOf(result);
      if (events > most) return `too much moves to be followed: ${events} events, at most ${most}`;
      if (engine === 'reference') return steps(() => spansByReference(input, core));
      const spans = await steps(() => spansOfWhole(lines.machine(), input, result, core));
      return spans ?? 'its times do not fit 32 bits';
    },
    async close() {
      await shards?.close();
    },
  };
}

/** Some work in slices. */
function slicesOf<T>(work: Generator<void, T>): Going<{ value: T }> {
  return {
    cycle: () => 0,
    standing: () => [],
    advance() {
      const { done, value } = work.next();
      return done ? { value } : undefined;
    },
  };
}

/**
 * A function that lets timers and interrupts in where that was not done for a while.
 * @param since when it was done last
 */
export function createPause(
  { now, signal }: Pick<RunnerOptions, 'now' | 'signal'>,
  since = now(),
): Pause {
  let last = since;
  const isDue = () => now() - last >= PAUSE_AFTER;
  const pause = async () => {
    if (isDue()) {
      await nextTask();
      last = now();
    }
    signal?.throwIfAborted();
  };
  return Object.assign(pause, { isDue });
}

/** Lets others in, if it is time; whether it is. */
type Pause = (() => Promise<void>) & { isDue(): boolean };

/** A run whose end is a result, or something else. */
type Going<T> = Omit<Run, 'advance'> & { advance(): T | undefined };

/** Does some work of an engine, and counts what it takes. */
type Meter = <T>(work: () => T) => T;

async function toItsEnd<T>(begin: () => Going<T>, pause: Pause, meter: Meter): Promise<T> {
  await pause();
  let run: Going<T> | undefined;
  for (;;) {
    // Slices may be short: others need not be let in after each, nor the time looked up.
    const result = meter(() => {
      run ??= begin();
      for (;;) {
        const ended = run.advance();
        if (ended !== undefined || pause.isDue()) return ended;
      }
    });
    if (result !== undefined) return result;
    await pause().catch((): never => {
      throw new StoppedError(run!.cycle(), run!.standing());
    });
  }
}

/** Why a program was stopped; of a limit also where it was. */
function reasonOf(
  signal: AbortSignal | undefined,
  { program, name }: RunInput,
  { cycle, standing }: { cycle: number; standing: Standing[] },
): unknown {
  const reason: unknown = signal?.reason;
  if (!(reason instanceof LimitError)) return reason;
  const where = `in cycle ${cycle} of '${name ?? program.name}'`;
  return new LimitError(`${reason.message} ${where}: ${standingText(program, standing)}`, cycle);
}
