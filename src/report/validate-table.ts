/** A validation as text for a terminal and as Markdown for documents, one section per kind. */
import { count, fixed, heading, table, type Style } from './format.js';
import type {
  LimitRow,
  ValidateDocument,
  ValidateRow,
  ValidateSummary,
} from './validate-document.js';

const HEAD = ['measurement', 'unit', 'measured', 'predicted', 'error', 'limit', ''];

const TITLES: Record<string, string> = {
  hardware: 'Measured on hardware',
  'vendor simulator': "Measured on the vendor's simulator",
  'hosted service': 'Measured at a hosted service',
};

/** A validation as text, ending with a line break. */
export function validateTable(document: ValidateDocument, style: Style): string {
  const parts = sectionsOf(document).map(({ kind, rows, summary }) =>
    [
      heading(TITLES[kind] ?? kind, style),
      table(HEAD, rows.map(cells)),
      `  ${summaryLine(summary)}`,
      ...sources(rows).map((line) => `  ${line}`),
    ].join('\n'),
  );
  const limits = document.limits
    .filter(({ kernel }) => document.rows.some((row) => row.kernel === kernel))
    .map((row) => `  ${row.kernel}  ${limitText(row)}: ${row.reason}`);
  parts.push([heading('Limits of the error, and why', style), ...limits].join('\n'));
  parts.push(verdict(document));
  return `${parts.join('\n\n')}\n`;
}

/** A validation as Markdown, ending with a line break. */
export function validateMarkdown(document: ValidateDocument): string {
  const line = (values: string[]) =>
    `| ${values.map((value) => value.replaceAll('|', '\\|')).join(' | ')} |`;
  const parts = sectionsOf(document).map(({ kind, rows, summary }) =>
    [
      `**${TITLES[kind] ?? kind}**: ${summaryLine(summary)}.`,
      '',
      line([...HEAD.slice(0, -1), 'source']),
      '| :-- | :-- | --: | --: | --: | --: | :-- |',
      ...rows.map((row) => line([...cells(row).slice(0, -1), clean(row.source)])),
      ...rows.flatMap(({ id, refused }) =>
        refused === undefined ? [] : ['', `${id} is not simulated: ${refused}.`],
      ),
    ].join('\n'),
  );
  const limits = document.limits
    .filter(({ kernel }) => document.rows.some((row) => row.kernel === kernel))
    .map((row) => line([row.kernel, limitText(row), row.reason]));
  parts.push(
    ['| kernel | limit of the error | why |', '| :-- | :-- | :-- |', ...limits].join('\n'),
  );
  return `${parts.join('\n\n')}\n`;
}

/** `+1.23 %`, signed. */
export function percent(error: number): string {
  // Less than half of the last digit is no error, and has no sign.
  const shown = fixed(Math.abs(100 * error), 2);
  const sign = shown === '0.00' ? '' : error < 0 ? '-' : '+';
  return `${sign}${shown} %`;
}

function sectionsOf({ rows, summary }: ValidateDocument) {
  return Object.entries(summary).map(([kind, of]) => ({
    kind,
    rows: rows.filter((row) => row.kind === kind),
    summary: of,
  }));
}

function cells(row: ValidateRow): string[] {
  const digits = row.unit === 'cycles' ? count : (value: number) => fixed(value, 1);
  return [
    clean(row.id),
    row.unit,
    digits(row.measured),
    row.predicted === null ? 'not simulated' : digits(row.predicted),
    row.error === null ? '' : percent(row.error),
    bandText(row.band),
    row.passed === null ? '' : row.passed ? 'ok' : 'FAILED',
  ];
}

function bandText([least, most]: [number, number]): string {
  const whole = (part: number) => `${part > 0 ? '+' : ''}${Math.round(part * 1000) / 10} %`;
  return least === -most ? `±${whole(most).slice(1)}` : `${whole(least)} to ${whole(most)}`;
}

function limitText({ listed, unlisted }: LimitRow): string {
  const [own, other] = [bandText(listed), bandText(unlisted)];
  return own === other ? own : `${own}, for measurements that are not shipped ${other}`;
}

function summaryLine({ measurements, predicted, meanAbsoluteError, worst }: ValidateSummary) {
  const simulated =
    predicted === measurements ? `${measurements}` : `${predicted} of ${measurements} simulated`;
  if (meanAbsoluteError === null || worst === null) return `${simulated}, no error to state`;
  const mean = percent(meanAbsoluteError).replace('+', '');
  return `${simulated}, mean absolute error ${mean}, worst ${percent(worst.error)} (${clean(worst.id)})`;
}

/** Who measured what, and notes, once for measurements that share them. */
function sources(rows: ValidateRow[]): string[] {
  const idsBy = new Map<string, string[]>();
  for (const { id, system, source, note, refused } of rows) {
    const text = [`${system}: ${source}`, note, refused && `not simulated: ${refused}`];
    const key = clean(text.filter((part) => part !== undefined).join('; '));
    idsBy.set(key, [...(idsBy.get(key) ?? []), clean(id)]);
  }
  return [...idsBy].map(([text, ids]) => `${ids.join(', ')}: ${text}`);
}

function verdict({ rows, passed }: ValidateDocument): string {
  const failed = rows.filter((row) => row.passed === false).map(({ id }) => clean(id));
  return passed
    ? `All ${rows.filter(({ error }) => error !== null).length} predictions are within their limits.`
    : `Outside the limit: ${failed.join(', ')}.`;
}

/** Texts of measurement files, without what a terminal would obey. */
function clean(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ');
}
