/** Files in the safetensors format as tests need them, right or wrong. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Stored {
  dtype: string;
  shape: number[];
  bytes: Uint8Array;
}

/** The bytes of a file: the length of the header, the header, the data. */
export function fileOf(header: unknown, data: Uint8Array = new Uint8Array(0)): Buffer {
  const text = typeof header === 'string' ? header : JSON.stringify(header);
  const json = Buffer.from(text);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, data]);
}

/** A file of tensors, one after another. */
export function filled(tensors: Record<string, Stored>): Buffer {
  let at = 0;
  const entries = Object.entries(tensors).map(([name, { dtype, shape, bytes }]) => {
    const begin = at;
    at += bytes.length;
    return [name, { dtype, shape, data_offsets: [begin, at] }] as const;
  });
  const data = Buffer.concat(Object.values(tensors).map(({ bytes }) => bytes));
  return fileOf(Object.fromEntries(entries), data);
}

export function f32(shape: number[], values: readonly number[]): Stored {
  return { dtype: 'F32', shape, bytes: new Uint8Array(Float32Array.from(values).buffer) };
}

/** Runs `work` with a folder of its own, which is deleted afterwards. */
export function inFolder<T>(work: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'wafersim-checkpoint-'));
  const clear = () => rmSync(folder, { recursive: true });
  let result: T | undefined;
  try {
    result = work(folder);
  } finally {
    if (!(result instanceof Promise)) clear();
  }
  return result instanceof Promise ? (result.finally(clear) as T) : result;
}

/** Writes files into a folder; what is no bytes is written as JSON. */
export function put(folder: string, files: Record<string, Buffer | object>): string {
  for (const [name, content] of Object.entries(files))
    writeFileSync(join(folder, name), Buffer.isBuffer(content) ? content : JSON.stringify(content));
  return folder;
}
