/**
 * Multi-head latent attention of one token (docs/machine-model.md, section 5e), in both forms of its cache
 * (mapping/latent.ts). Latent vectors are on columns, what is made of them on rows, and heads on the columns of
 * their group. Expanded: queries, keys and values are made of the latent vectors on rows, and brought to columns.
 * Latent: so are queries alone; multiplied by their heads' key matrices they are compared with latent vectors, of
 * which what was attended to is multiplied by the heads' value matrices.
 *
 * Queries lie element by element, each once per head: those that turn first.
 */
import { allReduce, type LinePlace } from '../kernels/collectives.js';
import { downDims, ownKeys, queriesBy, queryDims } from '../mapping/latent.js';
import { cell, fill, vector, type CoreCode } from '../program/builder.js';
import { turn } from './heads.js';
import { indexPositions, startIndexer } from './indexer.js';
import { inputAt, layerLabel, onceForRow, type LatentCore } from './layer-core.js';
import { foldQueries, prepareFolded, raiseValues } from './latent-folded.js';
import { takeWindow } from './latent-window.js';
import { product, startProduct } from './product.js';
import { prepareAngles } from './rollback.js';
import { maskScores } from './selection.js';
import { prepareSoftmax, scores, softmax } from './softmax.js';
import { cheapest } from './special.js';
import { appendValues, valueCache, weightedValues, type Values } from './values.js';

/** Of the norms of both latent vectors, whatever the model's other norms have. */
const LATENT_EPSILON = 1e-6;

/** What a core of any column can do before its token arrives: in the expanded form all hold latent vectors. */
export function startLatent(core: CoreCode, layer: LatentCore): void {
  const { matrices, shape: s, group } = layer;
  const { at } = core;
  startIndexer(core, layer);
  const { keyValues, queries } = matrices.latent!;
  if (s.form === 'latent' && group === undefined) return;
  startProduct(core, matrices.qkv, { out: at.latents, bias: at.latentBias });
  fill(core, 'f32', at.latentSquares, 2, 0);
  if (s.form === 'latent') return;
  if (s.queryLatents > 0) startProduct(core, queries, { out: at.upRow });
  startProduct(core, keyValues!, { out: at.upRow + s.rowQueries });
}

/** What a core of a column with heads can do too. */
export function prepareLatent(core: CoreCode, layer: LatentCore): void {
  const { shape: s, matrices, model } = layer;
  const { at } = core;
  prepareAngles(core, layer);
  prepareSoftmax(core, layer);
  fill(core, model.dtype, at.attended, s.queryHeads * s.attended, 0);
  if (s.form === 'latent') prepareFolded(core, layer);
  else if (s.queryLatents === 0) startProduct(core, matrices.latent!.queries, { out: at.queries });
}

/** Attention from the normed slice to `attentionOut`, on a core of a column with heads. */
export function attendLatent(core: CoreCode, layer: LatentCore, group: LinePlace): void {
  const { shape: s, matrices } = layer;
  const { at } = core;
  const isExpanded = s.form === 'expanded';
  projectLatents(core, layer, isExpanded ? layer.row : group);
  if (isExpanded) {
    raiseRow(core, layer);
    bringHeads(core, layer);
  } else foldQueries(core, layer, group);
  const { queryHeads: copies } = s;
  const held = heldAt(core, layer);
  indexPositions(core, layer);
  core.label = layerLabel('rope');
  turn(core, layer, { at: at.queries, heads: copies, copies });
  turn(core, layer, { at: held.rotary, heads: 1, copies });
  core.label = layerLabel('kv append');
  append(core, layer, held);
  core.label = layerLabel('scores');
  scores(core, layer, group, { at: at.queries, elements: s.keyElements, stride: copies });
  maskScores(core, layer);
  onceForRow(core, layer, 'shares', () => {
    core.label = layerLabel('softmax');
    softmax(core, layer);
    core.label = layerLabel('values');
    weightedValues(core, layer, held.cache);
  });
  if (!isExpanded) raiseValues(core, layer, group);
  core.label = layerLabel('attention out');
  const x = isExpanded ? at.attended : at.attendedValues;
  product(core, layer, matrices.o, { x, out: at.attentionOut, bias: at.oBias });
}

/** What a column without heads has a part in: the row's sums of the expanded form, and of an indexer. */
export function joinLatent(core: CoreCode, layer: LatentCore): void {
  if (layer.shape.form === 'expanded') {
    projectLatents(core, layer, layer.row);
    raiseRow(core, layer);
  }
  indexPositions(core, layer);
}

/** The column's elements of both latent vectors, normed, and of the rotary key. */
function projectLatents(core: CoreCode, layer: LatentCore, line: LinePlace): void {
  const { shape: s, matrices, model, column, group } = layer;
  const { at } = core;
  const x = inputAt(core, layer);
  core.label = layerLabel('latent down');
  product(core, layer, matrices.qkv, { x, out: at.latents, bias: at.latentBias });
  const projectsQueries = s.queryLatents === 0 && group !== undefined;
  if (projectsQueries) {
    const out = s.form === 'expanded' ? at.queries : at.ownQueries;
    product(core, layer, matrices.latent!.queries, { x, out });
  }
  const length = downDims(s) + (projectsQueries ? queriesBy(s) : 0);
  allReduce(core, column, 'add', model.dtype, at.latents, length);
  core.label = layerLabel('latent norm');
  normaliseLatents(core, layer, line);
}

/** RMSNorm of each latent vector, whose elements are spread over the line. */
function normaliseLatents(core: CoreCode, layer: LatentCore, line: LinePlace): void {
  const { shape: s, model, attention, costs } = layer;
  const { at } = core;
  const parts = [
    { x: cell(at.latents), length: s.queryLatents, rank: attention.qRank ?? 1 },
    { x: cell(at.latents + s.queryLatents), length: s.keyLatents, rank: attention.kvRank },
  ];
  const sums = parts.map((_, i) => cell(at.latentSquares + i, 0));
  for (const [i, { x, length }] of parts.entries())
    vector(core, 'fma', 'f32', length, sums[i], x, x, sums[i]);
  allReduce(core, line, 'add', 'f32', at.latentSquares, 2);
  for (const [i, { rank }] of parts.entries()) {
    const [mean, epsilon] = [{ constant: 1 / rank }, { constant: LATENT_EPSILON }];
    vector(core, 'fma', 'f32', 1, sums[i], sums[i], mean, epsilon);
  }
  cheapest(core, costs, 'rsqrt', 'f32', at.latentSquares, 2);
  for (const [i, { x, length }] of parts.entries())
    vector(core, 'mul', model.dtype, length, x, x, sums[i]);
  const all = cell(at.latents);
  const length = s.queryLatents + s.keyLatents;
  vector(core, 'mul', model.dtype, length, all, all, cell(at.latentNorm));
}

/** Expanded form: the row's part of all heads' queries, keys and values, and of the rotary key. */
function raiseRow(core: CoreCode, layer: LatentCore): void {
  const { shape: s, matrices, model, row } = layer;
  const { at } = core;
  const { queries, keyValues } = matrices.latent!;
  core.label = layerLabel('latent up');
  const x = at.latents + s.queryLatents;
  if (s.queryLatents > 0) product(core, layer, queries, { x: at.latents, out: at.upRow });
  product(core, layer, keyValues!, { x, out: at.upRow + s.rowQueries });
  const length = s.rowQueries + s.rowKeys;
  takeWindow(core, layer, 'rotaryRow', {
    ...{ from: x + s.keyLatents, length: s.rotary, stretch: at.rotaryStretch },
    ...{ to: at.upRow + length, takes: s.rowRotary },
  });
  allReduce(core, row, 'add', model.dtype, at.upRow, length + s.rowRotary);
}

/** Expanded form: from the rows' parts to the heads of the column. */
function bringHeads(core: CoreCode, layer: LatentCore): void {
  const { shape: s, model, column } = layer;
  const { at } = core;
  const [dims, own] = [queryDims(s), ownKeys(s)];
  const keys = at.queries + dims;
  const takes = own - s.turning;
  const isRaised = s.queryLatents > 0;
  if (isRaised)
    takeWindow(core, layer, 'queries', {
      ...{ from: at.upRow, length: s.rowQueries, stretch: at.queryStretch },
      ...{ to: at.queries, takes: dims },
    });
  takeWindow(core, layer, 'keys', {
    ...{ from: at.upRow + s.rowQueries, length: s.rowKeys, stretch: at.keyStretch },
    ...{ to: keys, takes },
  });
  takeWindow(core, layer, 'rotary', {
    ...{ from: at.upRow + s.rowQueries + s.rowKeys, length: s.rowRotary },
    ...{ stretch: at.keyRotaryStretch, to: keys + takes, takes: s.turning },
  });
  const [first, length] = isRaised ? [at.queries, dims + own] : [keys, own];
  allReduce(core, column, 'add', model.dtype, first, length);
}

/** What the new position adds to the cache, and where the cache has values. */
interface Held {
  rotary: number;
  keys: number;
  cache: Values;
}

function heldAt({ at }: CoreCode, { shape: s, model, costs }: LatentCore): Held {
  if (s.form === 'latent') {
    const keys = at.latents + s.queryLatents;
    const first = at.keys + s.turning * s.slots;
    const lies = { form: 'dot', slot: 1, element: s.slots } as const;
    return { keys, rotary: keys + s.keyLatents, cache: { at: first, elements: s.still, ...lies } };
  }
  const keys = at.queries + queryDims(s);
  const lies = valueCache(costs, model.dtype, expandedValues(s));
  const rotary = keys + ownKeys(s) - s.turning;
  return { keys, rotary, cache: { at: at.values, elements: s.values, ...lies } };
}

/** Values of the expanded form, as those of grouped queries. */
export function expandedValues(s: LatentCore['shape']) {
  return { slots: s.slots, keyDims: s.headsPerColumn * s.values, pairs: s.values / 2 };
}

/** The row that owns the new position keeps its keys, [head][element][slot], those that turn first, and its values. */
function append(core: CoreCode, layer: LatentCore, { keys, rotary, cache }: Held): void {
  const { shape: s, model, appendAt } = layer;
  if (appendAt < 0) return;
  const { at } = core;
  for (let head = 0; head < s.headsPerColumn; head++) {
    const first = at.keys + head * s.keyElements * s.slots + appendAt;
    const still = first + s.turning * s.slots;
    vector(core, 'move', model.dtype, s.turning, cell(first, s.slots), cell(rotary));
    vector(core, 'move', model.dtype, s.still, cell(still, s.slots), cell(keys + head * s.still));
  }
  if (s.form === 'expanded') appendValues(core, layer, cache, keys + s.headsPerColumn * s.still);
}
