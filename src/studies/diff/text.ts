/** A comparison of engines as text. Pure: every number comes from the document. */
import type { DiffDocument, Difference } from './document.js';
import { count, heading, type Style } from '../../report/format.js';

/** Ends with a line break. */
export function diffText({ engines, programs, difference }: DiffDocument, style: Style): string {
  const failed = programs.find(({ error }) => error !== undefined);
  const lines = difference
    ? [
        heading(`${difference.engines.join(' and ')} differ in '${difference.program}'`, style),
        `  first  ${differenceLine(difference.first)}`,
        ...difference.others.map((other) => `  also   ${differenceLine(other)}`),
        `  ${count(difference.count)} counters differ in all`,
      ]
    : [
        heading(`no difference between ${engines.join(', ')}`, style),
        `  ${count(programs.length)} program${programs.length === 1 ? '' : 's'} compared`,
        ...(failed ? [`  all fail alike in '${failed.name}': ${failed.error}`] : []),
      ];
  return `${lines.join('\n')}\n`;
}

/** One difference in one line: the cycle, the core, the counter, what each engine says. */
export function differenceLine({ what, cycle, exact, core, where, values }: Difference): string {
  const place = core === undefined ? '' : `, core (${core.x},${core.y})`;
  const of = where === undefined ? '' : ` (${where})`;
  return `${exact ? 'in' : 'by'} cycle ${cycle}${place}: ${what}${of}: ${values.join(' against ')}`;
}
