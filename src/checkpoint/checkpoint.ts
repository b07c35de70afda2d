/**
 * A checkpoint as Hugging Face's `save_pretrained` leaves it: `model.safetensors`, or several such files
 * and an index that says which tensor is in which of them.
 */
import { ModelError, show } from '../model/errors.js';
import { basename, dirname, existsSync, join, readFileSync, statSync } from '../platform/node.js';
import { openTensorFile, type TensorFile } from './file.js';
import type { Tensor } from './header.js';
import { readJson } from './json.js';

export interface Checkpoint {
  /** The files that it is read from, the index first. */
  files: readonly string[];
  /** By name, in the order of the files. */
  tensors: ReadonlyMap<string, Tensor>;
  /** The numbers of one of `tensors`, exactly, as they are stored: without the scales of their blocks. */
  read(tensor: Tensor): Float32Array | Float64Array;
  close(): void;
}

const ONE_FILE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';
const SUFFIX = '.safetensors';
const INDEX_SUFFIX = '.index.json';
/** Of an index: 100 bytes for each of 670,000 tensors. */
const MOST_INDEX_BYTES = 2 ** 26;
/** The index, its map. */
const LEVELS = 2;

/**
 * Opens a checkpoint; the caller closes it.
 * @param path a folder, a safetensors file, or an index
 * @throws ModelError `file: expected ..., found ...`
 */
export function openCheckpoint(path: string): Checkpoint {
  const file = fileOf(path);
  if (!file.endsWith(INDEX_SUFFIX)) return checkpointOf([openTensorFile(file)], []);
  const shards = readIndex(file);
  const opened: TensorFile[] = [];
  try {
    for (const shard of new Set(shards.values()))
      opened.push(openTensorFile(join(dirname(file), shard)));
    checkShards(shards, opened, file);
  } catch (error) {
    for (const shard of opened) shard.close();
    throw error;
  }
  return checkpointOf(opened, [file]);
}

/** The file that a path names, or that its folder has. */
function fileOf(path: string): string {
  // What no file may be called, such as a name with a zero in it, does not exist.
  const found = existsSync(path) ? statSync(path) : undefined;
  if (found?.isDirectory()) {
    const names = [ONE_FILE, INDEX].map((name) => join(path, name));
    const file = names.find((name) => existsSync(name));
    if (file !== undefined) return file;
    throw new ModelError(`${path}: expected ${ONE_FILE} or ${INDEX} in the folder, found neither`);
  }
  if (found === undefined)
    throw new ModelError(`${path}: expected a folder, or a file of weights, found none`);
  if (path.endsWith(SUFFIX) || path.endsWith(INDEX_SUFFIX)) return path;
  throw new ModelError(
    `${path}: expected a folder, a file *${SUFFIX}, or an index *${INDEX_SUFFIX}, found another file`,
  );
}

function checkpointOf(opened: TensorFile[], index: string[]): Checkpoint {
  const tensors = new Map<string, Tensor>();
  const fileOfTensor = new Map<Tensor, TensorFile>();
  for (const file of opened)
    for (const tensor of file.tensors) {
      tensors.set(tensor.name, tensor);
      fileOfTensor.set(tensor, file);
    }
  return {
    files: [...index, ...opened.map(({ path }) => path)],
    tensors,
    read: (tensor) => fileOfTensor.get(tensor)!.read(tensor),
    close: () => {
      for (const file of opened) file.close();
    },
  };
}

/** Tensor -> name of the file that holds it, in the index's folder. */
function readIndex(file: string): Map<string, string> {
  const json = readJson(bytesOf(file), LEVELS, file);
  const map = json['weight_map'];
  if (typeof map !== 'object' || map === null || Array.isArray(map))
    throw new ModelError(
      `${file}: weight_map: expected the file of each tensor, found ${show(map)}`,
    );
  for (const [name, shard] of Object.entries(map))
    if (typeof shard !== 'string' || !isShard(shard))
      throw new ModelError(
        `${file}: weight_map: ${show(name)}: expected the name of a file *${SUFFIX} in the same ` +
          `folder, found ${show(shard)}`,
      );
  return new Map(Object.entries(map as Record<string, string>));
}

/** A name, and no path to somewhere else. */
function isShard(name: string): boolean {
  return name.endsWith(SUFFIX) && basename(name) === name && !/[\\/\0]/.test(name);
}

function bytesOf(file: string): Uint8Array {
  const stat = statSync(file);
  if (!stat.isFile()) throw new ModelError(`${file}: expected a file, found another thing`);
  if (stat.size > MOST_INDEX_BYTES)
    throw new ModelError(
      `${file}: expected an index of at most ${MOST_INDEX_BYTES} bytes, found ${stat.size}`,
    );
  try {
    return readFileSync(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ModelError(`${file}: expected a file, found one that cannot be read (${code})`);
  }
}

/** Each file holds the tensors that the index says, and no other. */
function checkShards(shards: Map<string, string>, opened: TensorFile[], index: string): void {
  for (const { path, tensors } of opened) {
    const own = basename(path);
    const held = new Set(tensors.map(({ name }) => name));
    for (const name of held)
      if (shards.get(name) !== own)
        throw new ModelError(
          `${path}: ${show(name)}: expected in ${shards.get(name) ?? 'no file'}, as ${index} says, ` +
            'found here',
        );
    for (const [name, shard] of shards)
      if (shard === own && !held.has(name))
        throw new ModelError(
          `${path}: expected the tensor ${show(name)}, as ${index} says, found none`,
        );
  }
}
