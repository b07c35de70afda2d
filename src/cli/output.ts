/** What leaves a command: results on stdout, notes on stderr, and files that are whole or absent (store/). */
import * as store from '../index.js';
import { shown, shownPage, type Style } from '../report/format.js';
import { trying, unlessRefused, writing } from './command-thread.js';

export type { RunFiles } from '../index.js';

/** How a signal waits for what is being written. */
export const GUARD = { trying, unlessRefused, writing };

/** A terminal receives nothing that it would obey, whatever a name from a file holds. */
export function print(text: string): void {
  const page = shownPage(text);
  process.stdout.write(page.endsWith('\n') ? page : `${page}\n`);
}

/** One line on stderr. */
export function note(line: string): void {
  process.stderr.write(`${shown(line)}\n`);
}

/** Colours only on a terminal, and not under NO_COLOR. */
export function style(): Style {
  return { color: process.stdout.isTTY && !process.env['NO_COLOR'] };
}

export const checkRunDirectory = (directory: string): void =>
  atPlace(() => store.checkRunDirectory(directory, GUARD));

export const writeRunDirectory = (
  directory: string,
  files: store.RunFiles | store.KernelFiles | store.CompareFiles,
): void => atPlace(() => store.writeRunDirectory(directory, files, GUARD));

export const checkFile = (path: string): void => atPlace(() => store.checkFile(path, GUARD));

export const writeFile = (path: string, content: string): void =>
  atPlace(() => store.writeFile(path, content, GUARD));

/** A place that is not to be written over is an error of what was asked. @throws ConfigError */
function atPlace(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (error instanceof store.PlaceError) throw new store.ConfigError(error.message);
    throw error;
  }
}

/** GitHub shows what is appended to this file on the page of the workflow's run. */
const summaryFile = () => process.env['GITHUB_STEP_SUMMARY'];

export function appendSummary(markdown: string): void {
  const file = summaryFile();
  if (file) store.appendTo(file, markdown);
}

/** Refuses, before the simulation, a place for the summary that cannot be written. @throws HostError */
export function checkSummary(): void {
  const file = summaryFile();
  if (file) store.checkAppending(file, GUARD);
}
