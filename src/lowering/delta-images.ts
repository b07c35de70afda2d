/** Memory images of the cores of a gated delta net: see mapping/delta.ts for what lies where. */
import { ROUND } from '../numeric/types.js';
import type { DeltaSpec } from '../model/attention-spec.js';
import type { DeltaWeights, Matrix } from '../model/model-weights.js';
import type { DeltaState } from '../model/plain/delta.js';
import type { DeltaShape } from '../mapping/delta.js';
import type { Filled } from './layer-images.js';
import { consecutive, dimsOf, fillSlice } from './stored.js';

/** A core of a column with heads. */
interface FilledDelta extends Filled {
  spec: DeltaSpec;
  shape: DeltaShape;
  weights: DeltaWeights;
}

/** What a column holds: global numbers, -1 where padded. */
interface DeltaSlice {
  /** Rows of the queries' or keys' matrix, head by head. */
  keys: number[];
  /** Rows of the values' matrix, element by element, each once per value head. */
  values: number[];
  /** Elements inside a value head, as `values`. */
  elements: number[];
  heads: number[];
}

/** Weights, and the first user's state and last inputs. */
export function fillDelta(core: FilledDelta, state: DeltaState | undefined): void {
  const slice = deltaSlice(core);
  fillMatrices(core, slice);
  fillSteps(core, slice);
  fillConvolution(core, slice, state);
  if (state) fillState(core, slice, state);
}

function deltaSlice({ spec, shape, column }: FilledDelta): DeltaSlice {
  const { keyElements, valueElements, headsPerColumn, groupWidth } = shape;
  const { keyHeads, keyDim, valueDim } = spec;
  const first = Math.floor(column / groupWidth) * headsPerColumn;
  const place = column % groupWidth;
  const own = consecutive(first, headsPerColumn, keyHeads);
  const keyPlaces = consecutive(place * keyElements, keyElements, keyDim);
  const valuePlaces = consecutive(place * valueElements, valueElements, valueDim);
  const each = spec.valueHeads / keyHeads;
  const heads = own.flatMap((head) =>
    Array.from({ length: each }, (_, i) => (head < 0 ? -1 : head * each + i)),
  );
  const rowOf = (head: number, headDim: number, element: number) =>
    head < 0 || element < 0 ? -1 : head * headDim + element;
  return {
    keys: own.flatMap((head) => keyPlaces.map((element) => rowOf(head, keyDim, element))),
    values: valuePlaces.flatMap((element) => heads.map((head) => rowOf(head, valueDim, element))),
    elements: valuePlaces.flatMap((element) => heads.map(() => element)),
    heads,
  };
}

function fillMatrices(core: FilledDelta, { keys, values, heads }: DeltaSlice): void {
  const { model, spec, shape, matrices, row, weights } = core;
  const { q, k, v, z, beta, alpha, o } = weights;
  const dims = dimsOf(model, shape, row);
  const of = (matrix: Matrix, rows: number[]) => rows.map((output) => ({ of: matrix, output }));
  fillSlice(core, matrices.qkv, {
    ...{ width: model.dim, inputs: dims },
    outputs: [
      ...[...of(q, keys), ...of(k, keys), ...of(v, values), ...of(z, values)],
      ...[...of(beta, heads), ...of(alpha, heads)],
    ],
  });
  fillSlice(core, matrices.o, {
    width: spec.valueHeads * spec.valueDim,
    inputs: values,
    outputs: of(o, dims),
  });
}

/** What of each value head and element is the same for all tokens. */
function fillSteps(core: FilledDelta, { heads, elements }: DeltaSlice): void {
  const { image, at, model, shape, row, column, spec, weights } = core;
  heads.forEach((head, h) => {
    if (head < 0) return;
    image[at.dtBias + h] = weights.dtBias[head];
    image[at.decayRate + h] = -Math.exp(weights.aLog[head]);
  });
  // Its weights multiply as they are in models whose other norms multiply by 1 + theirs too.
  elements.forEach((element, i) => {
    if (element >= 0) image[at.gateNorm + i] = ROUND[model.dtype](weights.norm[element]);
  });
  const { rowElements, valueElements, groupWidth } = shape;
  const first = (column % groupWidth) * valueElements;
  consecutive(row * rowElements, rowElements, spec.valueDim).forEach((element, e) => {
    const place = element - first;
    const isHere = element >= 0 && place >= 0 && place < valueElements;
    image[at.valuePlace + e] = isHere ? place : valueElements;
  });
}

/** Weights token by token, and the inputs of the tokens before, the newest last. */
function fillConvolution(
  core: FilledDelta,
  { keys, values }: DeltaSlice,
  state: DeltaState | undefined,
): void {
  const { image, at, model, spec, shape, weights } = core;
  const { conv, keyHeads, keyDim } = spec;
  const all = keyHeads * keyDim;
  const after = (from: number) => (row: number) => (row < 0 ? -1 : from + row);
  const channels = [...keys, ...keys.map(after(all)), ...values.map(after(2 * all))];
  const round = ROUND[model.dtype];
  // As if a round of one token had gone before.
  const first = shape.inFlight ? 1 : 0;
  channels.forEach((channel, c) => {
    if (channel < 0) return;
    for (let t = 0; t < conv; t++)
      image[at.convWeights + t * shape.channels + c] = round(weights.conv[channel * conv + t]);
    for (let t = 0; t < conv - 1; t++) {
      const earlier = state?.window.at(t - (conv - 1));
      if (earlier) image[at.convState + (first + t) * shape.channels + c] = round(earlier[channel]);
    }
  });
}

function fillState(core: FilledDelta, { heads }: DeltaSlice, { heads: states }: DeltaState): void {
  const { image, at, spec, shape, row, column } = core;
  const { keyElements, rowElements, groupWidth } = shape;
  const { keyDim, valueDim } = spec;
  const keys = consecutive((column % groupWidth) * keyElements, keyElements, keyDim);
  const own = consecutive(row * rowElements, rowElements, valueDim);
  own.forEach((element, e) =>
    heads.forEach((head, h) =>
      keys.forEach((key, i) => {
        if (element < 0 || head < 0 || key < 0) return;
        const cell = (e * heads.length + h) * keyElements + i;
        image[at.state + cell] = states[head][key * valueDim + element];
      }),
    ),
  );
}
