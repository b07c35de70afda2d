/**
 * Numbers that are stored in blocks with a scale for each: FP8 as DeepSeek-V3 publishes it (`*_scale_inv`,
 * arXiv 2412.19437, section 3.3), and the OCP microscaling format MXFP4 as gpt-oss does (`*_blocks`,
 * `*_scales`).
 */
import { ModelError, show } from '../model/errors.js';
import { mxfp4Of } from '../model/blocks.js';
import { MXFP4 } from '../model/formats.js';
import type { Matrix } from '../model/model-weights.js';
import { shapeText } from './header.js';

/** A matrix, or matrices one after another, row-major. */
export interface Numbers {
  values: Float32Array | Float64Array;
  shape: readonly number[];
}

/**
 * A matrix of FP8 codes with the scales of its blocks.
 * @param block its rows and columns; the last ones of a matrix may be smaller
 * @throws ModelError if there is not one scale for each block
 */
export function fp8Matrix(
  { values, shape }: Numbers,
  scales: Numbers,
  block: readonly [number, number],
  name: string,
): Matrix {
  const [rows, columns] = shape;
  const expected = [Math.ceil(rows / block[0]), Math.ceil(columns / block[1])];
  if (shape.length !== 2 || shapeText(scales.shape) !== shapeText(expected))
    throw new ModelError(
      `${show(name)}: expected scales ${shapeText(expected)} for blocks ${shapeText(block)} of ` +
        `${shapeText(shape)}, found ${shapeText(scales.shape)}`,
    );
  const format = { type: 'fp8', block } as const;
  return { values, scale: 1, blocks: { format, width: columns, scales: scales.values } };
}

/** Numbers of a block; of two in a byte the earlier one is in the lower half. */
export const [, MXFP4_BLOCK] = MXFP4.block;
const BLOCK_BYTES = MXFP4_BLOCK / 2;

/**
 * MXFP4: blocks of 32 numbers along the last dimension; matrices one after another are one matrix.
 * @param blocks bytes [..., blocks, 16]
 * @param scales exponents [..., blocks]: times 2 ^ (s - 127)
 * @throws ModelError if the shapes do not fit
 */
export function mxfp4Matrix(blocks: Numbers, scales: Numbers, name: string): Matrix {
  const outer = blocks.shape.slice(0, -1);
  if (blocks.shape.at(-1) !== BLOCK_BYTES || shapeText(scales.shape) !== shapeText(outer))
    throw new ModelError(
      `${show(name)}: expected blocks [..., ${BLOCK_BYTES}] and a scale for each, found blocks ` +
        `${shapeText(blocks.shape)} and scales ${shapeText(scales.shape)}`,
    );
  return mxfp4Of(blocks.values, scales.values, MXFP4_BLOCK * outer.at(-1)!);
}
