/** Special functions over several elements, in whichever form is cheaper on the wafer. */
import { chosenBy } from '../hardware/watched.js';
import type { CostTable, SpecialFn } from '../hardware/wafer.js';
import type { FloatType } from '../numeric/types.js';
import { special, type Code } from '../program/builder.js';
import type { SpecialForm } from '../program/program.js';
import { timeOf } from '../program/timing.js';

/** Scalar code for each of so many elements, or vector operations over all of them. */
export function cheaperForm(
  costs: CostTable,
  fn: SpecialFn,
  type: FloatType,
  length: number,
): 'scalar' | 'vector' {
  const chosen = (by: CostTable) => {
    const cyclesOf = (form: SpecialForm) =>
      timeOf({ kind: 'special', label: 0, fn, form, type, length, at: 0, to: 0 }, by).cycles;
    return cyclesOf('scalar') <= cyclesOf('vector') ? 'scalar' : 'vector';
  };
  return chosenBy(costs, () => `${fn} ${type} ${length}`, chosen);
}

/** Appends a special function over cells in its cheaper form, in place unless `to` is given. */
export function cheapest(
  code: Code,
  costs: CostTable,
  fn: SpecialFn,
  type: FloatType,
  at: number,
  length: number,
  to = at,
): void {
  special(code, fn, cheaperForm(costs, fn, type, length), type, at, length, to);
}
