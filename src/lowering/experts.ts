/**
 * A mixture of experts (docs/machine-model.md, section 5b): every core multiplies its slice of each chosen
 * expert, or of each that its strip of columns has, which it finds by the number that the router left in
 * `choice`, one after the other into one vector. Sums over the column and over the row are those of one gated
 * MLP of all these units; columns that have none of the chosen add zeros to their row's.
 */
import { allReduce } from '../kernels/collectives.js';
import { sumsOf } from '../mapping/experts.js';
import { scalesSums, type MatrixSlice } from '../mapping/matrices.js';
import { ACT_FN } from '../mapping/shapes.js';
import { append, cell, fill, vector, type CoreCode } from '../program/builder.js';
import { gatedAct } from './act.js';
import { expertsInputAt, inputAt, layerLabel, type ExpertsCore } from './layer-core.js';
import type { LayerCore } from './layer-core.js';
import { product, startProduct, type Operands } from './product.js';
import { cheapest } from './special.js';

/** What a core can do before its token arrives. */
export function prepareExperts(core: CoreCode, layer: LayerCore, experts: ExpertsCore): void {
  const { at } = core;
  const { dtype } = layer.model;
  const { routed, sums } = unitsOf(layer, experts);
  // Biases are looked up where sums start, once it is known whose.
  const isLookedUp = experts.spec.bias && !scalesSums(layer.matrices.gateUp);
  const from = isLookedUp ? 2 * routed : 0;
  fill(core, dtype, at.gateUp + from, sums - from, 0);
}

/** Units that the core's column computes: of routed experts, and of all; and the words that it adds up for them. */
function unitsOf({ shape: { inner } }: LayerCore, { spec, shape, slots }: ExpertsCore) {
  const routed = inner * slots.length;
  const all = routed + shape.sharedInner + shape.parallelInner;
  return { routed, all, sums: all > 0 ? sumsOf(spec, all) : 0 };
}

/** From the normed slice and the choice to this column's part of what the experts add, in `mlpOut`. */
export function expertsMlp(core: CoreCode, layer: LayerCore, experts: ExpertsCore): void {
  const { model, costs, column } = layer;
  const { spec, slots } = experts;
  const { at } = core;
  const type = model.dtype;
  const { routed, all: length, sums } = unitsOf(layer, experts);
  core.label = layerLabel('experts down');
  // A column with nothing to compute waits for the row's sum.
  if (length === 0) return;
  core.label = layerLabel('experts gate up');
  if (slots.length > 0) findExperts(core, layer, experts);
  for (const i of slots.keys()) gateUp(core, layer, experts, i);
  if (spec.shared) sharedGateUp(core, layer, experts);
  const ofParallel = { x: inputAt(core, layer), out: at.gateUp + 2 * routed };
  if (spec.parallel) product(core, layer, layer.matrices.parallel!.gateUp, ofParallel);
  allReduce(core, column, 'add', type, at.gateUp, sums);
  core.label = layerLabel(ACT_FN[spec.act.fn]);
  const units = { gate: at.gateUp, up: at.gateUp + 1, stride: 2, out: at.activated };
  gatedAct(core, costs, spec.act, { type, length, ...units });
  core.label = layerLabel('experts down');
  for (const i of slots.keys()) down(core, layer, experts, i);
  if (spec.shared) sharedDown(core, layer, experts, routed);
  const own = { x: at.activated + routed, out: at.mlpOut };
  if (spec.parallel) addDown(core, layer, layer.matrices.parallel!.down, own);
}

/** The weight of a chosen expert, for any number of elements. */
function weightOf({ at }: CoreCode, { spec }: ExpertsCore, slot: number) {
  return cell(at.choice + spec.topK + slot, 0);
}

/** The cell with the number of a chosen expert, counted from the first one of the core's strip. */
function numberOf({ at }: CoreCode, { shape }: ExpertsCore, slot: number): number {
  return (shape.strips > 1 ? at.ownExperts : at.choice) + slot;
}

/**
 * The chosen experts counted from the first one of the strip, and from the first one whose biases lie on the row,
 * and on the column.
 */
function findExperts(core: CoreCode, { model }: LayerCore, { spec, shape }: ExpertsCore): void {
  const { at } = core;
  const from = (first: number, to: number) =>
    vector(core, 'sub', model.dtype, spec.topK, cell(to), cell(at.choice), cell(first, 0));
  if (shape.strips > 1) from(at.firstExpert, at.ownExperts);
  if (!spec.bias) return;
  for (const line of [0, 1]) from(at.firstBiases + line, at.biasOf + line * spec.topK);
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

/** @param i of the chosen experts that are the core's own */
function gateUp(core: CoreCode, layer: LayerCore, experts: ExpertsCore, i: number): void {
  const { model, shape, matrices } = layer;
  const { spec, slots } = experts;
  const { at } = core;
  const { outputs: length } = matrices.gateUp;
  const slot = slots[i];
  const out = at.gateUp + i * length;
  const isScaled = scalesSums(matrices.gateUp);
  if (spec.bias) {
    const table = { table: at.gateUpBias, rows: experts.shape.biasesOfRow, length };
    lookUpBias(core, layer, { ...table, id: at.biasOf + slot, to: isScaled ? at.ownBias : out });
  }
  let x = expertsInputAt(core, layer);
  if (spec.router.scalesInput) {
    const scaled = cell(at.scaledInput);
    vector(core, 'mul', model.dtype, shape.dims, scaled, cell(x), weightOf(core, experts, slot));
    x = at.scaledInput;
  }
  const bias = spec.bias ? at.ownBias : undefined;
  product(core, layer, matrices.gateUp, { x, out, bias, number: numberOf(core, experts, slot) });
}

function sharedGateUp(core: CoreCode, layer: LayerCore, experts: ExpertsCore): void {
  const { model, matrices, shape } = layer;
  const { at } = core;
  const { routed, sums } = unitsOf(layer, experts);
  const x = inputAt(core, layer);
  product(core, layer, matrices.shared!.gateUp, { x, out: at.gateUp + 2 * routed });
  if (!experts.spec.shared!.gate) return;
  const gate = cell(at.gateUp + sums - 1, 0);
  vector(core, 'fma', model.dtype, shape.dims, gate, cell(x), cell(at.sharedGate), gate);
}

/** @param i of the chosen experts that are the core's own */
function down(core: CoreCode, layer: LayerCore, experts: ExpertsCore, i: number): void {
  const { model, shape, matrices } = layer;
  const { spec, slots } = experts;
  const { at } = core;
  const { dtype: type } = model;
  const { dims, inner } = shape;
  const slot = slots[i];
  const weight = weightOf(core, experts, slot);
  const x = at.activated + i * inner;
  const number = numberOf(core, experts, slot);
  const out = sumAt(core, experts);
  if (!spec.router.scalesInput) vector(core, 'mul', type, inner, cell(x), cell(x), weight);
  addDown(core, layer, matrices.down, { x, out, number });
  if (!spec.bias) return;
  const id = at.biasOf + spec.topK + slot;
  const table = { table: at.downBias, rows: experts.shape.biasesOfColumn, length: dims };
  lookUpBias(core, layer, { ...table, id, to: at.ownBias });
  const [sum, bias] = [cell(out), cell(at.ownBias)];
  if (spec.router.scalesInput) vector(core, 'add', type, dims, sum, sum, bias);
  else vector(core, 'fma', type, dims, sum, bias, weight, sum);
}

function sharedDown(core: CoreCode, layer: LayerCore, experts: ExpertsCore, first: number): void {
  const { spec, shape } = experts;
  const { model, matrices, costs } = layer;
  const { at } = core;
  const { dtype: type } = model;
  const own = cell(at.activated + first);
  if (spec.shared!.gate) {
    const gate = at.gateUp + unitsOf(layer, experts).sums - 1;
    cheapest(core, costs, 'sigmoid', type, gate, 1);
    vector(core, 'mul', type, shape.sharedInner, own, own, cell(gate, 0));
  }
  addDown(core, layer, matrices.shared!.down, { x: own.at, out: at.mlpOut });
}

/** Where the chosen experts add up what they give: apart from a dense MLP next to them. */
function sumAt({ at }: CoreCode, { spec }: ExpertsCore): number {
  return spec.parallel ? at.expertsSum : at.mlpOut;
}

/** Adds a down projection to what others have added to `out`. */
function addDown(core: CoreCode, layer: LayerCore, slice: MatrixSlice, to: Operands): void {
  if (!scalesSums(slice)) return product(core, layer, slice, to);
  // A scale is not that of what the others have added.
  const { expertOut: out } = core.at;
  startProduct(core, slice, { out });
  product(core, layer, slice, { ...to, out });
  vector(core, 'add', slice.type, slice.outputs, cell(to.out), cell(to.out), cell(out));
}
