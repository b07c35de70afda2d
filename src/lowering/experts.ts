/**
 * A mixture of experts (docs/machine-model.md, section 5b): every core multiplies its slice of each chosen
 * expert, which it finds by the number that the router left in `choice`, one after the other into one vector.
 * Sums over the column and over the row are those of one gated MLP of all these units.
 */
import { allReduce } from '../kernels/collectives.js';
import { scalesSums, type MatrixSlice } from '../mapping/matrices.js';
import { ACT_FN } from '../mapping/shapes.js';
import { append, cell, fill, vector, type CoreCode } from '../program/builder.js';
import { gatedAct } from './act.js';
import { inputAt, layerLabel, type ExpertsCore, type LayerCore } from './layer-core.js';
import { product, startProduct } from './product.js';
import { cheapest } from './special.js';

/** What a core can do before its token arrives. */
export function prepareExperts(
  core: CoreCode,
  layer: LayerCore,
  { spec, shape }: ExpertsCore,
): void {
  const { at } = core;
  const { dtype } = layer.model;
  // Biases are looked up where sums start, once it is known whose.
  const own = 2 * layer.shape.inner * spec.topK;
  const isLookedUp = spec.bias && !scalesSums(layer.matrices.gateUp);
  const from = isLookedUp ? own : 0;
  fill(core, dtype, at.gateUp + from, shape.sums - from, 0);
}

/** From the normed slice and the choice to this column's part of what the experts add, in `mlpOut`. */
export function expertsMlp(core: CoreCode, layer: LayerCore, experts: ExpertsCore): void {
  const { model, costs, column, shape: layerShape } = layer;
  const { spec, shape } = experts;
  const { at } = core;
  const type = model.dtype;
  core.label = layerLabel('experts gate up');
  if (spec.bias) findBiases(core, layer, experts);
  for (let slot = 0; slot < spec.topK; slot++) gateUp(core, layer, experts, slot);
  if (spec.shared) sharedGateUp(core, layer, experts);
  allReduce(core, column, 'add', type, at.gateUp, shape.sums);
  core.label = layerLabel(ACT_FN[spec.act.fn]);
  const units = { gate: at.gateUp, up: at.gateUp + 1, stride: 2, out: at.activated };
  gatedAct(core, costs, spec.act, { type, length: shape.units, ...units });
  core.label = layerLabel('experts down');
  for (let slot = 0; slot < spec.topK; slot++) down(core, layer, experts, slot);
  if (spec.shared) sharedDown(core, layer, experts, spec.topK * layerShape.inner);
}

/** The weight of a chosen expert, for any number of elements. */
function weightOf({ at }: CoreCode, { spec }: ExpertsCore, slot: number) {
  return cell(at.choice + spec.topK + slot, 0);
}

/** The chosen experts counted from the first one whose biases lie on the row, and on the column. */
function findBiases(core: CoreCode, { model }: LayerCore, { spec }: ExpertsCore): void {
  const { at } = core;
  for (const line of [0, 1])
    vector(
      ...([core, 'sub', model.dtype, spec.topK] as const),
      ...[cell(at.biasOf + line * spec.topK), cell(at.choice), cell(at.firstBiases + line, 0)],
    );
}

/** The biases of a chosen expert if they lie on this row, or column; zeros if not. */
function lookUpBias(
  core: CoreCode,
  { model }: LayerCore,
  of: { table: number; rows: number; length: number; id: number; to: number },
): void {
  const { length } = of;
  append(core, {
    kind: 'lookup',
    type: model.dtype,
    rowStride: length,
    stride: 1,
    first: 0,
    ...of,
  });
}

function gateUp(core: CoreCode, layer: LayerCore, experts: ExpertsCore, slot: number): void {
  const { model, shape, matrices } = layer;
  const { spec } = experts;
  const { at } = core;
  const { outputs: length } = matrices.gateUp;
  const out = at.gateUp + slot * length;
  const isScaled = scalesSums(matrices.gateUp);
  if (spec.bias) {
    const table = { table: at.gateUpBias, rows: experts.shape.biasesOfRow, length };
    lookUpBias(core, layer, { ...table, id: at.biasOf + slot, to: isScaled ? at.ownBias : out });
  }
  let x = inputAt(core, layer);
  if (spec.router.scalesInput) {
    const scaled = cell(at.scaledInput);
    vector(core, 'mul', model.dtype, shape.dims, scaled, cell(x), weightOf(core, experts, slot));
    x = at.scaledInput;
  }
  const bias = spec.bias ? at.ownBias : undefined;
  product(core, layer, matrices.gateUp, { x, out, bias, number: at.choice + slot });
}

function sharedGateUp(core: CoreCode, layer: LayerCore, { spec, shape }: ExpertsCore): void {
  const { model, matrices, shape: layerShape } = layer;
  const { at } = core;
  const x = inputAt(core, layer);
  const out = at.gateUp + 2 * spec.topK * layerShape.inner;
  product(core, layer, matrices.shared!.gateUp, { x, out });
  if (!spec.shared!.gate) return;
  const gate = cell(at.gateUp + shape.sums - 1, 0);
  vector(core, 'fma', model.dtype, layerShape.dims, gate, cell(x), cell(at.sharedGate), gate);
}

function down(core: CoreCode, layer: LayerCore, experts: ExpertsCore, slot: number): void {
  const { model, shape, matrices } = layer;
  const { spec } = experts;
  const { at } = core;
  const { dtype: type } = model;
  const { dims, inner } = shape;
  const weight = weightOf(core, experts, slot);
  const x = at.activated + slot * inner;
  const number = at.choice + slot;
  if (!spec.router.scalesInput) vector(core, 'mul', type, inner, cell(x), cell(x), weight);
  addDown(core, layer, matrices.down, x, number);
  if (!spec.bias) return;
  const id = at.biasOf + spec.topK + slot;
  const table = { table: at.downBias, rows: experts.shape.biasesOfColumn, length: dims };
  lookUpBias(core, layer, { ...table, id, to: at.ownBias });
  const [sum, bias] = [cell(at.mlpOut), cell(at.ownBias)];
  if (spec.router.scalesInput) vector(core, 'add', type, dims, sum, sum, bias);
  else vector(core, 'fma', type, dims, sum, bias, weight, sum);
}

function sharedDown(
  core: CoreCode,
  layer: LayerCore,
  { spec, shape }: ExpertsCore,
  first: number,
): void {
  const { model, matrices, costs } = layer;
  const { at } = core;
  const { dtype: type } = model;
  const own = cell(at.activated + first);
  if (spec.shared!.gate) {
    const gate = at.gateUp + shape.sums - 1;
    cheapest(core, costs, 'sigmoid', type, gate, 1);
    vector(core, 'mul', type, shape.sharedInner, own, own, cell(gate, 0));
  }
  addDown(core, layer, matrices.shared!.down, own.at);
}

/**
 * Adds a down projection to what the other experts have added to `mlpOut`; `number` is the cell with the number
 * of one of several.
 */
function addDown(
  core: CoreCode,
  layer: LayerCore,
  slice: MatrixSlice,
  x: number,
  number?: number,
): void {
  const { mlpOut, expertOut } = core.at;
  if (!scalesSums(slice)) return product(core, layer, slice, { x, out: mlpOut, number });
  // A scale is not that of what the others have added.
  startProduct(core, slice, { out: expertOut });
  product(core, layer, slice, { x, out: expertOut, number });
  vector(core, 'add', slice.type, slice.outputs, cell(mlpOut), cell(mlpOut), cell(expertOut));
}
