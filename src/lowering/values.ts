/**
 * The values of a core's positions: where its cache keeps them, and their sum by the shares of the softmax.
 * A product goes through the cache by rows of positions or by rows of elements; the cache lies in the rows
 * that take less time over many positions, so that caches of any length lie alike.
 */
import type { CostTable } from '../hardware/wafer.js';
import type { FloatType } from '../numeric/types.js';
import type { GqaShape } from '../mapping/shapes.js';
import { allReduce } from '../kernels/collectives.js';
import { cell, matvec, vector, type CoreCode } from '../program/builder.js';
import type { MatvecOp } from '../program/program.js';
import { kvHeadOf, type AttendingCore } from './layer-core.js';
import { cheaperRows } from './product.js';

/** Positions over which the rows are compared. */
const MANY = 1024;

export interface ValueCache {
  /** axpy: a row for each slot; dot: a row for each element of each KV head. */
  form: MatvecOp['form'];
  /** Cells from one slot to the next, and from one element to the next. */
  slot: number;
  element: number;
}

/** Values of a core in its cache: where they begin, and elements of a head. */
export interface Values extends ValueCache {
  at: number;
  elements: number;
}

export function valueCache(
  costs: CostTable,
  type: FloatType,
  { slots, keyDims, pairs }: Pick<GqaShape, 'slots' | 'keyDims' | 'pairs'>,
): ValueCache {
  const form = cheaperRows(costs, { inputs: MANY, outputs: 2 * pairs, type, widen: false });
  return form === 'axpy' ? { form, slot: keyDims, element: 1 } : { form, slot: 1, element: slots };
}

/** Keeps the new position's values, which lie head by head from `from` on. */
export function appendValues(
  core: CoreCode,
  { model, shape, appendAt }: AttendingCore,
  { at, elements, slot, element }: Values,
  from: number,
): void {
  const kept = cell(at + appendAt * slot, element);
  vector(core, 'move', model.dtype, shape.headsPerColumn * elements, kept, cell(from));
}

export function weightedValues(
  core: CoreCode,
  { model, shape, column, positions }: AttendingCore,
  { at: values, elements, form, slot, element }: Values,
): void {
  const { at } = core;
  const [rows, length, rowStride] =
    form === 'axpy' ? [positions, elements, slot] : [elements, positions, element];
  for (let head = 0; head < shape.queryHeads; head++) {
    const out = at.attended + head * elements;
    matvec(core, form, model.dtype, {
      matrix: values + kvHeadOf(shape, head) * elements * element,
      ...{ rows, length, rowStride },
      x: at.scores + head,
      xStride: shape.queryHeads,
      out,
      widen: false,
    });
    if (positions > 0) {
      const share = cell(at.total + head, 0);
      vector(core, 'mul', model.dtype, elements, cell(out), cell(out), share);
    }
  }
  allReduce(core, column, 'add', model.dtype, at.attended, shape.queryHeads * elements);
}
