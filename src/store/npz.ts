/**
 * Arrays for numpy (np.load): a ZIP archive with a file of the format NPY 1.0 for each, of unsigned 64-bit integers,
 * little endian (numpy.org/doc/stable/reference/generated/numpy.lib.format.html). The same numbers are the same bytes.
 */
import { Zip, ZipDeflate } from 'fflate';
import type { Planes } from '../report/core-planes.js';

/** Archives have a date of each file: this one always. */
const MTIME = '1980-01-01T00:00:00';
/** Most of what is in a plane is alike: more effort takes four times as long for a tenth less. */
const LEVEL = 1;

/** In pieces. Numbers are to be whole, from 0 to 2^53. */
export function* npzOf({ shape, planes }: Planes): Generator<Uint8Array> {
  const done: Uint8Array[] = [];
  const zip = new Zip((error, piece) => {
    if (error) throw error;
    done.push(piece);
  });
  const [wafers, height, width] = shape;
  for (const { name, of } of planes) {
    const file = new ZipDeflate(`${name}.npy`, { level: LEVEL });
    file.mtime = MTIME;
    zip.add(file);
    file.push(headerOf(shape));
    for (let wafer = 0; wafer < wafers; wafer++) {
      file.push(wordsOf(of(wafer), width * height), wafer === wafers - 1);
      yield* done.splice(0);
    }
  }
  zip.end();
  yield* done;
}

/** Magic, version, length, and a dictionary that ends at a multiple of 64 bytes. */
function headerOf(shape: readonly number[]): Uint8Array {
  const start = 10;
  const text = `{'descr': '<u8', 'fortran_order': False, 'shape': (${shape.join(', ')},), }`;
  const length = Math.ceil((start + text.length + 1) / 64) * 64 - start;
  const header = `\u0093NUMPY\u0001\u0000${text.padEnd(length - 1)}\n`;
  const bytes = new Uint8Array(start + length);
  const codes = Uint8Array.from(header, (c) => c.charCodeAt(0));
  bytes.set(codes.subarray(0, 8));
  new DataView(bytes.buffer).setUint16(8, length, true);
  bytes.set(codes.subarray(8), start);
  return bytes;
}

/** Each number as its lower and upper 32 bits; 0 where there is none. */
function wordsOf(values: ArrayLike<number> | undefined, length: number): Uint8Array {
  const bytes = new Uint8Array(8 * length);
  if (values === undefined) return bytes;
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < length; i++) {
    const value = values[i];
    if (value === 0) continue;
    view.setUint32(8 * i, value % 2 ** 32, true);
    view.setUint32(8 * i + 4, Math.floor(value / 2 ** 32), true);
  }
  return bytes;
}
