/**
 * A closed estimate of a token's cycles on regions of given sizes, from the hardware's cost table. It
 * ranks sizes before anything is simulated and is never reported as a result: contention, waiting and
 * the overlap of neighbouring regions are left out, so only differences between sizes mean anything.
 */
import { elementsPerWavelet, type FloatType } from '../numeric/types.js';
import type { WaferSpec } from '../hardware/wafer.js';
import type { Cut, PartKind } from '../mapping/mapping.js';
import { MAPPINGS } from '../mapping/mappings.js';
import { layerShape, tableShape, type LayerShape } from '../mapping/shapes.js';
import type { SpecialFn } from '../hardware/wafer.js';
import { ACT_FN } from '../mapping/shapes.js';
import { gqaOf, type LayerSpec, type ModelSpec } from '../model/model.js';
import { cutOf, type Kept } from './budget.js';
import type { Sizes } from './placement.js';

/** Estimated cycles of one token of one user, its context being `asked.maxPositions` tokens long. */
export function tokenCycles(model: ModelSpec, wafer: WaferSpec, asked: Kept, sizes: Sizes): number {
  const cut = (columns: number) => cutOf(model, asked, sizes.rows, columns);
  const { published, reductions } = MAPPINGS[asked.mapping];
  const vectors = published === undefined ? 4 : 5;
  const added = (part: PartKind, of: Cut) =>
    reductions(part, of).reduce(
      (sum, r) => sum + allReduceCycles(wafer, r.type, r.cores, r.words, vectors),
      0,
    );
  const head = sizes.columns.head ?? sizes.columns['embedding+head']!;
  const embedding = sizes.columns.embedding ?? head;
  const layers = model.kinds.map((layer, layerKind) => {
    const of = cut(sizes.kinds[layerKind]);
    const once = layerCycles(wafer, layer, of) + added({ kind: 'layer', layerKind }, of);
    return once * model.layers.filter((kind) => kind === layerKind).length;
  });
  return (
    broadcastCycles(wafer, model.dtype, embedding, model.dim / sizes.rows) +
    layers.reduce((sum, cycles) => sum + cycles, 0) +
    headCycles(wafer, cut(head)) +
    added({ kind: 'head' }, cut(head))
  );
}

/** The work of one layer (machine-model section 5a), and the hand-off of its result to the next one. */
function layerCycles(
  wafer: WaferSpec,
  layer: LayerSpec,
  { model, rows, columns, positions }: Cut,
): number {
  const type = model.dtype;
  const s = layerShape(model, layer, positions, rows, columns);
  const widen = model.weightBits === 8;
  const matvec = (inputs: number, outputs: number, widened = widen) =>
    matvecCycles(wafer, type, inputs, outputs, widened);
  const headDims = 2 * s.pairs;
  const scores = s.queryHeads * s.positions;
  const { scoreCap } = gqaOf(layer);
  return (
    matvec(s.dims, s.queryDims + 2 * s.keyDims) +
    2 * s.queryHeads * matvec(headDims, s.positions, false) +
    matvec(s.queryDims, s.dims) +
    mlpCycles(wafer, layer, s, matvec) +
    specialCycles(wafer, type, 'exp', scores) +
    (scoreCap === undefined ? 0 : specialCycles(wafer, type, 'tanh', scores)) +
    specialCycles(wafer, type, ACT_FN[layer.mlp.act.fn], s.experts?.units ?? s.inner) +
    broadcastCycles(wafer, type, columns, s.dims)
  );
}

/** Products of the MLP, or of the router and the experts that are chosen, and where they are found. */
function mlpCycles(
  wafer: WaferSpec,
  { mlp }: LayerSpec,
  { dims, inner, experts }: LayerShape,
  matvec: (inputs: number, outputs: number) => number,
): number {
  const gated = (units: number) => matvec(dims, 2 * units) + matvec(units, dims);
  if (mlp.kind === 'dense' || experts === undefined) return gated(inner);
  const { setup, elementsPerCycle } = wafer.costs;
  const { scores, sharedInner, ranked, routerColumns } = experts;
  const place = mlp.count / elementsPerCycle.rank.f32 + 2 * setup.f32;
  return (
    mlp.topK * gated(inner) +
    (sharedInner > 0 ? gated(sharedInner) : 0) +
    matvecCycles(wafer, 'f32', dims, scores, false) +
    mlp.count +
    (routerColumns / 2) * (2 * wafer.fabric.rampCycles + wafer.fabric.hopCycles) +
    ranked * place
  );
}

/** Product with the vocabulary's slices, and the largest of a column's logits. */
function headCycles(wafer: WaferSpec, { model, rows, columns }: Cut): number {
  const { dims, entries } = tableShape(model, rows, columns);
  const { dtype: type, logitCap } = model;
  return (
    matvecCycles(wafer, type, dims, entries, model.weightBits === 8) +
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

/** One row of the stored matrix per input, its elements streaming at the rate of multiply-adds. */
function matvecCycles(
  wafer: WaferSpec,
  type: FloatType,
  inputs: number,
  outputs: number,
  widen: boolean,
): number {
  const { matvec, setup, elementsPerCycle } = wafer.costs;
  const group = matvec.granularity?.[type] ?? 1;
  const elements = Math.ceil(outputs / group) * group;
  const row =
    elements / elementsPerCycle.fma[type] +
    matvec.row[type] +
    (widen ? outputs / matvec.widenPerCycle : 0);
  return setup[type] + matvec.call + inputs * row;
}

/** The vector form of a special function: a few vector operations over all elements. */
function specialCycles(wafer: WaferSpec, type: FloatType, fn: SpecialFn, elements: number): number {
  const { vectorForm, setup, issue, elementsPerCycle } = wafer.costs;
  return vectorForm[fn] * (setup[type] + issue[type] + elements / elementsPerCycle.fma[type]);
}
