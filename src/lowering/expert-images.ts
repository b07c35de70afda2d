/** What the cores of a layer keep of its experts and their router, with zeros where padded. */
import { ROUND } from '../numeric/types.js';
import type { LayerMatrices, MlpMatrices } from '../mapping/matrices.js';
import { biasedAt, stripOf } from '../mapping/experts.js';
import type { LayerShape } from '../mapping/shapes.js';
import type { ExpertsSpec } from '../model/mlp-spec.js';
import type { DenseWeights, ExpertsWeights, Matrix } from '../model/model-weights.js';
import { rankedBy, type RouterPlaces } from './router-places.js';
import { consecutive, dimsOf, eachDim, fillSlice, type Image } from './stored.js';

/** A core whose memory is being filled. */
interface Filled extends Image {
  shape: LayerShape;
  matrices: LayerMatrices;
  row: number;
  column: number;
  /** Experts in the order in which they lie in the strips; by number, if not given. */
  expertOrder?: readonly number[] | undefined;
}

export function fillExperts(core: Filled, spec: ExpertsSpec, weights: ExpertsWeights): void {
  const { image, at, model, shape, matrices, row } = core;
  const { shared, sharedGate, parallel } = weights;
  fillStrip(core, spec, weights);
  if (shared) {
    const { inner } = spec.shared!;
    const { sharedInner: units } = shape.experts!;
    const of = { of: shared, inner, units, column: core.column, number: 0 };
    fillGated(core, matrices.shared!, of);
  }
  if (parallel) {
    const { inner } = spec.parallel!;
    const { parallelInner: units } = shape.experts!;
    const of = { of: parallel.mlp, inner, units, column: core.column, number: 0 };
    fillGated(core, matrices.parallel!, of);
  }
  if (sharedGate)
    eachDim(model, shape, row, (d, dim) => {
      image[at.sharedGate + d] = numberOf(core, sharedGate, dim);
    });
}

/** The experts of the column's strip; columns beyond the last strip have none. */
function fillStrip(core: Filled, spec: ExpertsSpec, { experts }: ExpertsWeights): void {
  const { image, at, shape, matrices } = core;
  const { strips, held } = shape.experts!;
  const { strip, column } = stripOf(shape.experts!, core.column);
  if (strip < 0) return;
  const first = strip * held;
  const { inner } = spec;
  const order = core.expertOrder ?? [...experts.keys()];
  const own = order.slice(first, first + held).map((expert) => experts[expert]);
  for (const [number, of] of own.entries())
    fillGated(core, matrices, { of, inner, units: shape.inner, column, number });
  if (strips > 1) image[at.firstExpert] = first;
  if (spec.bias) fillBiases(core, spec, own, { first, column });
}

/** An expert's units of the column, gate and up of each next to each other. */
function fillGated(
  core: Filled,
  slices: MlpMatrices,
  {
    of,
    inner,
    units: count,
    column,
    number,
  }: { of: DenseWeights; inner: number; units: number; column: number; number: number },
): void {
  const { model, shape, row } = core;
  const units = consecutive(column * count, count, inner);
  const dims = dimsOf(model, shape, row);
  const output = (matrix: Matrix) => (index: number) => ({ of: matrix, output: index });
  const [gate, up, down] = [output(of.gate), output(of.up), output(of.down)];
  const outputs = units.flatMap((unit) => [gate(unit), up(unit)]);
  fillSlice(core, slices.gateUp, { width: model.dim, inputs: dims, outputs }, number);
  const back = { width: inner, inputs: units, outputs: dims.map(down) };
  fillSlice(core, slices.down, back, number);
}

/**
 * Biases of a few experts of the strip on each row, and of others on each of its columns; the line adds zeros
 * elsewhere.
 */
function fillBiases(
  core: Filled,
  spec: ExpertsSpec,
  experts: DenseWeights[],
  strip: { first: number; column: number },
): void {
  const { image, at, model, shape, row } = core;
  const { column } = strip;
  const { biasesOfRow, biasesOfColumn } = shape.experts!;
  const round = ROUND[model.dtype];
  const { inner, dims } = shape;
  const units = consecutive(column * inner, inner, spec.inner);
  // Beyond the last expert there is nothing to look up.
  const first = [row * biasesOfRow, column * biasesOfColumn].map((of) =>
    Math.min(of, experts.length),
  );
  image.set(
    first.map((of) => strip.first + of),
    at.firstBiases,
  );
  for (const [i, { gateBias, upBias }] of experts.slice(first[0], first[0] + biasesOfRow).entries())
    units.forEach((unit, j) => {
      if (unit < 0) return;
      const to = at.gateUpBias + 2 * (i * inner + j);
      image.set([round(gateBias![unit]), round(upBias![unit])], to);
    });
  for (const [i, { downBias }] of experts.slice(first[1], first[1] + biasesOfColumn).entries())
    eachDim(model, shape, row, (d, dim) => {
      image[at.downBias + i * dims + d] = round(downBias![dim]);
    });
}

/** The experts that the core's column judges, and at the root of the rows those that its row ranks. */
export function fillRouter(
  core: Filled,
  spec: ExpertsSpec,
  weights: ExpertsWeights,
  places: RouterPlaces,
): void {
  const { image, at, model, shape, matrices, row, column } = core;
  const { router, routerBias, routerScale, perExpertScale } = weights;
  const { scores, entry } = shape.experts!;
  const station = places.at(column);
  if (station === undefined) return;
  const judged = consecutive(station.lot * scores, scores, spec.count);
  fillSlice(core, matrices.router!, {
    ...{ width: model.dim, inputs: dimsOf(model, shape, row) },
    outputs: judged.map((output) => ({ of: router, output })),
  });
  // A bias of logits is where their sum starts, one of the choice is added to what every row has.
  const biased = biasedAt(spec);
  if (routerBias && biased === 'column' && (spec.router.bias === 'choice' || row === 0))
    judged.forEach((expert, i) => {
      if (expert >= 0) image[at.routerBias + i] = routerBias[expert];
    });
  if (routerScale)
    eachDim(model, shape, row, (d, dim) => {
      image[at.routerNorm + d] = ROUND[model.dtype](routerScale[dim] / Math.sqrt(model.dim));
    });
  if (column !== places.root) return;
  if (routerBias && biased === 'root') image.set(routerBias, at.routerBias);
  const { expertOrder } = core;
  rankedBy(row, shape.rows, spec.count).forEach((expert, i) => {
    // The number by which the strips know it.
    image[at.candidates + i * entry] = expertOrder?.indexOf(expert) ?? expert;
    if (perExpertScale) image[at.candidates + i * entry + 2] = perExpertScale[expert];
    if (spec.router.bias === 'choice' && biased === 'column')
      image[at.candidateBias + i] = routerBias![expert];
  });
}

function numberOf({ model }: Filled, { values, scale }: Matrix, i: number): number {
  return ROUND[model.dtype](values[i] * scale);
}
