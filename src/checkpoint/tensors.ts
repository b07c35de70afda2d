/**
 * The tensors of a checkpoint by the names that a family gives them: each is asked for once, with its shape,
 * and what nobody asked for is found.
 */
import { unblocked } from '../model/blocks.js';
import { ModelError, show } from '../model/errors.js';
import type { Matrix, Vector } from '../model/model-weights.js';
import { MXFP4_BLOCK, fp8Matrix, mxfp4Matrix, type Numbers } from './blocks.js';
import type { Checkpoint } from './checkpoint.js';
import { shapeText, type Tensor } from './header.js';

export interface Tensors {
  /** Where the decoder's names begin: `model.` in most files. */
  readonly prefix: string;
  has(name: string): boolean;
  /** All numbers of a tensor, row-major. @throws ModelError unless it is there with this shape */
  take(name: string, shape: readonly number[]): Vector;
  vector(name: string, length: number): Vector;
  /** FP8 numbers are codes with the scales of their blocks. @param shape rows and columns */
  matrix(name: string, ...shape: [rows: number, columns: number]): Matrix;
  /** MXFP4 of `name_blocks` and `name_scales`, matrices of one shape one after another; the last number is of inputs. */
  mxfp4(name: string, shape: readonly number[]): Matrix;
  /** Those that were not asked for and have numbers (no shared expert is one of width 0), in the order of the files. */
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

  const wrong = (name: string, expected: string, found: string) =>
    new ModelError(`${checkpoint.files[0]}: ${show(name)}: expected ${expected}, found ${found}`);

  /** A tensor of this shape; of another one no number is read. */
  function find(name: string, shape: readonly number[]): Tensor {
    const tensor = tensors.get(name);
    if (tensor === undefined)
      throw new ModelError(
        `${checkpoint.files[0]}: expected a tensor ${show(name)} ${shapeText(shape)}, found none`,
      );
    if (shapeText(tensor.shape) !== shapeText(shape))
      throw wrong(name, `the shape ${shapeText(shape)}`, shapeText(tensor.shape));
    asked.add(name);
    return tensor;
  }

  /** As it is stored. */
  const read = (tensor: Tensor): Numbers => ({
    values: checkpoint.read(tensor),
    shape: tensor.shape,
  });

  function finite(name: string, { values }: Numbers): Vector {
    if (!values.every(Number.isFinite)) throw wrong(name, 'finite numbers', 'another');
    return values;
  }

  function take(name: string, shape: readonly number[]): Vector {
    const tensor = find(name, shape);
    if (tensor.dtype === 'U8') throw wrong(name, 'numbers', 'bytes (U8)');
    if (tensor.dtype === 'F8_E4M3') return unblocked(fp8(name, shape, tensor)).values;
    return finite(name, read(tensor));
  }

  function fp8(name: string, shape: readonly number[], tensor: Tensor): Matrix {
    const [rows = 1, columns = 1] = shape;
    const blocks = [Math.ceil(rows / block[0]), Math.ceil(columns / block[1])];
    const scales = read(find(name + SCALES, blocks));
    finite(name + SCALES, scales);
    const codes = read(tensor);
    finite(name, codes);
    return fp8Matrix(codes, scales, block, name);
  }

  function bytes(name: string, shape: readonly number[]): Numbers {
    const tensor = find(name, shape);
    if (tensor.dtype !== 'U8') throw wrong(name, 'bytes (U8)', tensor.dtype);
    return read(tensor);
  }

  return {
    prefix,
    has: (name) => tensors.has(name),
    take,
    vector: (name, length) => take(name, [length]),
    matrix(name, ...shape) {
      const tensor = find(name, shape);
      if (tensor.dtype === 'F8_E4M3') return fp8(name, shape, tensor);
      return { values: take(name, shape), scale: 1 };
    },
    mxfp4(name, shape) {
      const each = [...shape.slice(0, -1), Math.ceil(shape.at(-1)! / MXFP4_BLOCK)];
      const blocks = bytes(`${name}_blocks`, [...each, MXFP4_BLOCK / 2]);
      const scales = bytes(`${name}_scales`, each);
      const matrix = mxfp4Matrix(blocks, scales, name);
      const { width, scales: powers } = matrix.blocks!;
      if (width !== shape.at(-1))
        throw wrong(name, `rows of ${shape.at(-1)}`, `${width}, whole blocks`);
      finite(name, { values: powers, shape: each });
      return matrix;
    },
    unused: () =>
      [...tensors.values()]
        .filter(({ name, shape }) => !asked.has(name) && !shape.includes(0))
        .map(({ name }) => name),
  };
}

function prefixOf(tensors: Checkpoint['tensors']): string {
  return PREFIXES.find((prefix) => tensors.has(`${prefix}embed_tokens.weight`)) ?? PREFIXES[0];
}
