/**
 * The tensors of a checkpoint by the names that a family gives them: each is asked for once, with its shape,
 * and what nobody asked for is found.
 */
import { ModelError, show } from '../model/errors.js';
import type { Matrix, Vector } from '../model/model-weights.js';
import { scaleBlocks, widenMxfp4, type Numbers } from './blocks.js';
import type { Checkpoint } from './checkpoint.js';
import { shapeText, type Tensor } from './header.js';

export interface Tensors {
  /** Where the decoder's names begin: `model.` in most files. */
  readonly prefix: string;
  has(name: string): boolean;
  /** All numbers of a tensor, row-major. @throws ModelError unless it is there with this shape */
  take(name: string, shape: readonly number[]): Vector;
  vector(name: string, length: number): Vector;
  /** @param shape rows and columns */
  matrix(name: string, ...shape: [rows: number, columns: number]): Matrix;
  /** The same of `name_blocks` and `name_scales`, which are MXFP4. */
  takeMxfp4(name: string, shape: readonly number[]): Vector;
  /** Those that were not asked for, in the order of the files. */
  unused(): string[];
}

/** Decoders alone, and within models that also see and hear; the last one without the model around them. */
const PREFIXES = ['model.', 'model.language_model.', 'language_model.model.', ''];
const SCALES = '_scale_inv';

/** @param block rows and columns of a block of FP8 numbers, if the model's configuration has them */
export function createTensors(
  checkpoint: Checkpoint,
  block: [number, number] = [128, 128],
): Tensors {
  const { tensors } = checkpoint;
  const asked = new Set<string>();
  const prefix = prefixOf(tensors);

  function find(name: string, shape: string): Tensor {
    const tensor = tensors.get(name);
    if (tensor === undefined)
      throw new ModelError(
        `${checkpoint.files[0]}: expected a tensor ${show(name)} ${shape}, found none`,
      );
    asked.add(name);
    return tensor;
  }

  /** As it is stored. */
  function read(name: string, expected = 'of its blocks'): Numbers & Pick<Tensor, 'dtype'> {
    const tensor = find(name, expected);
    return { values: checkpoint.read(tensor), shape: tensor.shape, dtype: tensor.dtype };
  }

  function checked(name: string, { values, shape }: Numbers, expected: readonly number[]): Vector {
    if (shapeText(shape) !== shapeText(expected))
      throw wrong(name, `the shape ${shapeText(expected)}`, shapeText(shape));
    if (!values.every(Number.isFinite)) throw wrong(name, 'finite numbers', 'another');
    return values;
  }

  const wrong = (name: string, expected: string, found: string) =>
    new ModelError(`${checkpoint.files[0]}: ${show(name)}: expected ${expected}, found ${found}`);

  function take(name: string, shape: readonly number[]): Vector {
    const { dtype } = find(name, shapeText(shape));
    const isFp8 = dtype === 'F8_E4M3';
    // The numbers of another shape are not read at all.
    checked(name, { values: NONE, shape: tensors.get(name)!.shape }, shape);
    const stored = read(name);
    if (isFp8) {
      const scales = read(name + SCALES, 'of its scales');
      return checked(name, scaleBlocks(stored, scales, block, name), shape);
    }
    if (dtype === 'U8') throw wrong(name, 'numbers', 'bytes (U8)');
    return checked(name, stored, shape);
  }

  return {
    prefix,
    has: (name) => tensors.has(name),
    take,
    vector: (name, length) => take(name, [length]),
    matrix: (name, ...shape) => ({ values: take(name, shape), scale: 1 }),
    takeMxfp4(name, shape) {
      const blocks = read(`${name}_blocks`);
      const scales = read(`${name}_scales`);
      for (const { dtype } of [blocks, scales])
        if (dtype !== 'U8') throw wrong(name, 'blocks and scales of bytes (U8)', dtype);
      return checked(name, widenMxfp4(blocks, scales, name), shape);
    },
    unused: () => [...tensors.keys()].filter((name) => !asked.has(name)),
  };
}

const NONE = new Float32Array(0);

function prefixOf(tensors: Checkpoint['tensors']): string {
  return PREFIXES.find((prefix) => tensors.has(`${prefix}embed_tokens.weight`)) ?? PREFIXES[0];
}
