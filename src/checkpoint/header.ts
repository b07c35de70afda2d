/**
 * The header of a safetensors file: which tensors it holds, of which type and shape, and where. What the
 * format promises is checked before anything is read by it: tensors fill the file without a hole and
 * without sharing a byte. https://github.com/huggingface/safetensors#format
 */
import { ModelError, show } from '../model/errors.js';
import { readJson } from './json.js';

/** Bytes of an element of each type of the format that has whole bytes. */
export const ELEMENT_BYTES = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
  F8_E8M0: 1,
  U16: 2,
  I16: 2,
  F16: 2,
  BF16: 2,
  U32: 4,
  I32: 4,
  F32: 4,
  U64: 8,
  I64: 8,
  F64: 8,
} as const;

export type Dtype = keyof typeof ELEMENT_BYTES;

/** A tensor, row-major, in the bytes from `begin` to `end` of its file. */
export interface Tensor {
  name: string;
  dtype: Dtype;
  shape: readonly number[];
  begin: number;
  end: number;
}

/** The header's own length comes first, as 8 bytes. */
export const LENGTH_BYTES = 8;
/** Of a header that is read at all: 100 bytes for each of 167,000 tensors. */
export const MOST_HEADER_BYTES = 2 ** 24;
const METADATA = '__metadata__';
/** The header, a tensor, its shape. */
const LEVELS = 3;

/**
 * The length that the first 8 bytes of a file state.
 * @param size of the file
 * @throws ModelError `file: expected ..., found ...`
 */
export function headerLength(bytes: Uint8Array, size: number, file: string): number {
  if (bytes.length < LENGTH_BYTES)
    throw new ModelError(`${file}: expected a safetensors file, found ${size} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  // Above 2^53 the number is rounded, and refused all the same.
  const length = view.getUint32(4, true) * 2 ** 32 + view.getUint32(0, true);
  const most = Math.min(MOST_HEADER_BYTES, size - LENGTH_BYTES);
  if (length < 2 || length > most)
    throw new ModelError(
      `${file}: expected a safetensors file with a header of 2 to ${most} bytes, found ${length}`,
    );
  return length;
}

/**
 * The tensors of a header, in the order of the file.
 * @param header its bytes
 * @param size of the whole file
 * @throws ModelError `file: tensor: expected ..., found ...`
 */
export function readHeader(header: Uint8Array, size: number, file: string): Tensor[] {
  const json = readJson(header, LEVELS, `${file}: header`);
  const start = LENGTH_BYTES + header.length;
  const tensors: Tensor[] = [];
  for (const [name, entry] of Object.entries(json)) {
    if (name === METADATA) checkMetadata(entry, file);
    else tensors.push(tensorOf(name, entry, start, size, `${file}: ${show(name)}`));
  }
  tensors.sort((a, b) => a.begin - b.begin || a.end - b.end);
  checkFilled(tensors, start, size, file);
  return tensors;
}

function tensorOf(name: string, entry: unknown, start: number, size: number, where: string) {
  const { dtype, shape, data_offsets: offsets } = fieldsOf(entry, where);
  if (typeof dtype !== 'string' || !Object.hasOwn(ELEMENT_BYTES, dtype))
    throw new ModelError(
      `${where}: dtype: expected one of ${Object.keys(ELEMENT_BYTES).join(', ')}, found ${show(dtype)}`,
    );
  const sizes = wholesOf(shape, `${where}: shape`);
  const [from, to, ...more] = wholesOf(offsets, `${where}: data_offsets`);
  const room = size - start;
  if (from === undefined || to === undefined || more.length > 0 || from > to || to > room)
    throw new ModelError(
      `${where}: data_offsets: expected two, rising, up to the ${room} bytes of data, ` +
        `found ${JSON.stringify(offsets)}`,
    );
  const known = dtype as Dtype;
  const bytes = sizes.reduce((product, n) => product * n, ELEMENT_BYTES[known]);
  if (bytes !== to - from)
    throw new ModelError(
      `${where}: data_offsets: expected the ${bytes} bytes of ${dtype} ${shapeText(sizes)}, ` +
        `found ${to - from}`,
    );
  return { name, dtype: known, shape: sizes, begin: start + from, end: start + to };
}

function fieldsOf(entry: unknown, where: string): Record<string, unknown> {
  if (typeof entry === 'object' && entry !== null && !Array.isArray(entry))
    return entry as Record<string, unknown>;
  throw new ModelError(`${where}: expected dtype, shape and data_offsets, found ${show(entry)}`);
}

/** Far more dimensions than any tensor has. */
const MOST_DIMENSIONS = 32;

function wholesOf(value: unknown, where: string): number[] {
  const isWhole = (n: unknown) => Number.isSafeInteger(n) && (n as number) >= 0;
  if (Array.isArray(value) && value.length <= MOST_DIMENSIONS && value.every(isWhole))
    return value as number[];
  throw new ModelError(`${where}: expected a list of whole numbers, found ${short(value)}`);
}

function short(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function checkMetadata(entry: unknown, file: string): void {
  const isText = (value: unknown) => typeof value === 'string';
  if (!Object.values(fieldsOf(entry, `${file}: ${METADATA}`)).every(isText))
    throw new ModelError(`${file}: ${METADATA}: expected texts, found ${short(entry)}`);
}

/** Each tensor begins where the one before it ends, the first one after the header. */
function checkFilled(tensors: Tensor[], start: number, size: number, file: string): void {
  let filled = start;
  for (const { name, begin, end } of tensors) {
    if (begin !== filled)
      throw new ModelError(
        `${file}: ${show(name)}: data_offsets: expected ${filled - start}, where the tensor before ` +
          `it ends, found ${begin - start}`,
      );
    filled = end;
  }
  if (filled !== size)
    throw new ModelError(
      `${file}: expected the ${filled} bytes that its header describes, found ${size}`,
    );
}

/** `[2, 3]` */
export function shapeText(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}
