/**
 * Numbers that are stored in blocks with a scale for each: FP8 as DeepSeek-V3 publishes it (`*_scale_inv`,
 * arXiv 2412.19437, section 3.3), and the OCP microscaling format MXFP4 as gpt-oss does (`*_blocks`,
 * `*_scales`).
 */
import { ModelError, show } from '../model/errors.js';
import { shapeText } from './header.js';

/** A matrix, or matrices one after another, row-major. */
export interface Numbers {
  values: Float32Array | Float64Array;
  shape: readonly number[];
}

/**
 * A matrix times the scale of the block that an element is in, exactly: in doubles where 32-bit floats have
 * too few bits for the products.
 * @param block its rows and columns; the last ones of a matrix may be smaller
 * @throws ModelError if there is not one scale for each block
 */
export function scaleBlocks(
  { values, shape }: Numbers,
  scales: Numbers,
  block: readonly [number, number],
  name: string,
): Numbers {
  const [rows, columns] = shape;
  const across = Math.ceil(columns / block[1]);
  const expected = [Math.ceil(rows / block[0]), across];
  if (shape.length !== 2 || shapeText(scales.shape) !== shapeText(expected))
    throw new ModelError(
      `${show(name)}: expected scales ${shapeText(expected)} for blocks ${shapeText(block)} of ` +
        `${shapeText(shape)}, found ${shapeText(scales.shape)}`,
    );
  const scaled = new Float64Array(values.length);
  for (let row = 0; row < rows; row++) {
    const first = Math.floor(row / block[0]) * across;
    for (let column = 0; column < columns; column++) {
      const scale = scales.values[first + Math.floor(column / block[1])];
      scaled[row * columns + column] = values[row * columns + column] * scale;
    }
  }
  return { values: narrow(scaled), shape };
}

/** The same numbers in 32-bit floats, if those have all their bits. */
function narrow(values: Float64Array): Float32Array | Float64Array {
  const narrowed = Float32Array.from(values);
  return narrowed.every((value, i) => Object.is(value, values[i])) ? narrowed : values;
}

/** E2M1, the sign in the upper bit. */
const FLOAT4 = [0, 0.5, 1, 1.5, 2, 3, 4, 6, -0, -0.5, -1, -1.5, -2, -3, -4, -6];
/** Numbers of a block; of two in a byte the earlier one is in the lower half. */
export const MXFP4_BLOCK = 32;
const BLOCK_BYTES = MXFP4_BLOCK / 2;
const EXPONENT_BIAS = 127;
/** The scale that stands for no number (E8M0). */
const NO_SCALE = 255;

/**
 * MXFP4: blocks of 32 numbers along the last dimension. All but infinities of the largest two scales are
 * exact in 32-bit floats.
 * @param blocks bytes [..., blocks, 16]
 * @param scales exponents [..., blocks]: times 2 ^ (s - 127)
 * @throws ModelError if the shapes do not fit
 */
export function widenMxfp4(blocks: Numbers, scales: Numbers, name: string): Numbers {
  const outer = blocks.shape.slice(0, -1);
  if (blocks.shape.at(-1) !== BLOCK_BYTES || shapeText(scales.shape) !== shapeText(outer))
    throw new ModelError(
      `${show(name)}: expected blocks [..., ${BLOCK_BYTES}] and a scale for each, found blocks ` +
        `${shapeText(blocks.shape)} and scales ${shapeText(scales.shape)}`,
    );
  const values = new Float32Array(2 * blocks.values.length);
  for (let i = 0; i < blocks.values.length; i++) {
    const exponent = scales.values[Math.floor(i / BLOCK_BYTES)];
    const scale = exponent === NO_SCALE ? NaN : 2 ** (exponent - EXPONENT_BIAS);
    values[2 * i] = FLOAT4[blocks.values[i] & 15] * scale;
    values[2 * i + 1] = FLOAT4[blocks.values[i] >> 4] * scale;
  }
  return { values, shape: [...outer.slice(0, -1), MXFP4_BLOCK * outer.at(-1)!] };
}
