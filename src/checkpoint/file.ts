/**
 * One safetensors file: its header once, then tensor after tensor by reads at their places, a piece at a
 * time, so that no tensor is held twice.
 */
import { ModelError, show } from '../model/errors.js';
import { ELEMENT_BYTES, LENGTH_BYTES, headerLength, readHeader, type Tensor } from './header.js';
import { DECODE, isReadable } from './numbers.js';
import { closeSync, constants, fstatSync, openSync, readSync } from '../platform/node.js';

export interface TensorFile {
  /** As it was opened. */
  path: string;
  tensors: readonly Tensor[];
  /** The numbers of a tensor of this file, exactly: doubles of F64, else 32-bit floats. */
  read(tensor: Tensor): Float32Array | Float64Array;
  close(): void;
}

/** Bytes that are read at a time, a multiple of every element's. */
const PIECE = 2 ** 20;

/** @throws ModelError `path: expected ..., found ...` */
export function openTensorFile(path: string): TensorFile {
  const file = openFile(path);
  try {
    const { size } = fstatSync(file);
    const length = headerLength(bytesAt(file, 0, Math.min(LENGTH_BYTES, size), path), size, path);
    const tensors = readHeader(bytesAt(file, LENGTH_BYTES, length, path), size, path);
    return {
      path,
      tensors,
      read: (tensor) => readTensor(file, tensor, path),
      close: () => closeSync(file),
    };
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

function openFile(path: string): number {
  const refuse = (found: string) => new ModelError(`${path}: expected a file, found ${found}`);
  let file: number | undefined;
  try {
    // A pipe that nobody writes to would never open.
    file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    if (fstatSync(file).isFile()) return file;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw refuse(code === 'ENOENT' ? 'none' : `one that cannot be read (${code})`);
  }
  closeSync(file);
  throw refuse('another thing');
}

function readTensor(file: number, tensor: Tensor, path: string): Float32Array | Float64Array {
  const { name, dtype, begin, end } = tensor;
  if (!isReadable(dtype))
    throw new ModelError(
      `${path}: ${show(name)}: expected numbers in one of ${Object.keys(DECODE).join(', ')}, ` +
        `found ${dtype}`,
    );
  const bytes = ELEMENT_BYTES[dtype];
  const values = new (dtype === 'F64' ? Float64Array : Float32Array)((end - begin) / bytes);
  const piece = new Uint8Array(Math.min(PIECE, end - begin));
  for (let at = begin; at < end; at += PIECE) {
    const part = piece.subarray(0, Math.min(PIECE, end - at));
    fill(file, part, at, path);
    DECODE[dtype](part, values, (at - begin) / bytes);
  }
  return values;
}

function bytesAt(file: number, at: number, length: number, path: string): Uint8Array {
  const bytes = new Uint8Array(length);
  fill(file, bytes, at, path);
  return bytes;
}

function fill(file: number, bytes: Uint8Array, at: number, path: string): void {
  for (let done = 0; done < bytes.length;) {
    const read = readSync(file, bytes, done, bytes.length - done, at + done);
    if (read === 0)
      throw new ModelError(`${path}: expected ${at + bytes.length} bytes, found ${at + done}`);
    done += read;
  }
}
