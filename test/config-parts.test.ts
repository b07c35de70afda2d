/** The parts that configurations are read with: trees over each other, words that were meant, units, files. */
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { readText } from '../src/config/files.js';
import { closest } from '../src/config/problems.js';
import { merge, plain } from '../src/config/tree.js';
import { readUnits } from '../src/config/quantity.js';
import { readYaml } from '../src/config/yaml.js';
import { complaint, SMALL, temporaryFolder, TINY } from './config-files.js';

const folder = temporaryFolder();
afterAll(folder.remove);

describe('a text that is read again', () => {
  it('is what it says now, and where: of another file, or another text of the same one', () => {
    const first = readYaml('a: 1', 'one');
    expect(readYaml('a: 1', 'one')).toEqual(first);
    expect(plain(readYaml('a: 2', 'one'))).toEqual({ a: 2 });
    expect(plain(readYaml('a: 1', 'one'))).toEqual({ a: 1 });
    const other = readYaml('a: 1', 'other');
    expect([plain(other), other.origin.label]).toEqual([{ a: 1 }, 'other:1:1']);
  });

  it('is still what it was after others were laid over it, and after many more were read', () => {
    const read = () => readYaml('a: { b: 1 }', 'base');
    merge(read(), readYaml('a: { b: 2, c: 3 }', 'overlay'));
    expect(plain(read())).toEqual({ a: { b: 1 } });
    for (let i = 0; i < 40; i++) readYaml(`a: ${i}`, `file ${i}`);
    expect(plain(read())).toEqual({ a: { b: 1 } });
  });
});

describe('a tree over another', () => {
  const merged = (base: string, overlay: string) =>
    plain(merge(readYaml(base, 'base'), readYaml(overlay, 'overlay')));

  it('wins key by key', () => {
    expect(merged('a: { b: 1, c: { d: 2 } }', 'a: { c: { e: 3 }, b: 4 }\nf: 5')).toEqual({
      a: { b: 4, c: { d: 2, e: 3 } },
      f: 5,
    });
    expect(merged('a: { b: 1 }', 'a: 2')).toEqual({ a: 2 });
    expect(merged('a: 2', 'a: { b: 1 }')).toEqual({ a: { b: 1 } });
    expect(merged('a: [1, 2]', 'a: [3]')).toEqual({ a: [3] });
  });

  it('replaces a number that is stated with its source whole, by another one or by anything', () => {
    const stated = 'a: { value: 1, source: one, grade: A }';
    expect(merged(stated, 'a: { value: 2, source: two }')).toEqual({
      a: { value: 2, source: 'two' },
    });
    // A source belongs to the number that it is of.
    expect(merged(stated, 'a: { source: two }')).toEqual({ a: { source: 'two' } });
    expect(merged('a: { source: two }', stated)).toEqual({
      a: { value: 1, source: 'one', grade: 'A' },
    });
  });
});

describe('the word that was meant', () => {
  it('differs in one letter if it is short, in two if it has four, in a third of a longer one', () => {
    const meant = (word: string, known: string) => closest(word, [known]) === known;
    expect([meant('rwo', 'row'), meant('rox', 'row'), meant('rows', 'row')]).toEqual([
      false,
      true,
      true,
    ]);
    expect([meant('rxx', 'row'), meant('roxx', 'rows'), meant('rxxx', 'rows')]).toEqual([
      false,
      true,
      false,
    ]);
    expect([meant('strateXXX', 'strategic'), meant('straXXXXX', 'strategic')]).toEqual([
      true,
      false,
    ]);
    expect(closest('ROWS', ['cows', 'rows'])).toBe('rows');
    expect(closest('x', [])).toBeUndefined();
  });
});

describe('a number with a unit', () => {
  it('keeps ten digits and more, and loses what prefixes add', () => {
    expect(readUnits('1.234567891 GHz', 'frequency')).toBe(1_234_567_891);
    expect(readUnits('12.3456789012 GHz', 'frequency')).toBe(12_345_678_901.2);
    expect(readUnits('0.3 us', 'time')).toBe(3e-7);
    expect(readUnits('48 KiB', 'memory')).toBe(49_152);
    expect(readUnits('123456789.5 cycles', 'cycles')).toBe(123_456_789.5);
    expect(readUnits('48 kHz', 'memory')).toBeUndefined();
  });
});

describe('a file', () => {
  it('of a setting is looked for here, then where the configuration is, and named as it was given', () => {
    folder.write('there.json', readFileSync(TINY, 'utf8'));
    const path = folder.write('run.yaml', `hardware: ${SMALL}\nmodel: ${TINY}\n`);
    const load = (model: string) => loadConfig(path, [`model=${model}`]).modelFile;
    expect(load('models/tiny.json')).toBe('models/tiny.json');
    expect(load('there.json')).toBe(join(folder.path, 'there.json'));
    expect(() => load('no/such.json')).toThrow('model: expected the file no/such.json, found');
  });

  it('of more than 256 MiB is not read', () => {
    const path = join(folder.path, 'long');
    writeFileSync(path, '');
    truncateSync(path, 2 ** 28 + 1);
    expect(complaint(() => readText({ path, from: 'x' }), folder)).toBe(
      'x: expected the file long, found 268435457 bytes, more than 268435456',
    );
  });
});
