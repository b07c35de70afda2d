/** Why cores wait in a decode step, which is simulated for it: what they wait for, and the critical path by operator. */
import type { ResolvedConfig } from '../../config.js';
import type { SimulateOptions } from '../../decode/options.js';
import { placementOf } from '../../decode/place.js';
import { simulatePlaced } from '../../decode/simulate.js';
import type { PathEntry } from '../../report/document.js';
import { count, share, table } from '../../report/format.js';
import { WAITS_HEAD, waitRows } from '../../report/waits-text.js';
import { kindsOf, remedyLine, whyLines, whyTitle } from '../../report/why-text.js';

export async function waitsInspection(config: ResolvedConfig, options: SimulateOptions) {
  const { decode } = await simulatePlaced(config, placementOf(config), options);
  const { waits = [], criticalPath, noCriticalPath, cyclesPerToken } = decode;
  const remedy = remedyLine(decode);
  const text = [
    [whyTitle(decode), ...whyLines(decode), ...(remedy === '' ? [] : [`  ${remedy}`])].join('\n'),
    table(WAITS_HEAD, waitRows(waits)),
    ...(criticalPath ? [table(OPERATORS_HEAD, operatorRows(criticalPath, cyclesPerToken))] : []),
  ].join('\n\n');
  const { turns } = decode;
  return {
    document: { cyclesPerToken, ...(turns && { turns }), waits, criticalPath, noCriticalPath },
    text,
    rows: waits,
  };
}

const OPERATORS_HEAD = ['operator', 'cycles of the critical path', 'share', 'spent on'];

/** Operators by their cycles of the path, the most first. */
function operatorRows(path: readonly PathEntry[], whole: number): string[][] {
  const entries = new Map<string, PathEntry[]>();
  for (const entry of path) {
    const of = entries.get(entry.operator) ?? [];
    of.push(entry);
    entries.set(entry.operator, of);
  }
  return [...entries]
    .map(([operator, of]) => {
      const cycles = of.reduce((sum, entry) => sum + entry.cycles, 0);
      return { cycles, row: [operator, count(cycles), share(cycles, whole), kindsOf(of)] };
    })
    .toSorted((a, b) => b.cycles - a.cycles)
    .map(({ row }) => row);
}
