/** Published speeds of services next to plain decoding, as text for a terminal. */
import { count, fixed, heading, known, percent, shown, table } from '../../report/format.js';
import type { Style } from '../../report/format.js';
import type { ServiceRow, ServicesDocument } from './document.js';

const SPECULATION: Record<string, string> = { true: 'yes', false: 'no', null: 'not said' };

const HEAD = [
  ...['service', 'published tokens/s', 'grade', 'speculation', 'wafers', 'cycles'],
  ...['plain tokens/s (simulated)', 'published / plain', 'error', ''],
  ...['acceptance 0.5 to 0.9 (assumed), tokens/s', 'acceptance that explains it'],
];

/** Ends with a line break. */
export function servicesTable({ rows, summary, passed }: ServicesDocument, style: Style): string {
  const ours = rows.filter(({ system }) => system === null);
  const others = rows.filter(({ system }) => system !== null);
  const { predicted, judged, failed } = summary['hosted service'];
  const verdict = passed
    ? `${count(predicted)} simulated; the ${count(judged)} whose settings are all known are within their limits, the others are only shown.`
    : `Outside the limit: ${failed.map(shown).join(', ')}.`;
  return `${[
    [heading('Services on wafers, one user', style), table(HEAD, ours.map(cells))].join('\n'),
    [heading('What that assumes', style), ...remarksOf(ours)].join('\n'),
    ...(others.length === 0
      ? []
      : [
          [
            heading('Services on other systems (published, nothing simulated)', style),
            table(
              ['service', 'tokens/s', 'grade', 'system'],
              others.map((row) => [
                `${row.model} ${row.date}`,
                fixed(row.measured, 1),
                row.grade,
                row.system!,
              ]),
            ),
          ].join('\n'),
        ]),
    [
      heading('Sources', style),
      ...rows.map(({ id, source }) => `  ${shown(id)}: ${shown(source)}`),
    ].join('\n'),
    verdict,
  ].join('\n\n')}\n`;
}

function cells(row: ServiceRow): string[] {
  const { model, date, measured, grade, speculation, simulated, predicted, speedUp } = row;
  const { error, passed } = row;
  return [
    `${model} ${date}`,
    fixed(measured, 1),
    grade,
    SPECULATION[String(speculation)] ?? '',
    simulated === undefined ? '-' : count(simulated.wafers),
    simulated === undefined ? '-' : count(simulated.cyclesPerToken),
    predicted === null ? 'not simulated' : fixed(predicted, 1),
    known(speedUp, 2),
    error === null ? '' : percent(error),
    passed === null ? '' : passed ? 'ok' : 'FAILED',
    ...speculationCells(row),
  ];
}

function speculationCells({ speculative, acceptanceForPublished: takes }: ServiceRow): string[] {
  if (speculative === undefined || takes === undefined) return ['', ''];
  const speeds = speculative.assumed.map(({ tokensPerSecond }) => fixed(tokensPerSecond, 0));
  const least = takes === null ? '1 is not enough' : takes === 0 ? 'none needed' : fixed(takes, 3);
  return [speeds.join(' to '), least];
}

/** What is assumed of the rows, those of the same remark together. */
function remarksOf(rows: ServiceRow[]): string[] {
  const byRemark = new Map<string, string[]>();
  for (const { id, remarks, refused, note, speculative } of rows) {
    const all = [
      ...remarks,
      ...(speculative === undefined
        ? []
        : [
            `assumed: ${speculative.draft} drafts up to ${speculative.tokens - 1} tokens a round; rounds are simulated, how often drafts are right is not`,
          ]),
      ...(refused === undefined ? [] : [`not simulated: ${refused}`]),
      ...(note === undefined ? [] : [`published: ${note}`]),
    ];
    for (const remark of all) byRemark.set(remark, [...(byRemark.get(remark) ?? []), id]);
  }
  return [...byRemark].map(([remark, ids]) => {
    const of = ids.length === rows.length ? 'all' : ids.map(shown).join(', ');
    return `  ${shown(remark)}: ${of}`;
  });
}
