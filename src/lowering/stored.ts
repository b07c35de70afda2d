/** Weights as the cores of a region store them, slice by slice. */
import { ROUND } from '../numeric/types.js';
import { scaleCount, scalesOf, type MatrixSlice } from '../mapping/matrices.js';
import type { Matrix } from '../model/model-weights.js';
import type { ModelSpec } from '../model/model.js';

/** What a norm multiplies by, rounded once: 1 + w is added up here, not on the core for each token. */
export function normWeight(model: ModelSpec, weight: number): number {
  return ROUND[model.dtype](model.normPlusOne ? 1 + weight : weight);
}

/** A core whose memory is being filled. */
export interface Image {
  image: Float32Array;
  at: Record<string, number>;
  model: ModelSpec;
}

/** What of its matrices a slice holds. */
export interface SliceSource {
  /** Inputs of each matrix. */
  width: number;
  /** Which of them each input of the slice is; -1 where padded. */
  inputs: readonly number[];
  /** The matrix of each output of the slice, and which output of it; -1 where padded. */
  outputs: readonly { of: Matrix; output: number }[];
}

/** Fills the slice of that number of those that lie one after the other; cells that are padded stay 0. */
export function fillSlice(
  { image, at, model }: Image,
  slice: MatrixSlice,
  { width, inputs, outputs }: SliceSource,
  number = 0,
): void {
  const first = at[slice.name] + number * slice.inputs * slice.outputs;
  const round = ROUND[model.dtype];
  const scales = scaleCount(slice);
  outputs.forEach(({ of, output }, j) => {
    if (output < 0) return;
    const { values, scale } = of;
    inputs.forEach((input, i) => {
      if (input < 0) return;
      const value = values[output * width + input];
      image[first + i * slice.outputs + j] = scales > 0 ? value : round(value * scale);
    });
  });
  if (scales === 0) return;
  const firstScale = at[scalesOf(slice)] + number * scales;
  scaledOutputs(slice).forEach((j, i) => (image[firstScale + i] = outputs[j].of.scale));
}

/** An output that each scale is for. */
function scaledOutputs({ parts, outputs }: MatrixSlice): number[] {
  if (parts === 'mixed') return Array.from({ length: outputs }, (_, j) => j);
  return parts.map((_, i) => parts.slice(0, i).reduce((sum, length) => sum + length, 0));
}

/** The model's dimensions of a row's slice; -1 beyond the last. */
export function dimsOf({ dim }: ModelSpec, dims: number, row: number): number[] {
  return consecutive(row * dims, dims, dim);
}

/** `length` numbers from `first` on; -1 in place of those from `end` on. */
export function consecutive(first: number, length: number, end: number): number[] {
  return Array.from({ length }, (_, i) => (first + i < end ? first + i : -1));
}

/** Calls back for each dimension of a row's slice that the model has: index in the slice, dimension. */
export function eachDim(
  model: ModelSpec,
  dims: number,
  row: number,
  visit: (d: number, dim: number) => void,
): void {
  for (let d = 0; d < dims && row * dims + d < model.dim; d++) visit(d, row * dims + d);
}
