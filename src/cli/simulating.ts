/** What every command that simulates has: a bar for a person at a terminal, and limits. */
import { InvalidArgumentError, Option } from 'commander';
import { host, readUnits, LimitError, type SimulateOptions } from '../index.js';
import { doingNow, endsIn, nowDoing } from './command-thread.js';
import { withBar } from './progress.js';

export interface LimitOptions {
  maxCycles?: number | undefined;
  timeout?: Duration | undefined;
}

interface Duration {
  seconds: number;
  /** As it was written. */
  text: string;
}

/** Bounds the clock of every simulated program: a kernel, a stage of a token, a line tried for one. */
export function maxCyclesOption(): Option {
  return new Option(
    '--max-cycles <n>',
    'cycles of its own clock in which every program (a kernel, a stage of a token) is to be over; else exit 4',
  ).argParser(cycles);
}

/** Bounds the time of the host. */
export function timeoutOption(): Option {
  return new Option(
    '--timeout <duration>',
    'time in which the command is to be over, e.g. 30 s or 5 min; else exit 4',
  ).argParser(duration);
}

type Simulating = LimitOptions & Partial<Pick<SimulateOptions, 'engine' | 'shards' | 'memo'>>;

/** Simulates under a bar, unless there is to be none, and within the limits; says what was being done when the time is up. */
export async function simulating<T>(
  { engine = 'fast', shards = 1, memo = true, maxCycles, timeout }: Simulating,
  work: (options: SimulateOptions) => Promise<T>,
  { bar = true } = {},
): Promise<T> {
  const controller = new AbortController();
  const { signal } = controller;
  const over = timeout && new LimitError(`time is up after ${timeout.text}`);
  const milliseconds = (timeout?.seconds ?? 0) * 1000;
  if (over) endsIn(milliseconds, over.message);
  nowDoing('placing and lowering');
  const timer = over && setTimeout(() => controller.abort(over), milliseconds);
  try {
    return await withBar((onProgress) =>
      work({
        ...{ engine, shards, memo, maxCycles, signal },
        ...host,
        onProgress(progress) {
          nowDoing(progress.what);
          if (bar) onProgress?.(progress);
        },
      }),
    );
  } catch (error) {
    if (error === over) throw new LimitError(`${over!.message}, at: ${doingNow()}`);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** @throws InvalidArgumentError unless a whole number from 1 to 2^53. */
export function cycles(text: string): number {
  const value = /^\d+$/.test(text) ? BigInt(text) : 0n;
  if (value < 1n || value > 2n ** 53n)
    throw new InvalidArgumentError('Expected a whole number from 1 to 2^53.');
  return Number(value);
}

/** The longest time that a timer of the host takes: 24 days. */
const MOST_SECONDS = 2 ** 31 / 1000 - 1;

/** @throws InvalidArgumentError unless a time above 0 with its unit, or in seconds. */
export function duration(text: string): Duration {
  const seconds = /^\d*\.?\d+$/.test(text.trim()) ? Number(text) : (readUnits(text, 'time') ?? NaN);
  if (!(seconds > 0 && seconds <= MOST_SECONDS))
    throw new InvalidArgumentError('Expected a time such as 30 s, 5 min or 2 h, up to 24 days.');
  return { seconds, text: /[a-z]/i.test(text) ? text.trim() : `${text.trim()} s` };
}
