/** What a simulation rests on as rows: its assumptions, the numbers of the hardware, and what is not modelled. */
import { flatTable, type DataTable } from '../../report/data-table.js';
import type { ExplainDocument } from './document.js';

export function explainRows({ assumptions, numbers, notModelled }: ExplainDocument): DataTable {
  return flatTable([
    ...assumptions.map(({ about, text, grade, source }) => {
      return { kind: 'assumption', about, what: text, grade, source };
    }),
    ...numbers.map(({ path, value, range, grade, assumed, source }) => {
      const [low, high] = range ?? [];
      const graded = grade ?? (assumed ? 'assumed' : undefined);
      return { kind: 'number', what: path, value: String(value), low, high, grade: graded, source };
    }),
    ...notModelled.map(({ what, effect }) => ({ kind: 'not modelled', what, effect })),
  ]);
}
