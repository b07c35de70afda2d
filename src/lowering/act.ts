/**
 * The activation between the products of a gated MLP: act(gate) * up, unit by unit (the plain decoder has it
 * in model/plain/mlp.ts). gpt-oss's is clamped, and its up + 1 costs nothing: (up + 1) a is up * a + a.
 */
import type { CostTable } from '../hardware/wafer.js';
import type { Act } from '../model/mlp-spec.js';
import type { FloatType } from '../numeric/types.js';
import { ACT_FN } from '../mapping/shapes.js';
import { cell, vector, type CoreCode } from '../program/builder.js';
import { cheapest } from './special.js';

/** Gate and up units, and where the result goes, one cell after the other. */
export interface GatedUnits {
  type: FloatType;
  length: number;
  gate: number;
  up: number;
  /** Cells from one unit's gate, and up, to the next one's; 1 if not given. */
  stride?: number;
  out: number;
}

/** Appends out = act(gate) * up. A clamp limits gate and up in place; `out` is neither of them. */
export function gatedAct(core: CoreCode, costs: CostTable, act: Act, units: GatedUnits): void {
  const { fn, clamp, alpha = 1, plusOne } = act;
  const { type, length, stride } = units;
  const [gate, up, out] = [cell(units.gate, stride), cell(units.up, stride), cell(units.out)];
  if (clamp !== undefined) {
    vector(core, 'min', type, length, gate, gate, { constant: clamp });
    vector(core, 'min', type, length, up, up, { constant: clamp });
    vector(core, 'max', type, length, up, up, { constant: -clamp });
  }
  if (fn === 'silu' && alpha !== 1) {
    vector(core, 'mul', type, length, out, gate, { constant: alpha });
    cheapest(core, costs, 'sigmoid', type, units.out, length);
    vector(core, 'mul', type, length, out, out, gate);
  } else if (stride === undefined)
    cheapest(core, costs, ACT_FN[fn], type, units.gate, length, units.out);
  else {
    vector(core, 'move', type, length, out, gate);
    cheapest(core, costs, ACT_FN[fn], type, units.out, length);
  }
  if (plusOne) vector(core, 'fma', type, length, out, up, out, out);
  else vector(core, 'mul', type, length, out, out, up);
}
