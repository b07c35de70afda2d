/** Where a result comes from: which wafersim, which command, which numbers of whom, and what was measured. */
import { escapeHtml } from './html-escape.js';
import { folded, textTable } from './html-tables.js';
import { versionOf, type Identity } from './identity.js';
import { count, share } from './numbers.js';

/** What a run rests on, as the commands know it. */
export interface Provenance {
  /** The command line, and when it ran: no part of the result. */
  command?: string | undefined;
  date?: string | undefined;
  /** Numbers of the hardware with who says so. */
  numbers: {
    path: string;
    value: number | string;
    range?: [number, number];
    grade?: string;
    assumed?: true;
    source: string;
  }[];
  assumptions: { text: string; grade: string; source: string }[];
  notModelled: { what: string; effect: string }[];
  /** What was measured on the same machine, or of the same model. */
  measurements: {
    id: string;
    measured: string;
    kind: string;
    source: string;
    /** Numbers of the hardware that were chosen on it. */
    fitted?: readonly string[] | undefined;
  }[];
}

/** @param run a document; what one of an older version does not have is left out */
export function provenanceOf(
  run: Partial<Identity> & { configHash?: string },
  provenance?: Provenance,
): string {
  const { command, date } = provenance ?? {};
  const facts: [string, string | null | undefined][] = [
    ['wafersim', versionOf(run)],
    ['command', command],
    ['date', date],
    ['key', run.key],
    ['configuration', run.configHash],
  ];
  const list = facts.flatMap(([name, value]) =>
    value === undefined || value === null
      ? []
      : [`<tr><th scope="row">${name}</th><td>${escapeHtml(value)}</td></tr>`],
  );
  const head = `<table class="facts"><caption>Where this page comes from</caption><tbody>${list.join('')}</tbody></table>`;
  return [head, filesTable(run), ...(provenance ? restsOn(provenance) : [])].join('\n');
}

function filesTable({ files }: Partial<Identity>): string {
  if (files === undefined || files.length === 0) return '';
  const rows = files.map(({ path, sha256 }) => [path, sha256 ?? '-']);
  const name = rows.length === 1 ? 'The file read' : `The ${rows.length} files read`;
  return folded(name, textTable(['file', 'SHA-256'], rows));
}

function restsOn({ numbers, assumptions, notModelled, measurements }: Provenance): string[] {
  const assumed = numbers.filter((number) => number.assumed).length;
  const parts: [string, string[], string[][]][] = [
    [
      `${count(numbers.length)} numbers of the hardware with their sources, ${count(assumed)} of them assumed (${share(assumed, numbers.length)})`,
      ['number', 'value', 'grade', 'source'],
      numbers.map(({ path, value, range, grade, assumed: isAssumed, source }) => [
        path,
        `${value}${range ? ` (${range[0]} to ${range[1]})` : ''}`,
        isAssumed ? 'assumed' : (grade ?? '-'),
        source,
      ]),
    ],
    [
      `${count(measurements.length)} measurements that bear on it`,
      ['measurement', 'measured', 'kind', 'source', 'chosen on it'],
      measurements.map(({ id, measured, kind, source, fitted }) => [
        ...[id, measured, kind, source],
        fitted ? `fitted: ${fitted.join(', ')}` : '-',
      ]),
    ],
    [
      `${count(assumptions.length)} rules that are assumed or published`,
      ['rule', 'grade', 'source'],
      assumptions.map(({ text, grade, source }) => [text, grade, source]),
    ],
    [
      `${count(notModelled.length)} things that are not modelled`,
      ['what', 'effect'],
      notModelled.map(({ what, effect }) => [what, effect]),
    ],
  ];
  const note =
    '<p class="soft">wafersim validate puts each measurement next to its prediction; wafersim explain lists the same sources.</p>';
  return [
    ...parts.map(([name, head, rows]) =>
      folded(name, `<div class="prose">${textTable(head, rows)}</div>`),
    ),
    note,
  ];
}
