/** Writes a safetensors file of one matrix of 32-bit floats. */
import { LENGTH_BYTES } from './header.js';

/**
 * What stands before the numbers, a multiple of 8 bytes.
 * @param shape of the matrix, row-major
 */
export function headerOf(name: string, shape: readonly number[]): Uint8Array {
  const bytes = shape.reduce((product, n) => product * n, 4);
  const json = JSON.stringify({ [name]: { dtype: 'F32', shape, data_offsets: [0, bytes] } });
  const length = Math.ceil(Buffer.byteLength(json) / LENGTH_BYTES) * LENGTH_BYTES;
  const header = Buffer.alloc(LENGTH_BYTES + length, ' ');
  header.writeBigUInt64LE(BigInt(length));
  header.write(json, LENGTH_BYTES);
  return header;
}

/** The numbers, each rounded to the nearest 32-bit float. */
export function bytesOf(values: ArrayLike<number>): Uint8Array {
  const bytes = new Uint8Array(4 * values.length);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < values.length; i++) view.setFloat32(4 * i, values[i], true);
  return bytes;
}
