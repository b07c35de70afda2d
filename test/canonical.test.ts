/** Hashes of values: the same for the same content, whatever the order of keys. */
import { describe, expect, it } from 'vitest';
import { sha256Of } from '../src/config/json.js';

describe('a hash', () => {
  it('is the same whatever the order of keys, at every depth, in lists too', () => {
    const one = { a: 1, b: [{ c: 2, d: { e: [3], f: null } }] };
    const other = { b: [{ d: { f: null, e: [3] }, c: 2 }], a: 1 };
    expect(sha256Of(one)).toBe(sha256Of(other));
    expect(sha256Of(one)).toMatch(/^[0-9a-f]{64}$/);
  });

  it('is another for another order of a list, value, key, type and depth', () => {
    const all = [
      ...[[1, 2], [2, 1], [1, 2, 2], [[1, 2]], { a: [1, 2] }, { b: [1, 2] }],
      ...[{ a: 1 }, { a: '1' }, { a: 1, b: null }, { a: { a: 1 } }, {}, [], null, 0, '', false],
    ];
    expect(new Set(all.map(sha256Of)).size).toBe(all.length);
  });

  it('does not see what JSON leaves out', () => {
    expect(sha256Of({ a: 1, b: undefined })).toBe(sha256Of({ a: 1 }));
  });
});
