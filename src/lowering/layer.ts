/**
 * One decoder layer of one token on one core, or its attention or its MLP alone: from the slice of the residual
 * stream that the hand-off brought (`x`, for an MLP with what a norm made of it) to the slice for the next
 * region, held by every column of the row.
 */
import { allReduce, type LinePlace } from '../kernels/collectives.js';
import { cell, fill, vector, type CoreCode } from '../program/builder.js';
import { gatedAct } from './act.js';
import { attend, prepareAttention } from './attention.js';
import { deltaNet, prepareDelta, restoreInputs } from './delta.js';
import { attendLatent, joinLatent, prepareLatent, startLatent } from './latent.js';
import { expertsMlp, prepareExperts } from './experts.js';
import { join, prepareJoin } from './join.js';
import { joinWholeNorm } from './heads.js';
import { inputAt, layerLabel, onceForColumn, onceForRow, squareAt } from './layer-core.js';
import type { LayerCore } from './layer-core.js';
import type { DenseSpec } from '../model/mlp-spec.js';
import { rmsNorm } from './norm.js';
import { restoreAngles } from './rollback.js';
import { bringsCount } from './in-flight.js';
import { chooseExperts, prepareRouter } from './router.js';
import { product, startProduct } from './product.js';
import { hasAttention, hasMlp } from '../mapping/mapping.js';
import { hasParallel, normsStream, normsWhole, squaresIn } from '../mapping/norms.js';
import { ACT_FN } from '../mapping/shapes.js';
import type { NormName, Squared } from '../mapping/norms.js';

/** Appends what a core can do before its token arrives; nothing here waits for the fabric. */
export function prepareLayer(core: CoreCode, layer: LayerCore): void {
  // Experts are chosen by some columns, and not all columns have all of them.
  if (layer.mlp.kind === 'experts') prepareParts(core, layer);
  else onceForRow(core, layer, 'prepare', () => prepareParts(core, layer));
}

function prepareParts(core: CoreCode, layer: LayerCore): void {
  const { spec, part } = layer;
  core.label = layerLabel('position');
  const squares = squaresIn(spec, part).length;
  if (squares > 0) fill(core, 'f32', core.at.square, squares, 0);
  if (hasAttention(part) && spec.joins) prepareJoin(core, layer);
  if (hasAttention(part)) startAttention(core, layer);
  if (hasMlp(part)) startMlp(core, layer);
  if (normsWhole(spec) && hasAttention(part)) fill(core, 'f32', core.at.headScale, 2, 0);
  if (layer.mixer === 'latent' && hasAttention(part)) startLatent(core, layer);
  if (layer.group) prepareMixer(core, layer);
}

function prepareMixer(core: CoreCode, layer: LayerCore): void {
  switch (layer.mixer) {
    case 'gqa':
      return prepareAttention(core, layer);
    case 'latent':
      return prepareLatent(core, layer);
    case 'delta':
      return prepareDelta(core, layer);
  }
}

function startAttention(core: CoreCode, { matrices, mlp }: LayerCore): void {
  const { attentionOut: out, oBias: bias } = core.at;
  startProduct(core, matrices.o, { out, bias });
  if (mlp.kind === 'experts') prepareRouter(core, matrices, mlp);
}

function startMlp(core: CoreCode, layer: LayerCore): void {
  const { at } = core;
  const { model, matrices, mlp } = layer;
  if (mlp.kind === 'experts') {
    fill(core, model.dtype, at.mlpOut, sumsOfRow(layer), 0);
    prepareExperts(core, layer, mlp);
    return;
  }
  const { down, gateUp } = matrices;
  startProduct(core, down, { out: at.mlpOut, bias: at.downBias });
  startProduct(core, gateUp, { out: at.gateUp, bias: at.gateUpBias });
}

export function decoderLayer(core: CoreCode, layer: LayerCore): void {
  if (hasAttention(layer.part)) attentionBlock(core, layer);
  if (hasMlp(layer.part)) mlpBlock(core, layer);
}

/** Attention, the residual, the norms of what the MLP multiplies, and the choice of experts. */
function attentionBlock(core: CoreCode, layer: LayerCore): void {
  const { group, spec } = layer;
  const { x, normed, attentionOut } = core.at;
  if (group && bringsCount(layer.inFlight)) rollBack(core, layer);
  if (spec.joins) join(core, layer);
  core.label = layerLabel('attention norm');
  if (spec.norms !== 'post')
    onceForRow(core, layer, 'attention norm', () =>
      normalise(core, layer, 'input', [x], [{ norm: 'attentionNorm', x, normed }]),
    );
  mix(core, layer, group);
  core.label = layerLabel('attention out');
  onceForColumn(core, layer, 'attention out', () =>
    sumOverRow(core, layer, attentionOut, layer.shape.dims),
  );
  onceForRow(core, layer, 'after attention', () => afterAttention(core, layer));
  if (layer.mlp.kind === 'experts') chooseExperts(core, layer, layer.mlp);
}

/** The residual, and the norms of what the MLP multiplies. */
function afterAttention(core: CoreCode, layer: LayerCore): void {
  const { spec } = layer;
  const { at } = core;
  const { attentionOut, x, normed } = at;
  const [before, after] = [spec.norms !== 'post', spec.norms !== 'pre'];
  if (after) {
    core.label = layerLabel('attention out norm');
    const norm = inPlace('attentionOutNorm', attentionOut);
    normalise(core, layer, 'attentionOut', [attentionOut], [norm]);
  }
  addToStream(core, layer, attentionOut);
  core.label = layerLabel('mlp norm');
  if (normsStream(spec))
    normalise(
      core,
      layer,
      'stream',
      [x],
      [
        ...(before ? [{ norm: 'mlpNorm', x, normed } as const] : []),
        ...(hasParallel(spec)
          ? [{ norm: 'expertsNorm', x, normed: at.expertsInput } as const]
          : []),
      ],
    );
}

/** The first token of a round: its cores go back to the last accepted one of the round before. */
function rollBack(core: CoreCode, layer: LayerCore): void {
  core.label = layerLabel('rollback');
  switch (layer.mixer) {
    case 'gqa':
      if (layer.attention.rope) restoreAngles(core, layer);
      return;
    case 'latent':
      return restoreAngles(core, layer);
    case 'delta':
      return restoreInputs(core, layer);
  }
}

/** What a layer does with a token's earlier ones; a column without attention adds the zeros it prepared. */
function mix(core: CoreCode, layer: LayerCore, group: LinePlace | undefined): void {
  switch (layer.mixer) {
    case 'gqa':
      return group ? attend(core, layer, group) : joinWholeNorm(core, layer);
    case 'latent':
      return group ? attendLatent(core, layer, group) : joinLatent(core, layer);
    case 'delta':
      return group && deltaNet(core, layer, group);
  }
}

/** The MLP, from the normed slice on, and the residual. */
function mlpBlock(core: CoreCode, layer: LayerCore): void {
  const { mlp: of } = layer;
  const { mlpOut } = core.at;
  if (of.kind === 'dense') onceForRow(core, layer, 'mlp', () => mlp(core, layer, of));
  else expertsMlp(core, layer, of);
  // The sum counts for the operator before it, and so does the residual.
  const { label } = core;
  onceForColumn(core, layer, `mlp out ${label}`, () =>
    sumOverRow(core, layer, mlpOut, sumsOfRow(layer)),
  );
  onceForRow(core, layer, `after mlp ${label}`, () => afterMlp(core, layer));
}

/** Norms of what the MLP gives, and the residual. */
function afterMlp(core: CoreCode, layer: LayerCore): void {
  const { spec } = layer;
  const { mlpOut, expertsSum } = core.at;
  if (hasParallel(spec) || spec.norms !== 'pre') core.label = layerLabel('mlp out norm');
  if (hasParallel(spec)) {
    normalise(
      core,
      layer,
      'parallelOut',
      [mlpOut, expertsSum],
      [inPlace('parallelOutNorm', mlpOut), inPlace('expertsOutNorm', expertsSum)],
    );
    addTo(core, layer, mlpOut, expertsSum);
  }
  if (spec.norms !== 'pre')
    normalise(core, layer, 'mlpOut', [mlpOut], [inPlace('mlpOutNorm', mlpOut)]);
  addToStream(core, layer, mlpOut);
  if (spec.scaled) {
    core.label = layerLabel('layer scale');
    scaleStream(core, layer);
  }
}

/** A norm, the vector that it is of, and where its result goes. */
interface Normed {
  norm: NormName;
  x: number;
  normed: number;
}

function inPlace(norm: NormName, x: number): Normed {
  return { norm, x, normed: x };
}

/** Norms of some vectors, whose squares are added up from that of the first on. */
function normalise(
  core: CoreCode,
  layer: LayerCore,
  first: Squared,
  vectors: readonly number[],
  results: readonly Normed[],
): void {
  const { model, shape, column, costs } = layer;
  const { dtype: type, dim, normEpsilon: epsilon } = model;
  const square = squareAt(core, layer, first);
  rmsNorm(
    ...([core, costs, column] as const),
    { type, length: shape.dims, dim, epsilon, of: vectors, square },
    results.map(({ norm, ...of }) => ({ ...of, weight: core.at[norm] })),
  );
}

/** Words that a row adds up of its MLP. */
function sumsOfRow({ spec, shape: { dims } }: LayerCore): number {
  return hasParallel(spec) ? 2 * dims : dims;
}

/** The sum over the row of each core's part. */
function sumOverRow(core: CoreCode, { model, row }: LayerCore, part: number, words: number): void {
  allReduce(core, row, 'add', model.dtype, part, words);
}

/** The residual. */
function addToStream(core: CoreCode, layer: LayerCore, part: number): void {
  addTo(core, layer, core.at.x, part);
}

function addTo(core: CoreCode, { model, shape }: LayerCore, sum: number, part: number): void {
  vector(core, 'add', model.dtype, shape.dims, cell(sum), cell(sum), cell(part));
}

/** What the layer gives, times its own number. */
function scaleStream(core: CoreCode, { model, shape }: LayerCore): void {
  const x = cell(core.at.x);
  vector(core, 'mul', model.dtype, shape.dims, x, x, cell(core.at.scalar, 0));
}

/**
 * The gated MLP: gate and up reduced along y as one vector, act(gate) * up on the columns'
 * slices, and this column's part of the down projection, which the row adds up.
 */
function mlp(core: CoreCode, layer: LayerCore, { act }: DenseSpec): void {
  const { model, shape, column, matrices } = layer;
  const { at } = core;
  const type = model.dtype;
  const n = shape.inner;
  const x = inputAt(core, layer);
  core.label = layerLabel('gate up');
  product(core, layer, matrices.gateUp, { x, out: at.gateUp, bias: at.gateUpBias });
  allReduce(core, column, 'add', type, at.gateUp, 2 * n);
  core.label = layerLabel(ACT_FN[act.fn]);
  const units = { gate: at.gateUp, up: at.gateUp + n, out: at.activated };
  gatedAct(core, layer.costs, act, { type, length: n, ...units });
  core.label = layerLabel('down');
  product(core, layer, matrices.down, { x: at.activated, out: at.mlpOut, bias: at.downBias });
}
