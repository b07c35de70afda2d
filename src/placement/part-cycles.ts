/**
 * The closed estimate of a part's cycles in a token (see estimate.ts): what it receives, computes and adds up.
 */
import type { WidenedType } from '../numeric/formats.js';
import { elementsPerWavelet, type FloatType } from '../numeric/types.js';
import type { SpecialFn, WaferSpec } from '../hardware/wafer.js';
import { hasAttention, hasMlp, isOfLayer } from '../mapping/mapping.js';
import type { Cut, Held, PartKind, Reduction } from '../mapping/mapping.js';
import { MAPPINGS, type MappingName } from '../mapping/mappings.js';
import { layerMatrices, tableMatrix } from '../mapping/matrices.js';
import type { LayerMatrices, MatrixSlice, MlpMatrices } from '../mapping/matrices.js';
import { ACT_FN, layerShape, tableShape } from '../mapping/shapes.js';
import type { GqaShape, LayerShape } from '../mapping/shapes.js';
import type { LatentMatrices } from '../mapping/latent-matrices.js';
import type { LatentShape } from '../mapping/latent.js';
import { allDigits } from '../mapping/selection.js';
import type { DeltaShape } from '../mapping/delta.js';
import { meanLargestLoad, type ExpertsShape } from '../mapping/experts.js';
import type { GqaSpec } from '../model/attention-spec.js';
import { widenedType } from '../model/formats.js';
import { gqaOf, type LayerSpec } from '../model/model.js';

/**
 * What a part receives, computes and adds up.
 * @param narrow the same cut, or one of fewer columns: then never above the part's cycles on any number of columns
 * from those to these, as what cores have only falls with columns, and lines only become longer. Not of latent attention,
 * some vectors of which grow
 */
export function partCycles(
  wafer: WaferSpec,
  part: PartKind,
  mapping: MappingName,
  cut: Cut,
  narrow = cut,
): number {
  const { published, reductions, received } = MAPPINGS[mapping];
  const vectors = published === undefined ? 4 : 5;
  const { model, rows, columns } = cut;
  const added = (of: PartKind) => {
    const all = reductions(of, cut);
    const lines = narrow === cut ? all : reductions(of, narrow);
    return addedCycles(wafer, all, lines, vectors);
  };
  if (isOfLayer(part)) {
    const { words, type } = received(part, cut);
    const layer = model.kinds[part.layerKind];
    // Once for both: a search estimates many thousands of sizes.
    const shape = layerShape(model, layer, cut.positions, rows, columns, 1, part);
    const of = { layer, shape, matrices: layerMatrices(model, layer, shape) };
    const { experts } =
      narrow === cut
        ? shape
        : layerShape(model, layer, cut.positions, rows, narrow.columns, 1, part);
    return (
      (hasAttention(part.kind) ? attentionCycles(wafer, model.dtype, of, experts) : 0) +
      (hasMlp(part.kind) ? mlpCycles(wafer, model.dtype, of, part) : 0) +
      broadcastCycles(wafer, type, narrow.columns, words) +
      added(part)
    );
  }
  const { kind } = part;
  return (
    (kind === 'head' ? 0 : broadcastCycles(wafer, model.dtype, narrow.columns, model.dim / rows)) +
    (kind === 'embedding' ? 0 : headCycles(wafer, cut) + added({ kind: 'head' }))
  );
}

/** Vectors that are added up over as many cores as those of another cut are. */
function addedCycles(
  wafer: WaferSpec,
  added: readonly Reduction[],
  lines: readonly Reduction[],
  vectors: number,
): number {
  let sum = 0;
  for (let i = 0; i < added.length; i++)
    sum += allReduceCycles(wafer, added[i].type, lines[i].cores, added[i].words, vectors);
  return sum;
}

/** A layer, and how it is cut. */
interface CutLayer {
  layer: LayerSpec;
  shape: LayerShape;
  matrices: LayerMatrices;
}

/** The work of a layer's attention (machine-model section 5a), with a router of so many columns. */
function attentionCycles(
  wafer: WaferSpec,
  type: FloatType,
  { layer, shape: s, matrices }: CutLayer,
  experts: ExpertsShape | undefined,
): number {
  const { qkv, o, router, latent, join } = matrices;
  return (
    (join ? productCycles(wafer, join) : 0) +
    productCycles(wafer, qkv) +
    mixerCycles(wafer, type, layer, s, latent) +
    productCycles(wafer, o) +
    (experts && router ? routerCycles(wafer, layer, router, experts) : 0)
  );
}

function mixerCycles(
  wafer: WaferSpec,
  type: FloatType,
  layer: LayerSpec,
  s: LayerShape,
  latent: LatentMatrices | undefined,
): number {
  switch (s.kind) {
    case 'gqa':
      return gqaCycles(wafer, type, gqaOf(layer), s);
    case 'latent':
      return latentCycles(wafer, type, s, latent!);
    case 'delta':
      return deltaCycles(wafer, type, s);
  }
}

/** Products between the latent vectors and heads, scores, the softmax, and what the shares come to. */
function latentCycles(
  wafer: WaferSpec,
  type: FloatType,
  s: LatentShape,
  { queries, keyValues, absorb, values, indexer }: LatentMatrices,
): number {
  const own = indexer ? [indexer.queries, indexer.keys] : [];
  const products = [queries, ...(keyValues ? [keyValues] : []), ...absorb, ...values, ...own];
  const { heads = 0, elements = 0 } = s.indexer ?? {};
  const indexed = heads * matvecCycles(wafer, type, elements, s.positions, 'fma');
  const compared = matvecCycles(wafer, type, s.keyElements, s.positions, 'fma');
  const attended = matvecCycles(wafer, type, s.attended, s.positions, 'dot');
  return (
    products.reduce((sum, slice) => sum + productCycles(wafer, slice), 0) +
    s.queryHeads * (compared + attended) +
    indexed +
    selectionCycles(wafer, type, s) +
    specialCycles(wafer, type, 'exp', s.queryHeads * s.positions)
  );
}

/** Comparing a row's scores with what digits may lead to, and leaving out what is not chosen. */
function selectionCycles(
  wafer: WaferSpec,
  type: FloatType,
  { selection, positions, queryHeads }: LatentShape,
): number {
  if (selection === undefined) return 0;
  const { setup, elementsPerCycle, issue, scalar } = wafer.costs;
  const digits = selection.chooses ? allDigits(selection) : [];
  const numbers = digits.reduce((sum, { share }) => sum + share, 0);
  const compared = setup.f32 + issue.f32 + scalar.step + positions / elementsPerCycle.rank.f32;
  return numbers * compared + queryHeads * vectorCycles(wafer, type, positions);
}

/** Scores, the softmax, and what the shares come to. */
function gqaCycles(
  wafer: WaferSpec,
  type: FloatType,
  { scoreCap, gate }: GqaSpec,
  s: GqaShape,
): number {
  const scores = s.queryHeads * s.positions;
  return (
    2 * s.queryHeads * matvecCycles(wafer, type, 2 * s.pairs, s.positions, 'fma') +
    specialCycles(wafer, type, 'exp', scores) +
    (scoreCap === undefined ? 0 : specialCycles(wafer, type, 'tanh', scores)) +
    (gate ? specialCycles(wafer, type, 'sigmoid', s.queryDims) : 0)
  );
}

/** Both reads of the state, its decay and its update, the convolution's SiLU and the gate's. */
function deltaCycles(wafer: WaferSpec, type: FloatType, s: DeltaShape): number {
  const rows = s.rowElements * s.valueHeads;
  return (
    2 * matvecCycles(wafer, 'f32', rows, s.keyElements, 'dot') +
    2 * rows * vectorCycles(wafer, 'f32', s.keyElements) +
    specialCycles(wafer, type, 'silu', s.channels) +
    specialCycles(wafer, type, 'silu', s.valueElements * s.valueHeads)
  );
}

/** The work of a layer's MLP, or of the experts that are chosen: of strips that of the one with most, on average. */
function mlpCycles(
  wafer: WaferSpec,
  type: FloatType,
  { layer, shape: s, matrices }: CutLayer,
  held: Held,
): number {
  const { shared, parallel } = matrices;
  const gated = (of: MlpMatrices) =>
    productCycles(wafer, of.gateUp) + productCycles(wafer, of.down);
  const { mlp } = layer;
  const times = mlp.kind === 'experts' ? meanLargestLoad(mlp, held.strips ?? 1) : 1;
  const { sharedInner = 0, parallelInner = 0 } = s.experts ?? {};
  const units = times * s.inner + sharedInner + parallelInner;
  return (
    times * gated(matrices) +
    (shared ? gated(shared) : 0) +
    (parallel ? gated(parallel) : 0) +
    specialCycles(wafer, type, ACT_FN[mlp.act.fn], units)
  );
}

/** Scores, their gather, and the places of a row's experts among all. */
function routerCycles(
  wafer: WaferSpec,
  { mlp }: LayerSpec,
  router: MatrixSlice,
  { routerColumns, ranked }: ExpertsShape,
): number {
  if (mlp.kind === 'dense') return 0;
  const { costs, fabric } = wafer;
  const place = mlp.count / costs.elementsPerCycle.rank.f32 + 2 * costs.setup.f32;
  const hops = (routerColumns / 2) * (2 * fabric.rampCycles + fabric.hopCycles);
  return productCycles(wafer, router) + mlp.count + hops + ranked * place;
}

/** Product with the vocabulary's slices, and the largest of a column's logits. */
function headCycles(wafer: WaferSpec, { model, rows, columns }: Cut): number {
  const shape = tableShape(model, rows, columns);
  const { entries } = shape;
  const { dtype: type, logitCap } = model;
  return (
    productCycles(wafer, tableMatrix(model, shape)) +
    (logitCap === undefined ? 0 : specialCycles(wafer, type, 'tanh', entries)) +
    entries / wafer.costs.elementsPerCycle.max[type]
  );
}

/**
 * An all-reduce on a line of n cores as a two-level tree of about sqrt(n) groups: twice half a group
 * of stages up to the root, each core to ramp, operation, ramp to core and a hop; the links of the
 * path up and of the multicast back, n hops in all; and a set-up and a vector's wavelets for each chain
 * that ends at the middle of a group and at the root, and for the multicast. Of what streams on
 * (kernels/line.ts) one is less.
 */
function allReduceCycles(
  wafer: WaferSpec,
  type: FloatType,
  n: number,
  elements: number,
  vectors: number,
): number {
  if (n <= 1) return 0;
  const { fabric, costs } = wafer;
  const stage = 2 * fabric.rampCycles + fabric.hopCycles + costs.latency[type];
  const wavelets = Math.ceil(elements / elementsPerWavelet(type));
  return Math.sqrt(n) * stage + n * fabric.hopCycles + vectors * (wavelets + costs.setup[type]);
}

/** One core's elements to the whole of its row of n cores, by multicast. */
function broadcastCycles(wafer: WaferSpec, type: FloatType, n: number, elements: number): number {
  const { fabric, costs } = wafer;
  const wavelets = Math.ceil(elements / elementsPerWavelet(type));
  return 2 * fabric.rampCycles + n * fabric.hopCycles + wavelets + 2 * costs.setup[type];
}

/** A product of weights, by rows of inputs or of outputs, whichever is cheaper. */
function productCycles(wafer: WaferSpec, slice: MatrixSlice): number {
  const { inputs, outputs, format, type } = slice;
  const widened = widenedType(format);
  return Math.min(
    matvecCycles(wafer, type, inputs, outputs, 'fma', widened),
    matvecCycles(wafer, type, outputs, inputs, 'dot', widened),
  );
}

/** Row by row of the stored matrix, its elements streaming at the rate of multiply-adds or of dot products. */
function matvecCycles(
  wafer: WaferSpec,
  type: FloatType,
  rows: number,
  length: number,
  fn: 'fma' | 'dot',
  widened?: WidenedType,
): number {
  const { matvec, setup, elementsPerCycle } = wafer.costs;
  const group = matvec.granularity?.[type] ?? 1;
  const elements = Math.ceil(length / group) * group;
  const row =
    elements / elementsPerCycle[fn][type] +
    matvec.row[type] +
    (widened === undefined ? 0 : length / matvec.widenPerCycle[widened]);
  return setup[type] + matvec.call + rows * row;
}

/** The vector form of a special function: a few vector operations over all elements. */
function specialCycles(wafer: WaferSpec, type: FloatType, fn: SpecialFn, elements: number): number {
  return wafer.costs.vectorForm[fn] * vectorCycles(wafer, type, elements);
}

function vectorCycles(wafer: WaferSpec, type: FloatType, elements: number): number {
  const { setup, issue, elementsPerCycle } = wafer.costs;
  return setup[type] + issue[type] + elements / elementsPerCycle.fma[type];
}
