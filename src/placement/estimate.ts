/**
 * A closed estimate of a token's cycles on regions of given sizes, from the hardware's cost table. It
 * ranks sizes before anything is simulated and is never reported as a result: contention, waiting and
 * the overlap of neighbouring regions are left out, so only differences between sizes mean anything.
 */
import { elementsPerWavelet, type FloatType } from '../numeric/types.js';
import type { WaferSpec } from '../hardware/wafer.js';
import type { ModelSpec } from '../model/model.js';
import type { Sizes } from './parts.js';
import { layerShape, tableShape } from './shapes.js';

/** Estimated cycles of one token of one user, its context being `maxPositions` tokens long. */
export function tokenCycles(
  model: ModelSpec,
  wafer: WaferSpec,
  maxPositions: number,
  sizes: Sizes,
): number {
  const layer = layerCycles(model, wafer, maxPositions, sizes.rows, sizes.columns.layer!);
  const head = sizes.columns.head ?? sizes.columns['embedding+head']!;
  const embedding = sizes.columns.embedding ?? head;
  return (
    broadcastCycles(wafer, model.dtype, embedding, model.dim / sizes.rows) +
    model.layers * layer +
    headCycles(model, wafer, sizes.rows, head)
  );
}

/** One layer (machine-model section 5a) and the hand-off of its result to the next one. */
function layerCycles(
  model: ModelSpec,
  wafer: WaferSpec,
  maxPositions: number,
  rows: number,
  columns: number,
): number {
  const type = model.dtype;
  const s = layerShape(model, maxPositions, rows, columns);
  const widen = model.weightBits === 8;
  const matvec = (inputs: number, outputs: number, widened = widen) =>
    matvecCycles(wafer, type, inputs, outputs, widened);
  const alongY = (elements: number, as: FloatType = type) =>
    allReduceCycles(wafer, as, rows, elements);
  const alongX = (elements: number, cores = columns) =>
    allReduceCycles(wafer, type, cores, elements);
  const headDims = 2 * s.pairs;
  const local =
    matvec(s.dims, s.queryDims + 2 * s.keyDims) +
    2 * s.queryHeads * matvec(headDims, s.positions, false) +
    matvec(s.queryDims, s.dims) +
    matvec(s.dims, 2 * s.inner) +
    matvec(s.inner, s.dims) +
    specialCycles(wafer, type, 'exp', s.queryHeads * s.positions) +
    specialCycles(wafer, type, 'silu', s.inner);
  const reduced =
    2 * alongY(1, 'f32') +
    alongY(s.queryDims + 2 * s.keyDims) +
    (model.qkNorm ? alongX(s.queryHeads + s.headsPerColumn, s.groupWidth) : 0) +
    alongX(s.queryHeads * s.positions, s.groupWidth) +
    2 * alongY(s.queryHeads, 'f32') +
    alongY(s.queryDims) +
    alongX(s.dims) +
    alongY(2 * s.inner) +
    alongX(s.dims);
  return local + reduced + broadcastCycles(wafer, type, columns, s.dims);
}

/** Norm, product with the vocabulary's slices, sums along Y, and the largest logit along X. */
function headCycles(model: ModelSpec, wafer: WaferSpec, rows: number, columns: number): number {
  const s = tableShape(model, rows, columns);
  return (
    allReduceCycles(wafer, 'f32', rows, 1) +
    matvecCycles(wafer, model.dtype, s.dims, s.entries, model.weightBits === 8) +
    allReduceCycles(wafer, model.dtype, rows, s.entries) +
    s.entries / wafer.costs.elementsPerCycle.max[model.dtype] +
    2 * allReduceCycles(wafer, 'f32', columns, 1)
  );
}

/**
 * An all-reduce on a line of n cores as a two-level tree of about sqrt(n) groups: twice half a group
 * of stages up to the root, each core to ramp, operation, ramp to core and a hop; the links passed on
 * the way up and by the multicast back, n hops in all; and at the middle of a group and at the root
 * two chains' wavelets one after the other, then the multicast's.
 */
function allReduceCycles(wafer: WaferSpec, type: FloatType, n: number, elements: number): number {
  if (n <= 1) return 0;
  const { fabric, costs } = wafer;
  const stage = 2 * fabric.rampCycles + fabric.hopCycles + costs.latency[type];
  const wavelets = Math.ceil(elements / elementsPerWavelet(type));
  return Math.sqrt(n) * stage + n * fabric.hopCycles + 5 * wavelets + 5 * costs.setup[type];
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
  const perElement = 1 / elementsPerCycle.fma[type] + (widen ? 1 / matvec.widenPerCycle : 0);
  return setup[type] + matvec.call + inputs * (outputs * perElement + matvec.row[type]);
}

/** The vector form of a special function: a few vector operations over all elements. */
function specialCycles(
  wafer: WaferSpec,
  type: FloatType,
  fn: 'exp' | 'silu',
  elements: number,
): number {
  const { vectorForm, setup, issue, elementsPerCycle } = wafer.costs;
  return vectorForm[fn] * (setup[type] + issue[type] + elements / elementsPerCycle.fma[type]);
}
