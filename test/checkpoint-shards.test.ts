/** Checkpoints of one file or of several with an index, and numbers that are stored in blocks. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fp8Matrix, mxfp4Matrix, type Numbers } from '../src/checkpoint/blocks.js';
import { unblocked } from '../src/model/blocks.js';
import { openCheckpoint } from '../src/checkpoint/checkpoint.js';
import { ModelError } from '../src/model/errors.js';
import { f32, filled, inFolder, put } from './helpers/safetensors.js';

const INDEX = 'model.safetensors.index.json';
const one = filled({ a: f32([2], [1, 2]), b: f32([1], [3]) });
const two = filled({ c: f32([1], [4]) });
const shards = { 'one.safetensors': one, 'two.safetensors': two };
const map = { a: 'one.safetensors', b: 'one.safetensors', c: 'two.safetensors' };

/** Names and numbers of a checkpoint. */
function numbersOf(path: string): Record<string, number[]> {
  const checkpoint = openCheckpoint(path);
  try {
    const { tensors } = checkpoint;
    return Object.fromEntries([...tensors].map(([name, t]) => [name, [...checkpoint.read(t)]]));
  } finally {
    checkpoint.close();
  }
}

/** The message of opening a folder with these files, without the folder's name. */
function refusal(files: Record<string, Buffer | object>, name = ''): string {
  return inFolder((folder) => {
    try {
      openCheckpoint(join(put(folder, files), name)).close();
    } catch (error) {
      expect(error).toBeInstanceOf(ModelError);
      return (error as Error).message.replaceAll(`${folder}/`, '').replace(folder, '');
    }
    return 'opened';
  });
}

describe('a checkpoint', () => {
  it('is one file, by its folder or by its name', () => {
    inFolder((folder) => {
      put(folder, { 'model.safetensors': one, 'other.safetensors': two });
      expect(numbersOf(folder)).toEqual({ a: [1, 2], b: [3] });
      expect(numbersOf(join(folder, 'other.safetensors'))).toEqual({ c: [4] });
    });
  });

  it('is several files with an index, by its folder or by the index', () => {
    inFolder((folder) => {
      put(folder, { ...shards, [INDEX]: { metadata: { total_size: 16 }, weight_map: map } });
      for (const path of [folder, join(folder, INDEX)]) {
        expect(numbersOf(path)).toEqual({ a: [1, 2], b: [3], c: [4] });
        const checkpoint = openCheckpoint(path);
        const names = [INDEX, 'one.safetensors', 'two.safetensors'];
        expect(checkpoint.files).toEqual(names.map((name) => join(folder, name)));
        checkpoint.close();
      }
    });
  });

  it('is no other file and no empty folder', () => {
    expect(refusal({})).toBe(
      ': expected model.safetensors or model.safetensors.index.json in the folder, found neither',
    );
    expect(refusal({}, 'x')).toBe('x: expected a folder, or a file of weights, found none');
    expect(refusal({ 'model.bin': one }, 'model.bin')).toMatch(
      /^model.bin: expected a folder, .* another file$/,
    );
  });

  const bad: [string, object | Buffer, string | RegExp][] = [
    ['no map', {}, `${INDEX}: weight_map: expected the file of each tensor, found nothing`],
    ['a list for a map', { weight_map: [] }, /weight_map: .* found a list$/],
    [
      'a file that is missing',
      { weight_map: { ...map, c: 'three.safetensors' } },
      'three.safetensors: expected a file, found none',
    ],
    [
      'a file that is no text',
      { weight_map: { a: 1 } },
      /weight_map: "a": expected the name of a file .*, found 1$/,
    ],
    [
      'a file outside of the folder',
      { weight_map: { a: '../one.safetensors' } },
      /found "..\/one.safetensors"$/,
    ],
    [
      'a file outside of the folder, for another system',
      { weight_map: { a: '..\\one.safetensors' } },
      /found "..\\\\one.safetensors"$/,
    ],
    ['an absolute path', { weight_map: { a: '/one.safetensors' } }, /found "\/one.safetensors"$/],
    [
      'a file with a zero in its name',
      { weight_map: { a: 'a\0.safetensors' } },
      /"a": expected the name/,
    ],
    ['another kind of file', { weight_map: { a: 'one.bin' } }, /found "one.bin"$/],
    [
      'a tensor in the wrong file',
      { weight_map: { ...map, b: 'two.safetensors' } },
      `one.safetensors: "b": expected in two.safetensors, as ${INDEX} says, found here`,
    ],
    [
      'a tensor too few',
      { weight_map: { a: map.a, c: map.c } },
      `one.safetensors: "b": expected in no file, as ${INDEX} says, found here`,
    ],
    [
      'a tensor too many',
      { weight_map: { ...map, d: map.c } },
      `two.safetensors: expected the tensor "d", as ${INDEX} says, found none`,
    ],
    [
      'a tensor twice',
      Buffer.from(`{"weight_map": {"a": "one.safetensors", "a": "two.safetensors"}}`),
      `${INDEX}: expected "a" once, found it twice`,
    ],
    ['no JSON', Buffer.from('weights'), `${INDEX}: expected JSON, found "weights"`],
    [
      'deep levels',
      Buffer.from('['.repeat(1e5)),
      `${INDEX}: expected at most 2 levels of nesting, found more`,
    ],
  ];
  it.each(bad)('is refused if its index has %s', (_, index, message) => {
    const found = refusal({ ...shards, [INDEX]: index });
    if (typeof message === 'string') expect(found).toBe(message);
    else expect(found).toMatch(message);
  });
});

describe('blocks of FP8', () => {
  const scaleBlocks = (...of: Parameters<typeof fp8Matrix>) => unblocked(fp8Matrix(...of));
  const numbers = (shape: number[], values: number[]) => ({
    shape,
    values: Float32Array.from(values),
  });
  const matrix = numbers(
    [3, 5],
    Array.from({ length: 15 }, (_, i) => i + 1),
  );

  it('are multiplied by their scales, the last ones ragged', () => {
    const scales = numbers([2, 3], [1, 2, 4, 8, 16, 32]);
    expect([...scaleBlocks(matrix, scales, [2, 2], 'x').values]).toEqual([
      1, 2, 6, 8, 20, 6, 7, 16, 18, 40, 88, 96, 208, 224, 480,
    ]);
    expect(scaleBlocks(matrix, scales, [2, 2], 'x').values).toBeInstanceOf(Float32Array);
  });

  it('are exact where 32-bit floats are not', () => {
    const { values } = scaleBlocks(
      numbers([1, 1], [1.125]),
      numbers([1, 1], [0.1]),
      [128, 128],
      'x',
    );
    expect([...values]).toEqual([1.125 * Math.fround(0.1)]);
    expect(Math.fround(values[0])).not.toBe(values[0]);
  });

  it('need a scale each', () => {
    const wrong = () => scaleBlocks(matrix, numbers([3, 2], []), [2, 2], 'x');
    expect(wrong).toThrow('"x": expected scales [2, 3] for blocks [2, 2] of [3, 5], found [3, 2]');
  });
});

describe('blocks of MXFP4', () => {
  const widened = (blocks: Numbers, scales: Numbers) =>
    unblocked(mxfp4Matrix(blocks, scales, 'x')).values;
  const blocks = { shape: [1, 2, 16], values: Float32Array.from({ length: 32 }, (_, i) => i * 8) };

  it('hold the earlier number in the lower half of a byte, times a power of two', () => {
    const scales = { shape: [1, 2], values: Float32Array.of(127, 129) };
    expect(mxfp4Matrix(blocks, scales, 'x').blocks?.width).toBe(64);
    const values = widened(blocks, scales);
    // Bytes 0, 8, 16, 24, ... are the halves (0, 0), (8, 0), (0, 1), (8, 1), ...
    expect([...values.slice(0, 8)]).toEqual([0, 0, -0, 0, 0, 0.5, -0, 0.5]);
    expect([...values.slice(32, 40)]).toEqual([0, -0, -0, -0, 0, -2, -0, -2]);
    expect([...values.slice(60)]).toEqual([0, -24, -0, -24]);
  });

  it('have all sixteen numbers of E2M1', () => {
    const all = {
      shape: [1, 16],
      values: Float32Array.from({ length: 16 }, (_, i) => i | (i << 4)),
    };
    const values = widened(all, { shape: [1], values: Float32Array.of(126) });
    const positive = [0, 0.25, 0.5, 0.75, 1, 1.5, 2, 3];
    expect([...values].filter((_, i) => i % 2 === 0)).toEqual([
      ...positive,
      ...positive.map((n) => -n),
    ]);
  });

  it('need a scale each', () => {
    const wrong = () => widened(blocks, { shape: [2], values: new Float32Array(2) });
    expect(wrong).toThrow('found blocks [1, 2, 16] and scales [2]');
  });
});

const CHECKPOINTS = new URL('../../shared/checkpoints/', import.meta.url).pathname;

describe.skipIf(!existsSync(CHECKPOINTS))(
  'the checkpoints next to the project (skipped where ../shared/checkpoints is absent)',
  () => {
    const folders = existsSync(CHECKPOINTS)
      ? readdirSync(CHECKPOINTS, { withFileTypes: true })
      : [];
    it.each(folders.filter((entry) => entry.isDirectory()).map(({ name }) => name))(
      '%s is read whole',
      (name) => {
        const tensors = Object.values(numbersOf(join(CHECKPOINTS, name)));
        expect(tensors.length).toBeGreaterThanOrEqual(20);
        expect(tensors.every((values) => values.length > 0 && values.every(Number.isFinite))).toBe(
          true,
        );
      },
    );
  },
);
