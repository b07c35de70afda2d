/** Stored numbers as 32-bit floats, in which each of them is exact, and as doubles. */
import type { Dtype } from './header.js';

/** Types whose numbers are weights, or parts of them. */
export type Readable = 'F64' | 'F32' | 'F16' | 'BF16' | 'F8_E4M3' | 'U8';

/** Numbers that are read into `values` from `at` on, out of the bytes of whole elements. */
type Decode = (bytes: Uint8Array, values: Float32Array | Float64Array, at: number) => void;

export const DECODE: Record<Readable, Decode> = {
  F64: (bytes, values, at) => {
    const view = viewOf(bytes);
    for (let i = 0; i < bytes.length / 8; i++) values[at + i] = view.getFloat64(8 * i, true);
  },
  F32: (bytes, values, at) => {
    const view = viewOf(bytes);
    for (let i = 0; i < bytes.length / 4; i++) values[at + i] = view.getFloat32(4 * i, true);
  },
  F16: (bytes, values, at) => {
    for (let i = 0; i < bytes.length / 2; i++)
      values[at + i] = float16(bytes[2 * i] | (bytes[2 * i + 1] << 8));
  },
  // The upper half of a 32-bit float.
  BF16: (bytes, values, at) => {
    const float = new Float32Array(1);
    const bits = new Uint32Array(float.buffer);
    for (let i = 0; i < bytes.length / 2; i++) {
      bits[0] = (bytes[2 * i] << 16) | (bytes[2 * i + 1] << 24);
      values[at + i] = float[0];
    }
  },
  F8_E4M3: (bytes, values, at) => {
    for (let i = 0; i < bytes.length; i++) values[at + i] = FLOAT8[bytes[i]];
  },
  U8: (bytes, values, at) => {
    for (let i = 0; i < bytes.length; i++) values[at + i] = bytes[i];
  },
};

export function isReadable(dtype: Dtype): dtype is Readable {
  return Object.hasOwn(DECODE, dtype);
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

/** IEEE 754 binary16: 5 bits of exponent, 10 of the fraction. */
function float16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** OCP 8-bit floating point, E4M3: no infinities, one NaN of each sign. */
const FLOAT8 = Float64Array.from({ length: 256 }, (_, bits) => {
  const sign = bits & 0x80 ? -1 : 1;
  const exponent = (bits >> 3) & 15;
  const fraction = bits & 7;
  if (exponent === 15 && fraction === 7) return NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -9 : (8 + fraction) * 2 ** (exponent - 10));
});
