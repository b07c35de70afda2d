/**
 * Arrays of a NPZ archive, as numpy and cores.npz have them: unsigned 64-bit integers, little endian, row by row
 * (numpy.org/doc/stable/reference/generated/numpy.lib.format.html).
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { unzipSync } from 'fflate';

export interface ReadArray {
  shape: number[];
  /** Exact up to 2^53. */
  values: Float64Array;
}

/**
 * The arrays with these names of an archive in a directory; undefined where there is no such file.
 * @throws Error in one line, if it is no such archive
 */
export function readNpzIn(
  directory: string,
  file: string,
  names: readonly string[],
): Record<string, ReadArray> | undefined {
  const path = join(directory, file);
  return existsSync(path) ? readNpz(readFileSync(path), names) : undefined;
}

/**
 * The arrays with these names, those that there are.
 * @throws Error in one line, if it is no such archive
 */
export function readNpz(bytes: Uint8Array, names: readonly string[]): Record<string, ReadArray> {
  const wanted = new Set(names.map((name) => `${name}.npy`));
  const files = unzipSync(bytes, { filter: ({ name }) => wanted.has(name) });
  return Object.fromEntries(
    Object.entries(files).map(([name, file]) => [
      name.slice(0, -'.npy'.length),
      arrayOf(name, file),
    ]),
  );
}

const MAGIC = '\u0093NUMPY';
const HEADER = /'descr': '<u8', 'fortran_order': False, 'shape': \(([\d, ]+)\)/;

function arrayOf(name: string, file: Uint8Array): ReadArray {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const text = (from: number, to: number) => String.fromCharCode(...file.subarray(from, to));
  // Version 1 has a length of two bytes after magic and version.
  const start = 10;
  const data = file.length < start ? 0 : start + view.getUint16(8, true);
  const sizes = text(0, 6) === MAGIC ? HEADER.exec(text(start, data))?.[1] : undefined;
  const shape = (sizes ?? '')
    .split(',')
    .flatMap((size) => (size.trim() === '' ? [] : Number(size)));
  const length = shape.reduce((product, size) => product * size, 1);
  if (sizes === undefined || file.length !== data + 8 * length)
    throw new Error(`expected an array of 64-bit unsigned integers in ${name}, found another file`);
  const values = new Float64Array(length);
  for (let i = 0; i < length; i++) {
    const at = data + 8 * i;
    values[i] = view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
  }
  return { shape, values };
}
