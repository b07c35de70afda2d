/**
 * Memory images of the cores of a layer with latent attention: slices of its matrices, and where each core's parts
 * begin (see mapping/latent.ts and latent.ts).
 */
import { ROUND } from '../numeric/types.js';
import type { LatentSpec } from '../model/attention-spec.js';
import { transposedFormat } from '../model/formats.js';
import type { Matrix } from '../model/model-weights.js';
import { rotaryPairs, type RotaryPair } from '../model/rope.js';
import { ownKeys, queryDims, type LatentShape } from '../mapping/latent.js';
import { fillAngles } from './angles.js';
import { fillIndexer, fillSelection } from './indexer-images.js';
import { expandedValues } from './latent.js';
import { acrossColumns, latentsAt, outputsOf, part, setWindow } from './latent-order.js';
import { turningOf, windowOf } from './latent-order.js';
import type { Filled, Source } from './latent-order.js';
import { consecutive, dimsOf, eachDim, fillSlice, normWeight } from './stored.js';
import { valueCache } from './values.js';

/** What fills a core, whose column has heads or not. */
export function latentFiller(source: Source): (core: Filled, hasHeads: boolean) => void {
  const { spec, weights, cache } = source;
  const pairs = rotaryPairs(spec.rope.dim, spec.rope, source.positions);
  const folded = transposed(weights.kvUp, spec.kvRank);
  return (core, hasHeads) => {
    const { shape: s, column } = core;
    if (s.selection?.chooses) fillSelection(core, s.selection);
    if (s.form === 'latent' && !hasHeads) return;
    const order = orderOf(spec, s, pairs);
    fillLatents(core, source, order);
    if (s.form === 'expanded') fillExpanded(core, source, order);
    else fillFolded(core, source, order, folded);
    if (s.indexer) fillIndexer(core, source, hasHeads);
    if (!hasHeads) return;
    const inGroup = column % s.groupWidth;
    const own = Array.from({ length: s.pairs }, (_, i) => pairs.at(inGroup * s.pairs + i));
    fillAngles(core, spec.rope, own, cache.keys.length);
    fillOut(core, source, order);
    fillCache(core, source, order);
  };
}

/** Which elements columns and rows have; -1 where padded. */
interface Order {
  /** Elements that turn, of the columns of a group one after the other. */
  turning: number[];
  /** The column's heads. */
  headsOf: (column: number) => number[];
}

function orderOf({ heads }: LatentSpec, s: LatentShape, rotary: readonly RotaryPair[]): Order {
  const turning = turningOf(s, rotary);
  const headsOf = (column: number) => {
    if (column >= s.attentionColumns) return Array.from({ length: s.queryHeads }, () => -1);
    const first = Math.floor(column / s.groupWidth) * s.queryHeads;
    return consecutive(first, s.queryHeads, heads);
  };
  return { turning, headsOf };
}

/** Elements of a group's column: those that turn, those of a head that do not, and those of its values. */
function elementsAt(
  { nope, value }: LatentSpec,
  s: LatentShape,
  { turning }: Order,
  column: number,
) {
  const at = column % s.groupWidth;
  return {
    turning: part(turning, at * s.turning, s.turning),
    still: consecutive(at * s.still, s.still, nope),
    values: consecutive(at * s.values, s.values, value),
  };
}

/** Row of a matrix of heads that are `width` apart: an element after the first `from` of a head. */
function rowOf(head: number, width: number, from: number, element: number): number {
  return head < 0 || element < 0 ? -1 : head * width + from + element;
}

/** From the stream to the latent vectors, their norms and biases. */
function fillLatents(core: Filled, { spec, weights }: Source, { turning }: Order): void {
  const { image, at: cells, model, shape: s, matrices, row } = core;
  const { at, queries, keys } = latentsAt(spec, core);
  const { qDown, kvDown, qNorm, kvNorm, qDownBias, kvDownBias } = weights;
  const rotary = part(turning, at * s.rotary, s.rotary).map((e) => (e < 0 ? -1 : spec.kvRank + e));
  fillSlice(core, matrices.qkv, {
    ...{ width: model.dim, inputs: dimsOf(model, s, row) },
    outputs: [...outputsOf(qDown ?? kvDown, queries), ...outputsOf(kvDown, [...keys, ...rotary])],
  });
  const norms = [
    ...queries.map((i) => [qNorm, i] as const),
    ...keys.map((i) => [kvNorm, i] as const),
  ];
  for (const [i, [norm, element]] of norms.entries())
    if (element >= 0) image[cells.latentNorm + i] = normWeight(model, norm![element]);
  if (kvDownBias === undefined || row !== 0) return;
  const round = ROUND[model.dtype];
  const biases = [
    ...queries.map((i) => (i < 0 ? 0 : qDownBias![i])),
    ...[...keys, ...rotary].map((i) => (i < 0 ? 0 : kvDownBias[i])),
  ];
  for (const [i, bias] of biases.entries()) image[cells.latentBias + i] = round(bias);
}

/** Expanded form: queries, keys and values of the row, in the order in which columns have them. */
function fillExpanded(core: Filled, { spec, weights }: Source, order: Order): void {
  const { shape: s, matrices, model, row, column } = core;
  const { nope, value } = spec;
  const { queries: own, keys } = latentsAt(spec, core);
  const { queries, keyValues } = matrices.latent!;
  const ofRow = (of: (column: number) => number[], length: number) =>
    acrossColumns(of, s.attentionColumns, row * length, length);
  const queriesOf = (at: number) => queriesAt(spec, s, order, at);
  const keysOf = (at: number) => {
    const { still, values } = elementsAt(spec, s, order, at);
    const of = (from: number, elements: number[]) =>
      order.headsOf(at).flatMap((head) => elements.map((e) => rowOf(head, nope + value, from, e)));
    return [...of(0, still), ...of(nope, values)];
  };
  if (s.queryLatents > 0)
    fillSlice(core, queries, {
      ...{ width: spec.qRank!, inputs: own },
      outputs: outputsOf(weights.qUp, ofRow(queriesOf, s.rowQueries)),
    });
  else if (column < s.attentionColumns)
    fillSlice(core, queries, {
      ...{ width: model.dim, inputs: dimsOf(model, s, row) },
      outputs: outputsOf(weights.qUp, queriesOf(column)),
    });
  fillSlice(core, keyValues!, {
    ...{ width: spec.kvRank, inputs: keys },
    outputs: outputsOf(weights.kvUp, ofRow(keysOf, s.rowKeys)),
  });
  const rotaryRow = { first: row * s.rowRotary, length: s.rowRotary };
  const rotary = { first: column * s.rotary, length: s.rotary };
  setWindow(core, 'rotaryRow', windowOf(rotaryRow, rotary));
  const wanted = (length: number, at = column) => ({ first: at * length, length });
  const [q, k] = [queryDims(s), ownKeys(s) - s.turning];
  setWindow(core, 'queries', windowOf(wanted(q), wanted(s.rowQueries, row)));
  setWindow(core, 'keys', windowOf(wanted(k), wanted(s.rowKeys, row)));
  const inGroup = column % s.groupWidth;
  setWindow(core, 'rotary', windowOf(wanted(s.turning, inGroup), rotaryRow));
}

/** Rows of the queries' matrix for a column's queries, as they lie there. */
function queriesAt(spec: LatentSpec, s: LatentShape, order: Order, column: number): number[] {
  const { nope, rope } = spec;
  const { turning, still } = elementsAt(spec, s, order, column);
  const heads = order.headsOf(column);
  const of = (from: number, elements: number[]) =>
    elements.flatMap((e) => heads.map((head) => rowOf(head, nope + rope.dim, from, e)));
  return [...of(nope, turning), ...of(0, still)];
}

/** Latent form: what the row has of its heads. */
function fillFolded(core: Filled, { spec, weights }: Source, order: Order, folded: Matrix): void {
  const { image, at, shape: s, matrices, model, row, column } = core;
  const { nope, rope, value, heads, kvRank } = spec;
  const { queries: own, keys } = latentsAt(spec, core);
  const { queries, absorb, values } = matrices.latent!;
  const columnHeads = order.headsOf(column);
  const rowPart = row % s.rowsPerHead;
  const inGroup = column % s.groupWidth;
  const still = consecutive(rowPart * s.rowQueries, s.rowQueries, nope);
  const turning = part(order.turning, rowPart * s.rowRotary, s.rowRotary);
  const outputs = consecutive(rowPart * s.rowValues, s.rowValues, value);
  const firstHead = s.headsPerRow > 1 ? row * s.headsPerRow : Math.floor(row / s.rowsPerHead);
  const ofRow = Array.from({ length: s.headsPerRow }, (_, i) => columnHeads[firstHead + i] ?? -1);
  const width = nope + rope.dim;
  if (s.queryLatents > 0)
    fillSlice(core, queries, {
      ...{ width: spec.qRank!, inputs: own },
      outputs: ofRow.flatMap((head) =>
        outputsOf(weights.qUp, [
          ...still.map((e) => rowOf(head, width, 0, e)),
          ...turning.map((e) => rowOf(head, width, nope, e)),
        ]),
      ),
    });
  else {
    const turns = part(order.turning, inGroup * s.turning, s.turning);
    const others = consecutive(inGroup * s.ownStill, s.ownStill, nope);
    fillSlice(core, queries, {
      ...{ width: model.dim, inputs: dimsOf(model, s, row) },
      outputs: columnHeads.flatMap((head) =>
        outputsOf(weights.qUp, [
          ...turns.map((e) => rowOf(head, width, nope, e)),
          ...others.map((e) => rowOf(head, width, 0, e)),
        ]),
      ),
    });
  }
  const wanted = (length: number, place: number) => ({ first: place * length, length });
  ofRow.forEach((head, i) => {
    const of = nope + value;
    fillSlice(core, absorb[i], {
      ...{ width: heads * of, inputs: still.map((e) => rowOf(head, of, 0, e)) },
      outputs: outputsOf(folded, keys),
    });
    fillSlice(core, values[i], {
      ...{ width: kvRank, inputs: keys },
      outputs: outputsOf(
        weights.kvUp,
        outputs.map((e) => rowOf(head, of, nope, e)),
      ),
    });
    const rowRotary = wanted(s.rowRotary, rowPart);
    if (s.queryLatents === 0) {
      const [row, columns] = [wanted(s.rowQueries, rowPart), wanted(s.ownStill, inGroup)];
      setWindow(core, 'ownQueries', windowOf(row, columns), i);
      setWindow(core, 'rotaryRow', windowOf(rowRotary, wanted(s.turning, inGroup)), i);
    }
    // A row without the head has nothing for columns: it takes zeros.
    if (head < 0) return;
    image[at.rowHeads + i] = firstHead + i;
    setWindow(core, 'rotary', windowOf(wanted(s.turning, inGroup), rowRotary), i);
    const rowValues = wanted(s.rowValues, rowPart);
    setWindow(core, 'values', windowOf(wanted(s.values, inGroup), rowValues), i);
  });
}

/** A matrix whose inputs are this one's outputs. */
function transposed(matrix: Matrix, inputs: number): Matrix {
  const { values, scale, blocks } = matrix;
  const turned = transposedNumbers(values, inputs);
  if (blocks === undefined) return { values: turned, scale };
  const { format, width } = blocks;
  const outputs = values.length / inputs;
  const scales = transposedNumbers(blocks.scales, Math.ceil(width / format.block[1]));
  const turnedFormat = transposedFormat(format) as typeof format;
  return { values: turned, scale, blocks: { format: turnedFormat, width: outputs, scales } };
}

function transposedNumbers(numbers: Matrix['values'], columns: number): Float64Array {
  const rows = numbers.length / columns;
  return Float64Array.from(numbers, (_, i) => numbers[(i % rows) * columns + Math.floor(i / rows)]);
}

/** The output projection, and its bias on one column. */
function fillOut(core: Filled, { spec, weights }: Source, order: Order): void {
  const { image, at, model, shape: s, matrices, row, column } = core;
  const { heads, value } = spec;
  const { values } = elementsAt(spec, s, order, column);
  fillSlice(core, matrices.o, {
    width: heads * value,
    inputs: order.headsOf(column).flatMap((head) => values.map((e) => rowOf(head, value, 0, e))),
    outputs: outputsOf(weights.o, dimsOf(model, s, row)),
  });
  const { oBias } = weights;
  if (oBias && column === 0)
    eachDim(model, s, row, (d, dim) => {
      image[at.oBias + d] = ROUND[model.dtype](oBias[dim]);
    });
}

/** The first user's cache, slots dealt out row by row: keys [head][element][slot], values as values.ts has them. */
function fillCache(core: Filled, { spec, cache }: Source, order: Order): void {
  const { image, at, model, costs, shape: s, row, column } = core;
  const round = ROUND[model.dtype];
  const { kvRank, nope, value } = spec;
  const { turning, still, values } = elementsAt(spec, s, order, column);
  const isLatent = s.form === 'latent';
  const heads = isLatent ? [0] : order.headsOf(column);
  const latents = latentsAt(spec, core).keys;
  const lies = valueCache(costs, model.dtype, expandedValues(s));
  for (let p = row; p < cache.keys.length; p += s.rows) {
    const place = Math.floor(p / s.rows);
    const { [p]: own } = cache.keys;
    const { [p]: expanded } = cache.values;
    heads.forEach((head, h) => {
      if (head < 0) return;
      const first = h * s.keyElements;
      const key = (i: number, from: ArrayLike<number>, element: number) => {
        if (element >= 0) image[at.keys + (first + i) * s.slots + place] = round(from[element]);
      };
      turning.forEach((e, i) => key(i, own, e < 0 ? -1 : kvRank + e));
      if (isLatent) return latents.forEach((e, i) => key(s.turning + i, own, e));
      still.forEach((e, i) => key(s.turning + i, expanded, rowOf(head, nope + value, 0, e)));
      values.forEach((e, i) => {
        const cell = (h * s.values + i) * lies.element + place * lies.slot;
        if (e >= 0) image[at.values + cell] = round(expanded[rowOf(head, nope + value, nope, e)]);
      });
    });
  }
}
