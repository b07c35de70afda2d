/** Matrices that are stored as codes with a scale for each block. */
import { E2M1, QUANTISE } from '../numeric/formats.js';
import { ModelError } from './errors.js';
import { MXFP4, type BlockFormat } from './formats.js';
import type { Matrix, Vector } from './model-weights.js';

/**
 * A matrix in a format of blocks: each block's scale is that by which its largest number just fits.
 * @param width inputs of the matrix
 * @throws ModelError if a number is too large for the format's scales
 */
export function quantiseBlocks(values: Vector, width: number, format: BlockFormat): Matrix {
  const { scale: scaleOf, code } = QUANTISE[format.type];
  const [rows, columns] = format.block;
  const outputs = values.length / width;
  const across = Math.ceil(width / columns);
  const scales = new Float64Array(across * Math.ceil(outputs / rows));
  const blockOf = (output: number, input: number) =>
    Math.floor(output / rows) * across + Math.floor(input / columns);
  for (let output = 0; output < outputs; output++)
    for (let input = 0; input < width; input++) {
      const block = blockOf(output, input);
      scales[block] = Math.max(scales[block], Math.abs(values[output * width + input]));
    }
  for (let block = 0; block < scales.length; block++) {
    const scale = scaleOf(scales[block]);
    if (!Number.isFinite(scale))
      throw new ModelError(
        `model.bits: expected weights that ${format.type} can scale, found ${scales[block]}`,
        'model.bits',
      );
    scales[block] = scale;
  }
  for (let output = 0; output < outputs; output++)
    for (let input = 0; input < width; input++) {
      const i = output * width + input;
      values[i] = code(values[i] / scales[blockOf(output, input)]);
    }
  return { values, scale: 1, blocks: { format, width, scales } };
}

const EXPONENT_BIAS = 127;
/** The scale that stands for no number (E8M0). */
const NO_SCALE = 255;

/**
 * A matrix of MXFP4 by its bits.
 * @param bytes two numbers of E2M1 each, the earlier one in the lower half
 * @param exponents of each block of 32, times 2 ^ (s - 127); 255 is no number
 * @param width inputs of the matrix
 */
export function mxfp4Of(
  bytes: ArrayLike<number>,
  exponents: ArrayLike<number>,
  width: number,
): Matrix {
  const values = new Float32Array(2 * bytes.length);
  for (let i = 0; i < bytes.length; i++) {
    values[2 * i] = E2M1[bytes[i] & 15];
    values[2 * i + 1] = E2M1[bytes[i] >> 4];
  }
  const scales = Float64Array.from(exponents, (exponent) =>
    exponent === NO_SCALE ? NaN : 2 ** (exponent - EXPONENT_BIAS),
  );
  return { values, scale: 1, blocks: { format: MXFP4, width, scales } };
}

/** What each number of an output is multiplied by: input by input. */
export function scaleAt({ scale, blocks }: Matrix, output: number, input: number): number {
  if (blocks === undefined) return scale;
  const { format, width, scales } = blocks;
  const [rows, columns] = format.block;
  const first = Math.floor(output / rows) * Math.ceil(width / columns);
  return scales[first + Math.floor(input / columns)];
}

/**
 * The same codes in blocks of fewer outputs, each with the scale of the block that it is a part of.
 * @param outputs a divisor of those of the matrix's blocks
 */
export function inBlocksOf(outputs: number, matrix: Matrix): Matrix {
  const { values, blocks } = matrix;
  if (blocks === undefined || blocks.format.block[0] === outputs) return matrix;
  const { format, width, scales } = blocks;
  const [rows, columns] = format.block;
  const across = Math.ceil(width / columns);
  const down = Math.ceil(values.length / width / outputs);
  const finer = Float64Array.from({ length: down * across }, (_, i) => {
    const above = Math.floor((Math.floor(i / across) * outputs) / rows);
    return scales[above * across + (i % across)];
  });
  const block = [outputs, columns] as const;
  return { ...matrix, blocks: { format: { ...format, block }, width, scales: finer } };
}

/** The same matrix without blocks, exactly: in doubles where 32-bit floats have too few bits. */
export function unblocked(matrix: Matrix): Matrix {
  const { values, blocks } = matrix;
  if (blocks === undefined) return matrix;
  const { width } = blocks;
  const exact = Float64Array.from(
    values,
    (value, i) => value * scaleAt(matrix, Math.floor(i / width), i % width),
  );
  return { values: narrow(exact), scale: 1 };
}

/** The same numbers in 32-bit floats, if those have all their bits. */
function narrow(values: Float64Array): Vector {
  const narrowed = Float32Array.from(values);
  return narrowed.every((value, i) => Object.is(value, values[i])) ? narrowed : values;
}
