/** How results are printed: `--format` means the same on every command. */
import { Option, type Command } from 'commander';
import { ConfigError } from '../index.js';
import { csvOf, markdownOf, ndjsonOf, type DataTable } from '../report/data-table.js';
import type { Style } from '../report/format.js';
import { json } from '../report/json.js';
import { print, style } from './output.js';

export const FORMATS = ['table', 'json', 'csv', 'ndjson', 'markdown'] as const;
export type Format = (typeof FORMATS)[number];

/** What `addFormatOptions` gives a command. */
export interface FormatOptions {
  format?: Format | undefined;
  json?: boolean | undefined;
  /** With `markdownOption`. */
  markdown?: boolean | undefined;
}

/** A result: its document, the text for a terminal, and the rows of its main table, if it has one. */
export interface Result {
  document: object;
  text: (style: Style) => string;
  rows?: (() => DataTable) | undefined;
  /** The report of a command with `markdownOption`. */
  markdown?: () => string;
}

const MEANING =
  'how the result is printed: as a table for people, as one JSON document, or the rows of its main table with raw numbers, their units in the names';

/** @param formats those that a command has, if not all */
export function addFormatOptions(command: Command, formats: readonly Format[] = FORMATS): Command {
  return command
    .addOption(new Option('--format <name>', MEANING).choices(formats).default('table'))
    .addOption(new Option('--json', 'short for --format json').conflicts('format'));
}

/** A report in Markdown for people, which some commands have next to their rows as Markdown. */
export function markdownOption(): Option {
  return new Option(
    '--markdown',
    'print the tables for people as Markdown (--format markdown: the rows of the main one)',
  ).conflicts(['json', 'format']);
}

export function formatOf({ format = 'table', json }: FormatOptions): Format {
  return json ? 'json' : format;
}

/** Refuses, before anything is simulated, rows of what has none. @throws ConfigError */
export function refuseRows(options: FormatOptions, of: string): void {
  const format = formatOf(options);
  if (format !== 'table' && format !== 'json')
    throw new ConfigError(
      `--format: expected table or json, as ${of} has no table of rows, found ${format}`,
    );
}

const FORMATTED: Record<Format, (result: Result) => string> = {
  table: ({ text }) => text(style()),
  json: ({ document }) => json(document),
  csv: (result) => csvOf(rowsOf(result)),
  ndjson: (result) => ndjsonOf(rowsOf(result)),
  markdown: (result) => markdownOf(rowsOf(result)),
};

function rowsOf({ rows }: Result): DataTable {
  if (rows === undefined) throw new ConfigError('--format: expected table or json, found rows');
  return rows();
}

/** Prints a result as it is asked for. */
export function show(result: Result, options: FormatOptions): void {
  if (options.markdown && result.markdown) print(result.markdown());
  else print(FORMATTED[formatOf(options)](result));
}
