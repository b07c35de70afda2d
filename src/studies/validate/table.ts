/** A validation as text for a terminal and as Markdown for documents, one section per cohort. */
import { count, fixed, heading, markdownTable, percent, table } from '../../report/format.js';
import type { Style } from '../../report/format.js';
import type { ErrorSummary, LimitRow, ServiceScale, Sweep } from './document.js';
import type { ValidateDocument, ValidateRow, ValidateSummary } from './document.js';

const HEAD = ['measurement', 'system', 'unit', 'measured', 'simulated', 'error', 'basis', 'limit'];

/** A validation as text, ending with a line break. */
export function validateTable(document: ValidateDocument, style: Style): string {
  const sources = [...new Set(document.rows.map(({ source }) => source))];
  const parts = sectionsOf(document).map(({ cohort, rows, summary, after }) => {
    const line = (row: ValidateRow) => [
      ...cells(row, rows),
      row.passed === null ? '' : row.passed ? 'ok' : 'FAILED',
      `[${sources.indexOf(row.source) + 1}]`,
    ];
    return [
      heading(cohort, style),
      table([...headOf(rows), '', 'source'], rows.map(line)),
      ...[summary, ...after].map((text) => `  ${text}`),
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
  const parts = sectionsOf(document).map(({ cohort, rows, summary, after }) => {
    const lines = rows.map((row) => [...cells(row, rows), clean(row.source)]);
    return [
      `**${cohort}** (${summary})`,
      markdownTable([...headOf(rows), 'source'], lines, alignmentOf(rows)),
      ...after,
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

/** Cohorts, each with its rows and what is said of them after their table. */
function sectionsOf({ rows, cohorts = {}, sweeps = [], serviceScale }: ValidateDocument) {
  return Object.entries(cohorts).map(([cohort, of]) => {
    const own = rows.filter((row) => row.cohort === cohort);
    const isOwn = serviceScale?.rows.some(({ id }) => own.some((row) => row.id === id)) ?? false;
    const after = [
      ...refusals(own),
      ...sweeps.filter((sweep) => sweep.cohort === cohort).map(sweepLine),
      ...(serviceScale && isOwn ? [scaleLine(serviceScale)] : []),
    ];
    return { cohort, rows: own, summary: summaryLine(of, own), after };
  });
}

function sweepLine({ kernel, ids, rankCorrelation, inversions, pairs }: Sweep): string {
  const correlation = rankCorrelation === null ? 'none' : fixed(rankCorrelation, 3);
  return `Order of ${count(ids.length)} rows of ${clean(kernel)} from one source: rank correlation ${correlation}, ${count(inversions)} of ${count(pairs)} pairs inverted.`;
}

function scaleLine({ fittedOn, constant, rows, outOfSample }: ServiceScale): string {
  const others = rows.filter(({ basis }) => basis === 'out of sample');
  const each = others.map(
    ({ id, predicted, error }) => `${clean(id)} ${fixed(predicted, 1)} (${percent(error)})`,
  );
  const of = `One constant, ${fixed(constant, 3)}, fitted on ${clean(fittedOn)} alone`;
  if (others.length === 0) return `${of}; no other service is judged.`;
  return `${of}, scales the others out of sample: ${each.join(', ')}${figures(outOfSample)}.`;
}

/** Services have one column more, for their speculation. */
const isOfServices = (rows: ValidateRow[]) =>
  rows.some(({ speculation }) => speculation !== undefined);

function headOf(rows: ValidateRow[]): string[] {
  return isOfServices(rows) ? [...HEAD, 'speculation'] : HEAD;
}

function alignmentOf(rows: ValidateRow[]): string[] {
  const more = isOfServices(rows) ? [':--'] : [];
  return [':--', ':--', ':--', '--:', '--:', '--:', ':--', '--:', ...more, ':--'];
}

const SPECULATION: Record<string, string> = { true: 'yes', false: 'no', null: 'not said' };

function cells(row: ValidateRow, rows: ValidateRow[]): string[] {
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
    ...(isOfServices(rows) ? [SPECULATION[String(row.speculation)] ?? ''] : []),
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

function summaryLine({ calibration, outOfSample }: ValidateSummary, rows: ValidateRow[]): string {
  const missing = rows.filter(({ predicted }) => predicted === null).length;
  const unlike = rows.filter(({ predicted, error }) => predicted !== null && error === null).length;
  return [
    ...(calibration
      ? [`calibration, ${count(calibration.predicted)} fitted${figures(calibration)}`]
      : []),
    ...(outOfSample
      ? [`${count(outOfSample.predicted)} out of sample${figures(outOfSample)}`]
      : []),
    ...(missing > 0 ? [`${count(missing)} not simulated`] : []),
    ...(unlike > 0 ? [`${count(unlike)} not judged`] : []),
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
