/**
 * The indexer of sparse attention (DeepSeek-V3.2, GLM-5): scores of all positions by which a layer chooses those that
 * it attends to (selection.ts). Up to as many positions as it chooses all of them are chosen: the scores are then
 * found, as the machine would, and nothing is done by them.
 */
import { allReduce, type LinePlace } from '../kernels/collectives.js';
import { cell, fill, matvec, vector, type CoreCode } from '../program/builder.js';
import { turn } from './heads.js';
import { takeWindow } from './latent-window.js';
import { inputAt, layerLabel, type LatentCore } from './layer-core.js';
import { product, startProduct } from './product.js';
import { choosePositions, startSelection } from './selection.js';
import { cheapest } from './special.js';

/** Of the norm of its keys, whatever the model's other norms have. */
const EPSILON = 1e-6;

/** What a core of any column can do before its token arrives. */
export function startIndexer(core: CoreCode, layer: LatentCore): void {
  const { shape, matrices, model, group, positions } = layer;
  const { indexer } = shape;
  if (indexer === undefined) return;
  startSelection(core, layer);
  const { at } = core;
  const { queries, keys } = matrices.latent!.indexer!;
  fill(core, model.dtype, at.indexTotals, positions, 0);
  if (at.indexRow !== undefined) startProduct(core, queries, { out: at.indexRow });
  if (group === undefined) return;
  startProduct(core, keys, { out: at.indexProjected });
  fill(core, 'f32', at.indexMoments, 2, 0);
  fill(core, model.dtype, at.indexScores, indexer.heads * positions, 0);
}

/** The scores of the row's positions, on every core of it, and the choice by them; from normed latent vectors on. */
export function indexPositions(core: CoreCode, layer: LatentCore): void {
  const { shape: s, matrices, model, row, group, positions } = layer;
  if (s.indexer === undefined) return;
  const { at } = core;
  core.label = layerLabel('indexer');
  if (at.indexRow !== undefined) {
    const { queries } = matrices.latent!.indexer!;
    product(core, layer, queries, { x: at.latents, out: at.indexRow });
    const line = s.form === 'expanded' ? row : group!;
    allReduce(core, line, 'add', model.dtype, at.indexRow, s.indexer.rowQueries);
  }
  if (group) scorePositions(core, layer, group);
  allReduce(core, row, 'add', model.dtype, at.indexTotals, positions);
  choosePositions(core, layer);
}

function scorePositions(core: CoreCode, layer: LatentCore, group: LinePlace): void {
  const { shape: s, matrices, model, column, positions, appendAt } = layer;
  const { dtype } = model;
  const { at } = core;
  const { heads, elements, rowQueries } = s.indexer!;
  const all = heads * elements;
  takeWindow(core, layer, 'indexer', {
    ...{ from: at.indexRow, length: rowQueries, stretch: at.indexStretch },
    ...{ to: at.indexQueries, takes: all },
  });
  const { keys } = matrices.latent!.indexer!;
  product(core, layer, keys, { x: inputAt(core, layer), out: at.indexProjected });
  allReduce(core, column, 'add', dtype, at.indexQueries, all + elements + heads);
  normaliseKey(core, layer, group);
  const { queryHeads: copies } = s;
  for (let head = 0; head < heads; head++)
    turn(core, layer, { at: at.indexQueries + head * elements, heads: 1, copies });
  turn(core, layer, { at: at.indexProjected, heads: 1, copies });
  const key = cell(at.indexProjected);
  if (appendAt >= 0)
    vector(core, 'move', dtype, elements, cell(at.indexKeys + appendAt, s.slots), key);
  for (let head = 0; head < heads; head++)
    matvec(core, 'axpy', dtype, {
      ...{ matrix: at.indexKeys, rows: elements, length: positions, rowStride: s.slots },
      ...{ x: at.indexQueries + head * elements, out: at.indexScores + head * positions },
      widen: false,
    });
  allReduce(core, group, 'add', dtype, at.indexScores, heads * positions);
  const scores = cell(at.indexScores);
  vector(core, 'max', dtype, heads * positions, scores, scores, { constant: 0 });
  weighScores(core, layer);
}

/** Scores of the group's heads by their weights; one of its columns has weights, and the others zeros. */
function weighScores(core: CoreCode, { shape: s, model, attention, positions }: LatentCore): void {
  const { dtype } = model;
  const { at } = core;
  const { heads, elements } = s.indexer!;
  const { heads: of, dim } = attention.indexer!;
  const weights = cell(at.indexProjected + elements);
  vector(core, 'mul', dtype, heads, weights, weights, { constant: 1 / Math.sqrt(of * dim) });
  const totals = cell(at.indexTotals);
  for (let head = 0; head < heads; head++) {
    const own = cell(at.indexScores + head * positions);
    const weight = cell(at.indexProjected + elements + head, 0);
    vector(core, 'fma', dtype, positions, totals, own, weight, totals);
  }
}

/** A norm that takes the mean away, with weights and biases, of a key spread over the group's columns. */
function normaliseKey(core: CoreCode, layer: LatentCore, group: LinePlace): void {
  const { shape: s, model, attention, costs } = layer;
  const { at } = core;
  const { elements } = s.indexer!;
  const key = cell(at.indexProjected);
  const [mean, variance, square] = [0, 1, 2].map((i) => cell(at.indexMoments + i, 0));
  vector(core, 'add', 'f32', elements, mean, key, mean);
  vector(core, 'fma', 'f32', elements, variance, key, key, variance);
  allReduce(core, group, 'add', 'f32', at.indexMoments, 2);
  const each = { constant: 1 / attention.indexer!.dim };
  vector(core, 'mul', 'f32', 1, mean, mean, each);
  vector(core, 'fma', 'f32', 1, variance, variance, each, { constant: EPSILON });
  vector(core, 'mul', 'f32', 1, square, mean, mean);
  vector(core, 'sub', 'f32', 1, variance, variance, square);
  cheapest(core, costs, 'rsqrt', 'f32', at.indexMoments + 1, 1);
  vector(core, 'sub', model.dtype, elements, key, key, mean);
  vector(core, 'mul', model.dtype, elements, key, key, variance);
  vector(core, 'fma', model.dtype, elements, key, key, cell(at.indexNorm), cell(at.indexNormBias));
}
