/** The hidden state and the token of a layer for the token after the next, joined to one (mapping/join.ts). */
import { allReduce } from '../kernels/collectives.js';
import { streamSlice } from '../mapping/stream.js';
import type { JoinWeights } from '../model/model-weights.js';
import { cell, chosen, fill, vector, type CoreCode } from '../program/builder.js';
import { bringsCount } from './in-flight.js';
import { layerLabel, type LayerCore } from './layer-core.js';
import type { Filled } from './layer-images.js';
import { rmsNorm } from './norm.js';
import { product } from './product.js';
import { consecutive, dimsOf, eachDim, fillSlice, normWeight } from './stored.js';

/** What a core can do before its token arrives. */
export function prepareJoin(core: CoreCode, { model, shape }: LayerCore): void {
  const { at } = core;
  fill(core, 'f32', at.joinSquares, 2, 0);
  fill(core, model.dtype, at.joinStretch + shape.dims, shape.joined!, 0);
}

/** From the token's slice in `x` and the one in `hidden` to the residual stream in `x`. */
export function join(core: CoreCode, layer: LayerCore): void {
  const { model, shape, column, row, costs, matrices, inFlight } = layer;
  const { dims, joined = 0 } = shape;
  const { at } = core;
  const { dtype: type, dim, normEpsilon: epsilon } = model;
  core.label = layerLabel('join');
  // One of the model's own states; of a drafted token it is the layer's.
  if (inFlight && bringsCount(inFlight)) {
    const select = { cell: at.stateNumber, step: dims, count: inFlight.of };
    vector(core, 'move', type, dims, cell(at.hidden), chosen(at.states, select));
  }
  const of = [at.x, at.hidden];
  rmsNorm(
    ...([core, costs, column] as const),
    { type, length: dims, dim, epsilon, of, square: at.joinSquares },
    [
      { x: at.x, weight: at.tokenNorm, normed: at.bothNormed },
      { x: at.hidden, weight: at.hiddenNorm, normed: at.bothNormed + dims },
    ],
  );
  const out = at.joinStretch + dims;
  product(core, layer, matrices.join!, { x: at.bothNormed, out });
  allReduce(core, column, 'add', type, out, joined);
  const window = { cell: at.joinWindow, step: 1, count: joined + dims + 1 };
  const own = chosen(at.joinStretch, window);
  vector(core, 'mul', type, dims, cell(at.x), own, cell(at.joinMask));
  allReduce(core, row, 'add', type, at.x, dims);
}

/** The core's slice of the projection, both norms, and where the row's part of the column's begins. */
export function fillJoin(core: Filled, weights: JoinWeights): void {
  const { image, at, model, shape, matrices, row, column } = core;
  const { dims, joined = 0 } = shape;
  const { dim } = model;
  eachDim(model, shape, row, (d, of) => {
    image[at.joinMask + d] = 1;
    image[at.tokenNorm + d] = normWeight(model, weights.tokenNorm[of]);
    image[at.hiddenNorm + d] = normWeight(model, weights.hiddenNorm[of]);
  });
  const token = dimsOf(model, shape, row);
  const hidden = token.map((of) => (of < 0 ? -1 : dim + of));
  const held = consecutive(column * joined, joined, dim);
  fillSlice(core, matrices.join!, {
    ...{ width: 2 * dim, inputs: [...token, ...hidden] },
    outputs: held.map((output) => ({ of: weights.project, output })),
  });
  const begins = streamSlice(model, shape, row).first - column * joined + dims;
  image[at.joinWindow] = Math.min(Math.max(begins, 0), joined + dims);
}
