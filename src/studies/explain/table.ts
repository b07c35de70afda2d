/** Assumptions as text for a terminal. */
import type { Assumption, ExplainDocument, HardwareNumber } from './document.js';
import { heading, shown, table, type Style } from '../../report/format.js';

const GRADES =
  'Grades: A vendor document or peer-reviewed, B measured by a third party, C second-hand, D derived;\n' +
  '"assumed" has not been published. Ranges say where the truth may lie (--sensitivity tries them).';

const TITLES: Record<Assumption['about'], string> = {
  fabric: 'Rules of the fabric',
  core: 'Rules of a core',
  mapping: 'How the model is mapped',
  serving: 'How requests are served',
  cost: 'What tokens cost',
};

/** Wrapped to this many columns. */
const WIDTH = 100;

/** The assumptions as text, ending with a line break. */
export function explainTable(document: ExplainDocument, style: Style): string {
  const { assumptions, numbers, notModelled } = document;
  const about = Object.entries(TITLES).flatMap(([key, title]) => {
    const rules = assumptions
      .filter((one) => one.about === key)
      .map(({ text, grade, source }) => wrap(`- ${text} [${grade}: ${source}]`));
    return rules.length === 0 ? [] : [[heading(title, style), ...rules].join('\n')];
  });
  const omitted = notModelled.map(({ what, effect }) => wrap(`- ${what}: ${effect}.`));
  return `${[
    `${heading(`What ${document.model} on ${document.wafer} rests on`, style)}\n${GRADES}`,
    ...about,
    [heading(`Numbers of ${document.wafer}`, style), numberTable(numbers)].join('\n'),
    [heading('Not modelled', style), ...omitted].join('\n'),
  ].join('\n\n')}\n`;
}

/** Sources are long and shared: the table refers to them, and they stand below it. */
function numberTable(numbers: HardwareNumber[]): string {
  const sources = [...new Set(numbers.map(({ source }) => source))];
  const rows = numbers.map(({ path, value, range, grade, assumed, source }) => [
    path,
    String(value),
    range ? `${range[0]} to ${range[1]}` : '',
    [grade, assumed && 'assumed'].filter((word) => word !== undefined).join(', '),
    `[${sources.indexOf(source) + 1}]`,
  ]);
  const list = sources.map((source, i) => wrap(`[${i + 1}] ${shown(source)}`));
  const head = ['hardware (cycles, bytes, Hz, W)', 'value', 'range', 'grade', 'source'];
  return `${table(head, rows)}\n${list.join('\n')}`;
}

/** Breaks a text between words; further lines are indented under the first. */
function wrap(text: string): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!;
    if (line !== '' && `  ${line} ${word}`.length > WIDTH) lines.push(`  ${word}`);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.map((line) => `  ${line}`).join('\n');
}
