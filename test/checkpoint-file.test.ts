/** Safetensors files: what they hold is read exactly, and what is wrong with one is one line. */
import { execFileSync } from 'node:child_process';
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openTensorFile } from '../src/checkpoint/file.js';
import { bytesOf, headerOf } from '../src/checkpoint/write.js';
import { ModelError } from '../src/model/errors.js';
import { f32, fileOf, filled, inFolder, put, type Stored } from './helpers/safetensors.js';

/** The tensors of a file with these bytes. */
function read(bytes: Buffer): Record<string, { shape: readonly number[]; values: number[] }> {
  return inFolder((folder) => {
    const file = openTensorFile(join(put(folder, { 'a.safetensors': bytes }), 'a.safetensors'));
    try {
      return Object.fromEntries(
        file.tensors.map((tensor) => [
          tensor.name,
          { shape: tensor.shape, values: [...file.read(tensor)] },
        ]),
      );
    } finally {
      file.close();
    }
  });
}

function refusal(bytes: Buffer): string {
  try {
    read(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(ModelError);
    return (error as Error).message.replace(/^.*?a\.safetensors/, '');
  }
  return 'read';
}

const stored = (dtype: string, bytes: number[], shape = [bytes.length]): Stored => ({
  dtype,
  shape,
  bytes: Uint8Array.from(bytes),
});

describe('numbers of a safetensors file', () => {
  const cases: [string, Stored, number[]][] = [
    ['F32', f32([2, 2], [1, -0, 0.1, 3e38]), [1, -0, Math.fround(0.1), Math.fround(3e38)]],
    [
      'F64',
      { dtype: 'F64', shape: [2], bytes: new Uint8Array(Float64Array.of(0.1, -1e300).buffer) },
      [0.1, -1e300],
    ],
    // 1, -2, the largest, the least normal and subnormal numbers, both infinities.
    [
      'F16',
      stored('F16', [0, 0x3c, 0, 0xc0, 0xff, 0x7b, 0, 4, 1, 0, 0, 0x7c, 0, 0xfc, 0, 0x80], [8]),
      [1, -2, 65504, 2 ** -14, 2 ** -24, Infinity, -Infinity, -0],
    ],
    // 1, -pi as cut to 8 bits, the least subnormal number, infinity.
    [
      'BF16',
      stored('BF16', [0x80, 0x3f, 0x49, 0xc0, 1, 0, 0x80, 0x7f], [4]),
      [1, -3.140625, 2 ** -133, Infinity],
    ],
    // The largest, the least normal and subnormal numbers; the NaN.
    [
      'F8_E4M3',
      stored('F8_E4M3', [0x38, 0xb9, 0x7e, 0x08, 0x01, 0x80, 0x7f]),
      [1, -1.125, 448, 2 ** -6, 2 ** -9, -0, NaN],
    ],
    ['U8', stored('U8', [0, 127, 255]), [0, 127, 255]],
  ];
  it.each(cases)('are those of %s', (_, tensor, values) => {
    expect(read(filled({ x: tensor }))['x']).toEqual({ shape: tensor.shape, values });
  });

  it('are read at their places, whatever the order of the header, over pieces of reading', () => {
    const long = Array.from({ length: 600_000 }, (_, i) => i);
    const header = {
      second: { dtype: 'F32', shape: [600_000], data_offsets: [2, 2_400_002] },
      __metadata__: { format: 'pt' },
      empty: { dtype: 'BF16', shape: [0, 3], data_offsets: [2, 2] },
      first: { dtype: 'BF16', shape: [], data_offsets: [0, 2] },
    };
    const data = Buffer.concat([Buffer.from([0x80, 0x3f]), f32([600_000], long).bytes]);
    const found = read(fileOf(`${JSON.stringify(header)}   `, data));
    expect(found['first']).toEqual({ shape: [], values: [1] });
    expect(found['empty']).toEqual({ shape: [0, 3], values: [] });
    expect(found['second'].values).toEqual(long);
  });

  it('may have names of any characters', () => {
    const names = ['one " {[{[{[ alone', 'ends with \\', '', '日本', 'constructor', '__proto__'];
    const header = names.map((name, i) => {
      const tensor = { dtype: 'U8', shape: [1], data_offsets: [i, i + 1] };
      return `${JSON.stringify(name)}: ${JSON.stringify(tensor)}`;
    });
    const bytes = Uint8Array.from(names, (_, i) => i);
    inFolder((folder) => {
      put(folder, { 'a.safetensors': fileOf(`{${header.join(', ')}}`, bytes) });
      const file = openTensorFile(join(folder, 'a.safetensors'));
      expect(file.tensors.map(({ name }) => name)).toEqual(names);
      expect(file.tensors.flatMap((tensor) => [...file.read(tensor)])).toEqual([...bytes]);
      file.close();
    });
  });

  it('are found in a file of 5 GB without reading the rest', () => {
    inFolder((folder) => {
      const path = join(folder, 'large.safetensors');
      const large = 5 * 2 ** 30;
      const header = fileOf({
        large: { dtype: 'U8', shape: [large], data_offsets: [0, large] },
        last: { dtype: 'U8', shape: [1], data_offsets: [large, large + 1] },
      });
      const written = openSync(path, 'w');
      writeSync(written, header);
      ftruncateSync(written, header.length + large);
      writeSync(written, Uint8Array.of(7), 0, 1, header.length + large);
      closeSync(written);
      const file = openTensorFile(path);
      expect([...file.read(file.tensors[1])]).toEqual([7]);
      file.close();
    });
  });

  it('come back as they were written', () => {
    const values = [1, 2.5, -0.1, 1e-40, 5, 6];
    const bytes = Buffer.concat([headerOf('logits', [2, 3]), bytesOf(values)]);
    expect(bytes.readUInt32LE(0) % 8).toBe(0);
    expect(read(bytes)['logits']).toEqual({ shape: [2, 3], values: values.map(Math.fround) });
  });

  it('of other types are refused when they are asked for', () => {
    expect(refusal(filled({ x: stored('I64', [1, 0, 0, 0, 0, 0, 0, 0], [1]) }))).toBe(
      ': "x": expected numbers in one of F64, F32, F16, BF16, F8_E4M3, U8, found I64',
    );
  });
});

describe('a damaged safetensors file', () => {
  const x = (more: object = {}) => ({
    x: { dtype: 'F32', shape: [2], data_offsets: [0, 8], ...more },
  });
  const data = Buffer.alloc(8);
  const lengthOf = (length: bigint, rest = fileOf(x(), data).subarray(8)) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(length);
    return Buffer.concat([bytes, rest]);
  };
  const y = { dtype: 'F32', shape: [2], data_offsets: [8, 16] };
  const bad: [string, Buffer, string | RegExp][] = [
    ['is empty', Buffer.alloc(0), ': expected a safetensors file, found 0 bytes'],
    ['ends in the length', Buffer.alloc(7), ': expected a safetensors file, found 7 bytes'],
    ['has a header beyond the file', lengthOf(10_000n), /header of 2 to 62 bytes, found 10000$/],
    ['has a header of 2^64 - 1 bytes', lengthOf(2n ** 64n - 1n), /, found 18446744073709552000$/],
    [
      'has a header of 100 MB',
      Buffer.concat([fileOf(`${JSON.stringify(x())}${' '.repeat(1e8)}`), data]),
      /header of 2 to 16777216 bytes, found 100000054$/,
    ],
    ['has no header', lengthOf(0n), /, found 0$/],
    [
      'has a header of other bytes than UTF-8',
      lengthOf(7n, Buffer.from('{"\xff":1}', 'latin1')),
      ': header: expected UTF-8, found other bytes',
    ],
    [
      'begins with a byte order mark',
      fileOf(`\ufeff${JSON.stringify(x())}`, data),
      /: header: expected JSON/,
    ],
    [
      'has a header that is no JSON',
      fileOf('{"x": [1,}', data),
      ': header: expected JSON, found "{\\"x\\": [1,}"',
    ],
    [
      'has a header that is a list',
      fileOf('[1]'),
      ': header: expected a JSON object, found a list',
    ],
    ['has a header of a number', fileOf('12'), ': header: expected a JSON object, found 12'],
    [
      'is nested',
      fileOf({ x: { dtype: 'F32', shape: [[2]], data_offsets: [0, 8] } }, data),
      ': header: expected at most 3 levels of nesting, found more',
    ],
    [
      'is nested a million times',
      fileOf('['.repeat(1e6)),
      ': header: expected at most 3 levels of nesting, found more',
    ],
    [
      'names a tensor twice',
      fileOf(`{"x": ${JSON.stringify(x().x)}, "\\u0078" :${JSON.stringify(y)}}`, Buffer.alloc(16)),
      ': header: expected "x" once, found it twice',
    ],
    [
      'names a field twice',
      fileOf('{"x":{"dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8]}}', data),
      ': header: expected "shape" once, found it twice',
    ],
    [
      'has a tensor that is none',
      fileOf({ x: 3 }),
      ': "x": expected dtype, shape and data_offsets, found 3',
    ],
    [
      'has no type',
      fileOf(x({ dtype: undefined }), data),
      /: "x": dtype: expected one of BOOL, .*F64, found nothing$/,
    ],
    [
      'has an unknown type',
      fileOf(x({ dtype: 'constructor' }), data),
      /: "x": dtype: .*found "constructor"$/,
    ],
    [
      'has no shape',
      fileOf(x({ shape: 2 }), data),
      ': "x": shape: expected a list of whole numbers, found 2',
    ],
    [
      'has a negative shape',
      fileOf(x({ shape: [-1, -2] }), data),
      ': "x": shape: expected a list of whole numbers, found [-1,-2]',
    ],
    [
      'has a broken shape',
      fileOf(x({ shape: [0.5, 4] }), data),
      ': "x": shape: expected a list of whole numbers, found [0.5,4]',
    ],
    [
      'has a shape that overflows',
      fileOf(x({ shape: [2 ** 53 - 1, 2 ** 53 - 1, 2] }), data),
      /expected the 6.49\d*e\+32 bytes of F32/,
    ],
    [
      'has another shape',
      fileOf(x({ shape: [3] }), data),
      ': "x": data_offsets: expected the 12 bytes of F32 [3], found 8',
    ],
    [
      'has one offset',
      fileOf(x({ data_offsets: [8] }), data),
      /expected two, rising, up to the 8 bytes of data, found \[8\]$/,
    ],
    ['has three offsets', fileOf(x({ data_offsets: [0, 8, 8] }), data), /found \[0,8,8\]$/],
    ['has falling offsets', fileOf(x({ data_offsets: [8, 0] }), data), /found \[8,0\]$/],
    [
      'has offsets beyond the file',
      fileOf(x({ data_offsets: [8, 16] }), data),
      /up to the 8 bytes of data, found \[8,16\]$/,
    ],
    [
      'has a hole',
      fileOf({ ...x(), y: { ...y, data_offsets: [12, 20] } }, Buffer.alloc(20)),
      ': "y": data_offsets: expected 8, where the tensor before it ends, found 12',
    ],
    [
      'has tensors that overlap',
      fileOf({ ...x(), y: { ...y, data_offsets: [4, 12] } }, Buffer.alloc(12)),
      ': "y": data_offsets: expected 8, where the tensor before it ends, found 4',
    ],
    [
      'has a hole at first',
      fileOf(x({ data_offsets: [4, 12] }), Buffer.alloc(12)),
      ': "x": data_offsets: expected 0, where the tensor before it ends, found 4',
    ],
    [
      'has more than its tensors',
      fileOf(x(), Buffer.alloc(9)),
      /: expected the 70 bytes that its header describes, found 71$/,
    ],
    [
      'has metadata that is no text',
      fileOf({ ...x(), __metadata__: { a: 1 } }, data),
      ': __metadata__: expected texts, found {"a":1}',
    ],
  ];
  it.each(bad)('is refused if it %s', (_, bytes, message) => {
    if (typeof message === 'string') expect(refusal(bytes)).toBe(message);
    else expect(refusal(bytes)).toMatch(message);
  });

  it('is refused wherever it is cut', () => {
    const whole = filled({ a: f32([2], [1, 2]), b: f32([3], [3, 4, 5]) });
    for (let length = 0; length < whole.length; length++)
      expect(refusal(whole.subarray(0, length))).toMatch(/expected .*, found /);
    expect(refusal(whole)).toBe('read');
  });

  it('is either refused in one line or read whole, whatever bytes are changed', () => {
    const whole = filled({ a: f32([2], [1, 2]), b: f32([3, 1], [3, 4, 5]) });
    const change = fc.tuple(
      fc.nat(whole.length - 21),
      fc.constantFrom(...Array.from('0123456789{}[]",: x\\\0ÿ')),
    );
    let refused = 0;
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
        const bytes = Buffer.from(whole);
        for (const [at, character] of changes) bytes.write(character, at, 'latin1');
        const message = refusal(bytes);
        expect(message).toMatch(/^(read|: [^\n]*expected [^\n]*, found [^\n]*)$/);
        if (message !== 'read') refused++;
      }),
      { numRuns: 500, seed: 1 },
    );
    expect(refused).toBeGreaterThan(250);
  });

  it('is no folder, no pipe and no missing file', () => {
    inFolder((folder) => {
      const open = (path: string) => () => openTensorFile(path);
      expect(open(folder)).toThrow(': expected a file, found another thing');
      expect(open(join(folder, 'none'))).toThrow('none: expected a file, found none');
      const pipe = join(folder, 'pipe');
      execFileSync('mkfifo', [pipe]);
      expect(open(pipe)).toThrow('pipe: expected a file, found another thing');
    });
  });

  it('that becomes shorter after it was opened is refused', () => {
    inFolder((folder) => {
      const path = join(
        put(folder, { 'a.safetensors': filled({ a: f32([2], [1, 2]) }) }),
        'a.safetensors',
      );
      const file = openTensorFile(path);
      const shorter = openSync(path, 'r+');
      ftruncateSync(shorter, 66);
      closeSync(shorter);
      expect(() => file.read(file.tensors[0])).toThrow(/: expected \d+ bytes, found 66$/);
      file.close();
    });
  });
});
