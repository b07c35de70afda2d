/** Weights as the cores of a region store them, slice by slice. */
import { ROUND } from '../numeric/types.js';
import type { CostTable } from '../hardware/wafer.js';
import { buffersOf, namesBlocks, scaleCount, type MatrixSlice } from '../mapping/matrices.js';
import { streamSlice, type RowsOfStream } from '../mapping/stream.js';
import { scaleAt } from '../model/blocks.js';
import { isBlocked, type BlockFormat } from '../model/formats.js';
import type { Matrix } from '../model/model-weights.js';
import type { ModelSpec } from '../model/model.js';
import { formOf } from './product.js';

/** What a norm multiplies by, rounded once: 1 + w is added up here, not on the core for each token. */
export function normWeight(model: ModelSpec, weight: number): number {
  return ROUND[model.dtype](model.normPlusOne ? 1 + weight : weight);
}

/** A core whose memory is being filled. */
export interface Image {
  image: Float32Array;
  at: Record<string, number>;
  model: ModelSpec;
  costs: CostTable;
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
export function fillSlice(core: Image, slice: MatrixSlice, source: SliceSource, number = 0): void {
  const { image, at, model } = core;
  const { width, inputs, outputs } = source;
  const first = at[buffersOf(slice).weights] + number * slice.inputs * slice.outputs;
  const [byInput, byOutput] =
    formOf(core.costs, slice) === 'axpy' ? [slice.outputs, 1] : [1, slice.inputs];
  const round = ROUND[model.dtype];
  const scales = scaleCount(slice);
  outputs.forEach(({ of, output }, j) => {
    if (output < 0) return;
    const { values, scale } = of;
    inputs.forEach((input, i) => {
      if (input < 0) return;
      const value = values[output * width + input];
      image[first + i * byInput + j * byOutput] = scales > 0 ? value : round(value * scale);
    });
  });
  if (isBlocked(slice.format)) return fillBlocks(core, slice, slice.format, source, number);
  const firstScale = at[buffersOf(slice).scales] + number * scales;
  if (scales > 0)
    scaledOutputs(slice).forEach((j, i) => (image[firstScale + i] = outputs[j].of.scale));
}

/** The scales of the blocks that a slice is in, and the number of each input's and output's block among them. */
function fillBlocks(
  { image, at }: Image,
  slice: MatrixSlice,
  { block: [high, wide] }: BlockFormat,
  { inputs, outputs }: SliceSource,
  number: number,
): void {
  const names = buffersOf(slice);
  const named = namesBlocks(slice);
  const inputBlocks = numbered(inputs, slice.blocks.inputs, (input) => Math.floor(input / wide));
  const matrices = [...new Set(outputs.map(({ of }) => of))];
  const outputBlocks =
    high === 1
      ? outputs.map((_, j) => j)
      : numbered(outputs, slice.blocks.outputs, ({ of, output }) =>
          output < 0 ? -1 : Math.floor(output / high) * matrices.length + matrices.indexOf(of),
        );
  if (named.inputs) image.set(inputBlocks, at[names.inputBlocks]);
  if (named.outputs) image.set(outputBlocks, at[names.outputBlocks]);
  const first = at[names.scales] + number * scaleCount(slice);
  outputs.forEach(({ of, output }, j) => {
    if (output < 0) return;
    inputs.forEach((input, i) => {
      if (input < 0) return;
      const place = inputBlocks[i] * slice.blocks.outputs + outputBlocks[j];
      image[first + place] = scaleAt(of, output, input);
    });
  });
}

/** Numbers of blocks in the order in which elements are in them; 0 where padded (-1). */
function numbered<T>(elements: readonly T[], most: number, blockOf: (of: T) => number): number[] {
  const numbers = new Map<number, number>();
  return elements.map((element) => {
    const block = blockOf(element);
    if (block < 0) return 0;
    const known = numbers.get(block) ?? numbers.size;
    if (known >= most) throw new RangeError(`a slice is in more than ${most} blocks`);
    numbers.set(block, known);
    return known;
  });
}

/** An output that each scale is for. */
function scaledOutputs({ parts, outputs }: MatrixSlice): number[] {
  if (parts === 'mixed') return Array.from({ length: outputs }, (_, j) => j);
  if (parts === 'pairs') return [0, 1];
  return parts.map((_, i) => parts.slice(0, i).reduce((sum, length) => sum + length, 0));
}

/** The model's dimensions of a row's slice; -1 beyond the last. */
export function dimsOf(model: ModelSpec, shape: RowsOfStream, row: number): number[] {
  const { first, end } = streamSlice(model, shape, row);
  return consecutive(first, shape.dims, end);
}

/** `length` numbers from `first` on; -1 in place of those from `end` on. */
export function consecutive(first: number, length: number, end: number): number[] {
  return Array.from({ length }, (_, i) => (first + i < end ? first + i : -1));
}

/** Calls back for each dimension of a row's slice that the model has: index in the slice, dimension. */
export function eachDim(
  model: ModelSpec,
  shape: RowsOfStream,
  row: number,
  visit: (d: number, dim: number) => void,
): void {
  const { first, end } = streamSlice(model, shape, row);
  for (let d = 0; d < shape.dims && first + d < end; d++) visit(d, first + d);
}
