/** Options that several commands share, and how their text becomes values. */
import { availableParallelism } from 'node:os';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { MEMOS, type EngineName, type Memo } from '../index.js';
import type { CoreAt } from '../report/detail.js';
import { addFormatOptions, type Format, type FormatOptions } from './formats.js';
import { maxCyclesOption, timeoutOption, type LimitOptions } from './simulating.js';

/** `--set a.b=v`, as often as wanted. */
export function setOption(example: string): Option {
  return new Option(
    '--set <path=value>',
    `override one value, e.g. --set ${example} (repeatable)`,
  ).argParser(repeated);
}

/** The values of an option that may be given several times. */
export function repeated(value: string, before: string[] = []): string[] {
  return [...before, value];
}

function engineOption(): Option {
  return new Option('--engine <name>', 'which engine: same cycles, different speed')
    .choices(['fast', 'reference'])
    .default('fast');
}

/** Of commands that keep simulated steps; other commands that simulate take it without effect. */
export function noCacheOption(keeps = false): Option {
  const meaning = keeps
    ? 'simulate every step, and keep none for later commands'
    : 'no effect here: nothing is read that an earlier command simulated';
  return new Option('--no-cache', meaning);
}

/** What every command takes that simulates; see `simulating`. */
export interface SimulationOptions extends LimitOptions, FormatOptions {
  engine: EngineName;
  /** Of commands that have threads. */
  shards?: number;
  memo?: Memo | boolean;
  cache: boolean;
}

/**
 * The options of every command that simulates, and the first of those that say what it writes.
 * @param threads what they share, if there are any
 * @param memo whether regions may be taken over, and `keeps`, steps from earlier commands
 * @param formats of the result, if not all
 */
export function addSimulationOptions(
  command: Command,
  {
    threads,
    memo = false,
    keeps = false,
    formats,
  }: Partial<{ threads: string; memo: boolean; keeps: boolean; formats: readonly Format[] }>,
): Command {
  command.addOption(engineOption()).addOption(maxCyclesOption()).addOption(timeoutOption());
  if (threads !== undefined)
    command.option(
      '--shards <n>',
      `threads that share the ${threads}`,
      shardCount,
      availableParallelism(),
    );
  if (memo)
    command
      .addOption(
        new Option('--memo <what>', 'what is simulated once where it is equal')
          .choices(MEMOS)
          .default('all'),
      )
      .option('--no-memo', 'the same as --memo none: every wavelet of every region moves');
  command.addOption(noCacheOption(keeps)).optionsGroup('What is written:');
  return addFormatOptions(command, formats);
}

/** Reads a number. @throws InvalidArgumentError unless it `fits` what is `expected` */
export function numberThat(fits: (value: number) => boolean, expected: string) {
  return (text: string): number => {
    const value = text.trim() === '' ? NaN : Number(text);
    if (!fits(value)) throw new InvalidArgumentError(`Expected ${expected}.`);
    return value;
  };
}

/** @throws InvalidArgumentError unless a whole number from 1 to 1024. */
export function shardCount(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > 1024)
    throw new InvalidArgumentError('Expected a whole number from 1 to 1024.');
  return value;
}

/** Short for a setting (see `setsOf`). */
export function skipInvalidOption(): Option {
  return new Option(
    '--skip-invalid',
    'leave out rows of the trace that cannot be used, and count them',
  );
}

/** Options that are settings, in full or in short. */
export interface SetOptions {
  set?: string[];
  exact?: boolean;
  skipInvalid?: boolean;
}

/** All settings of a command line, those that are given in short last. */
export function setsOf({ set = [], exact, skipInvalid }: SetOptions): string[] {
  const short = [exact && 'exact=true', skipInvalid && 'workload.skipInvalid=true'];
  return [...set, ...short.filter((text) => typeof text === 'string')];
}

/** `wafer:x,y` of a core, `x,y` of one on the first wafer, as often as wanted. @throws InvalidArgumentError */
export function coresOf(text: string, before: CoreAt[] = []): CoreAt[] {
  const [, wafer = '0', x, y] = /^(?:(\d{1,6}):)?(\d{1,6}),(\d{1,6})$/.exec(text) ?? [];
  if (x === undefined) throw new InvalidArgumentError('Expected x,y or wafer:x,y, e.g. 1:12,7.');
  return [...before, { wafer: Number(wafer), x: Number(x), y: Number(y) }];
}

/** `x,y` of a core. @throws InvalidArgumentError */
export function coordinates(text: string): { x: number; y: number } {
  const match = /^(\d+),(\d+)$/.exec(text);
  if (!match) throw new InvalidArgumentError('Expected x,y, e.g. 12,7.');
  return { x: Number(match[1]), y: Number(match[2]) };
}
