/** A validation as text for a terminal and as Markdown for documents, one section per kind. */
import { count, fixed, heading, markdownTable, percent, table } from '../../report/format.js';
import type { Style } from '../../report/format.js';
import type { ErrorSummary, LimitRow, ValidateDocument, ValidateRow } from './document.js';
import type { ValidateSummary } from './document.js';

const HEAD = ['measurement', 'system', 'unit', 'measured', 'simulated', 'error', 'basis', 'limit'];

const TITLES: Record<string, string> = {
  hardware: 'Measured on hardware',
  'vendor simulator': "Measured on the vendor's simulator",
  'hosted service': 'Measured at a hosted service',
};

/** A validation as text, ending with a line break. */
export function validateTable(document: ValidateDocument, style: Style): string {
  const sources = [...new Set(document.rows.map(({ source }) => source))];
  const parts = sectionsOf(document).map(({ kind, rows, summary }) => {
    const line = (row: ValidateRow) => [
      ...cells(row),
      row.passed === null ? '' : row.passed ? 'ok' : 'FAILED',
      `[${sources.indexOf(row.source) + 1}]`,
    ];
    return [
      heading(TITLES[kind] ?? kind, style),
      table([...HEAD, '', 'source'], rows.map(line)),
      ...refusals(rows).map((text) => `  ${text}`),
      `  ${summaryLine(summary)}`,
    ].join('\n');
  });
  const limits = usedLimits(document).map(
    (row) => `  ${row.kernel} ${limitText(row)}: ${row.reason}`,
  );
  const list = sources.map((source, i) => `  [${i + 1}] ${clean(source)}`);
  const judged = document.rows.length > 0;
  return `${[
    ...parts,
    ...(judged ? [[heading('Limits of the error, and why', style), ...limits].join('\n')] : []),
    ...notesOf(document).map((lines) =>
      [heading('Notes', style), ...lines.map((line) => `  ${line}`)].join('\n'),
    ),
    ...(judged ? [[heading('Sources', style), ...list].join('\n'), verdict(document)] : []),
  ].join('\n\n')}\n`;
}

/** A validation as Markdown, ending with a line break. */
export function validateMarkdown(document: ValidateDocument): string {
  const alignment = [':--', ':--', ':--', '--:', '--:', '--:', ':--', '--:', ':--'];
  const parts = sectionsOf(document).map(({ kind, rows, summary }) => {
    const lines = rows.map((row) => [...cells(row), clean(row.source)]);
    return [
      `**${TITLES[kind] ?? kind}** (${summaryLine(summary)})`,
      markdownTable([...HEAD, 'source'], lines, alignment),
      ...refusals(rows),
    ].join('\n\n');
  });
  const limits = usedLimits(document).map((row) => [row.kernel, limitText(row), row.reason]);
  parts.push(markdownTable(['kernel', 'limit of the error', 'why'], limits, 3));
  for (const lines of notesOf(document)) parts.push(lines.join(' '));
  return `${parts.join('\n\n')}\n`;
}

/** The lines of the notes, if there are any. */
function notesOf({ notes = [] }: ValidateDocument): string[][] {
  if (notes.length === 0) return [];
  return [
    [
      'Prefill is no prediction here: a prompt streams through the layers token by token, as one of the ' +
        'users who fill them; what is published works otherwise. Not judged.',
      ...notes.map(
        ({ id, system, promptTokens, published, simulated, algorithm, source }) =>
          `${clean(id)}: ${count(promptTokens)} prompt tokens on ${system}, ${count(published)} tokens/s ` +
          `out of the published end-to-end rates, ${count(simulated)} simulated. Published: ` +
          `${clean(algorithm)}; ${clean(source)}.`,
      ),
    ],
  ];
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
    row.system,
    row.unit,
    digits(row.measured),
    row.predicted === null ? 'not simulated' : digits(row.predicted),
    row.error === null ? '' : percent(row.error),
    row.basis,
    bandText(row.band),
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

function summaryLine({ measurements, predicted, calibration, outOfSample }: ValidateSummary) {
  const missing = measurements - predicted;
  return [
    ...(calibration
      ? [`calibration, ${count(calibration.predicted)} fitted${figures(calibration)}`]
      : []),
    ...(outOfSample
      ? [`${count(outOfSample.predicted)} out of sample${figures(outOfSample)}`]
      : []),
    ...(missing > 0 ? [`${count(missing)} not simulated`] : []),
  ].join('; ');
}

function figures({ meanAbsoluteError, worst }: ErrorSummary): string {
  if (meanAbsoluteError === null || worst === null) return '';
  const mean = percent(meanAbsoluteError).replace('+', '');
  return `: mean absolute error ${mean}, worst ${percent(worst.error)} (${clean(worst.id)})`;
}

/** Why measurements have no prediction, in the simulator's words. */
function refusals(rows: ValidateRow[]): string[] {
  return rows.flatMap(({ id, refused, remark }) => [
    ...(refused === undefined ? [] : [`${clean(id)} is not simulated: ${clean(refused)}.`]),
    ...(remark === undefined ? [] : [`${clean(id)}: ${clean(remark)}.`]),
  ]);
}

function usedLimits({ limits, rows }: ValidateDocument): LimitRow[] {
  const named = new Set(limits.map(({ kernel }) => kernel));
  const used = new Set(rows.map(({ kernel }) => (named.has(kernel) ? kernel : 'others')));
  return limits.filter(({ kernel }) => used.has(kernel));
}

function verdict({ rows, passed }: ValidateDocument): string {
  const failed = rows.filter((row) => row.passed === false).map(({ id }) => clean(id));
  const simulated = rows.filter(({ error }) => error !== null);
  const fitted = simulated.filter(({ basis }) => basis === 'fitted').length;
  return passed
    ? `All ${simulated.length} are within their limits: ${fitted} fitted, ${simulated.length - fitted} out of sample.`
    : `Outside the limit: ${failed.join(', ')}.`;
}

/** Texts of measurement files, without what a terminal would obey. */
function clean(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Bidi_Control}]+/gu, ' ');
}
