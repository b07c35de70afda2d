/** Benchmarks for people: what was measured, and first of all what changed, worst first. */
import { failing } from './document.js';
import type { BenchDifference, BenchDocument, BenchMetric } from './document.js';
import { fixed, heading, markdownTable, shown, table, type Style } from '../../report/format.js';

/** Benchmarks as text, ending with a line break. */
export function benchTable(document: BenchDocument, style: Style): string {
  const { comparison } = document;
  const parts = [heading('Benchmarks', style), table(...cells(document))];
  const failures = failed(document);
  if (failures.length > 0)
    parts.push('', heading('The simulated machine failed', style), ...failures.map(indented));
  if (comparison && comparison.differences.length > 0) {
    const lines = comparison.differences.map(differenceText);
    parts.push('', heading('Against the baseline, worst first', style), ...lines.map(indented));
  }
  return `${[...parts, '', ...summary(document)].join('\n')}\n`;
}

/** Benchmarks as Markdown, ending with a line break. */
export function benchMarkdown(document: BenchDocument): string {
  const { comparison } = document;
  const [head, rows] = cells(document);
  const differences = (comparison?.differences ?? []).map(
    (each) => `- ${escaped(differenceText(each))}`,
  );
  const failures = failed(document).map((text) => `- ${escaped(text)}`);
  return [
    `### wafersim bench: ${verdictOf(document)}`,
    ...summary(document).map(escaped),
    ...(failures.length > 0 ? [failures.join('\n')] : []),
    ...(differences.length > 0 ? [differences.join('\n')] : []),
    markdownTable(head, rows, 2, escaped),
    '',
  ]
    .join('\n\n')
    .replace(/\n+$/, '\n');
}

/** `regression decode/tiny cyclesPerToken: 10 -> 12 cycles (+20.00 %); softmax +2`. */
export function differenceText(difference: BenchDifference): string {
  const { id, metric, unit = '', before, after, change, verdict, operators = [] } = difference;
  if (metric === undefined) {
    const what = verdict === 'gone' ? 'in the baseline, but not measured' : 'not in the baseline';
    return `${verdict} ${id}: ${what}`;
  }
  const text = (value: number | undefined) => (value === undefined ? '-' : number(value));
  const per = typeof change === 'number' ? ` (${signed(100 * change)} %)` : '';
  const why = operators.map((of) => `${of.operator} ${plus(of.after - of.before)}`).join(', ');
  const values = `${text(before)} -> ${text(after)} ${unit}${per}`;
  return `${verdict} ${id} ${metric}: ${values}${why === '' ? '' : `; ${why}`}`;
}

function verdictOf({ cases, comparison }: BenchDocument): string {
  const broken = cases.filter(({ failed: why }) => why !== undefined).length;
  if (broken > 0) return `${broken} failed`;
  if (comparison === undefined) return 'no baseline';
  const { length } = failing(comparison);
  const what = comparison.exact ? 'change' : 'regression';
  if (length > 0) return length === 1 ? `1 ${what}` : `${length} ${what}s`;
  return comparison.differences.length > 0 ? 'changed, nothing worse' : 'no difference';
}

function summary(document: BenchDocument): string[] {
  const { comparison } = document;
  if (comparison === undefined) return ['Not compared; --baseline holds it against one.'];
  const { baseline, versions, compared, differences, otherConfigurations, host } = comparison;
  const lines = [
    `${verdictOf(document)}: ${compared} numbers compared with ${baseline}; of the host, ${host}`,
  ];
  if (versions.baseline !== versions.current)
    lines.push(
      `other version of wafersim than the baseline's: ${versions.current ?? 'unknown'} now, ${versions.baseline ?? 'unknown'} then`,
    );
  if (otherConfigurations.length > 0)
    lines.push(`other configuration than in the baseline: ${otherConfigurations.join(', ')}`);
  if (differences.some(({ verdict }) => verdict === 'better' || verdict === 'new'))
    lines.push('--update-baseline makes these numbers the baseline');
  return lines;
}

function failed({ cases }: BenchDocument): string[] {
  return cases.flatMap(({ id, failed: why }) => (why === undefined ? [] : [`${id}: ${why}`]));
}

/** A row per metric, its case named once. */
function cells({ cases }: BenchDocument): [head: string[], rows: string[][]] {
  const rows = cases.flatMap((each) =>
    Object.entries(each.metrics).map(([metric, of], i) => [
      i === 0 ? each.id : '',
      metric,
      valueText(of),
      of.unit,
      i === 0 ? (each.host?.wallSeconds.toFixed(2) ?? '') : '',
    ]),
  );
  return [['case', 'metric', 'value', 'unit', 'host, s'], rows];
}

function valueText({ value, kind }: BenchMetric): string {
  return kind === 'host' ? fixed(value, 0) : number(value);
}

/** All digits of a whole number, enough of any other to see the smallest change. */
function number(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 3 });
}

function plus(value: number): string {
  return value > 0 ? `+${number(value)}` : number(value);
}

/** Per cent; a change too small for two digits keeps its first ones. */
function signed(value: number): string {
  const text = Math.abs(value) < 0.01 ? value.toPrecision(2) : value.toFixed(2);
  return value > 0 ? `+${text}` : text;
}

function indented(text: string): string {
  return `  ${shown(text)}`;
}

function escaped(text: string): string {
  return text.replaceAll(/[|<>\\`*_[\]]/g, (c) => `\\${c}`);
}
