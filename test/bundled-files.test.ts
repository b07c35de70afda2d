/** Bundled hardware, models and GPUs by their names. */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { bundledNames, hintFor, unknownName } from '../src/config/bundled-files.js';
import { loadConfig, loadHardware } from '../src/config.js';
import { readSuite } from '../src/studies/bench/suite.js';
import { complaint, SMALL, temporaryFolder, TINY } from './config-files.js';

const folder = temporaryFolder();
afterAll(folder.remove);

const load = (text: string, ...sets: string[]) => loadConfig(folder.write('run.yaml', text), sets);
const wrong = (text: string, ...sets: string[]) =>
  complaint(() => load(text, ...sets), folder).replace(/^run\.yaml:/, '');

describe('a bundled file', () => {
  it('is found by its name from any folder, as hardware, model or GPU', () => {
    const config = load('hardware: wse2\nmodel: llama-3.1-8b\nserving: { gpus: [h100] }\n');
    expect(config.wafer.name).toBe('WSE-2');
    expect(config.model).toMatchObject({ name: 'llama-3.1-8b', dim: 4096 });
    expect(config.gpuFiles).toEqual([expect.stringMatching(/configs.gpu.h100\.yaml$/)]);
    expect(config.resolved).toMatchObject({
      hardware: { extends: 'wse2' },
      model: { config: 'llama-3.1-8b' },
    });
  });

  it('is found by its name in a longer form, from the command line, under a file of its own', () => {
    const long = load(
      'hardware: { extends: wse3, width: 100 }\nmodel: { config: tiny, dtype: f32 }\n',
    );
    expect(long.wafer).toMatchObject({ width: 100, height: 1160 });
    const set = load(`hardware: ${SMALL}\nmodel: ${TINY}\n`, 'hardware=wse3', 'model=tiny-qwen3');
    expect(set).toMatchObject({ wafer: { name: 'WSE-3' }, model: { family: 'qwen3' } });
    folder.write('mine.yaml', 'extends: small\nname: mine\n');
    expect(load('hardware: mine.yaml\nmodel: tiny\n').wafer).toMatchObject({
      name: 'mine',
      width: 32,
    });
    expect(loadHardware('wse2').wafer.name).toBe('WSE-2');
    expect(load('hardware: cs4\nmodel: tiny\n').wafer).toMatchObject({ name: 'CS-4', wafers: 3 });
  });

  it('is found by its name in a suite of benchmarks', () => {
    const suite =
      'schema: wafersim.suite/1\ncases:\n  - { id: a, kernel: broadcast, hardware: wse2, options: { pes: 4, words: 4 } }\n';
    expect(readSuite(folder.write('suite.yaml', suite))[0]).toMatchObject({
      hardware: expect.stringMatching(/configs.hardware.wse2\.yaml$/) as string,
      written: 'wse2',
    });
  });

  it('yields to a file of its very name next to the configuration, and to no folder', () => {
    const text = 'hardware: small\nmodel: tiny\n';
    expect(load(text).model.layers).toHaveLength(2);
    copyFileSync('models/llama-3.1-8b.json', join(folder.path, 'tiny'));
    expect(load(text).model.layers).toHaveLength(32);
    // A run directory of that name is no hardware.
    const below = folder.write('small-is-a-folder.yaml', 'hardware: configs\nmodel: tiny\n');
    expect(() => loadConfig(below)).toThrow(/^[^\n]*expected .* found configs, which is neither$/);
  });
});

describe('a name that no bundled file has', () => {
  const HARDWARE = 'expected the path of a file or one of cs4, small, wse2, wse3, found';

  it('is refused with those that there are, and the nearest', () => {
    expect(wrong('hardware: wse4\nmodel: tiny\n')).toBe(
      `1:11: hardware.extends: ${HARDWARE} wse4, which is neither; did you mean wse2?`,
    );
    expect(wrong('hardware: wse3\nmodel: lama-3.1-8b\n')).toMatch(
      /^2:8: model: expected .*llama-3\.1-405b, .* found lama-3\.1-8b, which is neither; did you mean llama-3\.1-8b\?$/,
    );
    expect(wrong('hardware: wse3\nmodel: tiny\n', 'hardware=quantum')).toBe(
      `--set hardware=quantum: hardware.extends: ${HARDWARE} quantum, which is neither`,
    );
  });

  it('that is a path is missing as a path, and a bundled file of that name is pointed to', () => {
    expect(wrong('hardware: ../../wse3.yaml\nmodel: tiny\n')).toMatch(
      /^1:11: hardware\.extends: expected the file .*wse3\.yaml, found no such file; wse3 alone names the bundled one$/,
    );
    expect(wrong('hardware: wse3\nmodel: nowhere.json\n')).toMatch(/found no such file$/);
  });
});

describe('what is a path rather than a name', () => {
  it.each(['a/b', './wse9', '.hidden', 'mine.yaml', 'mine.YML', 'MINE.JSON', 'with space'])(
    '%s',
    (path) => {
      expect(unknownName('hardware', path)).toBeUndefined();
    },
  );

  it('is pointed to a bundled file only if that has its name', () => {
    expect(hintFor('hardware', 'there/wse3.yaml')).toBe('wse3 alone names the bundled one');
    expect(hintFor('model', 'there/tiny.json')).toBe('tiny alone names the bundled one');
    expect(hintFor('hardware', 'there/wse9.yaml')).toBeUndefined();
    expect(hintFor('gpu', 'wse3.yaml')).toBeUndefined();
  });
});

describe('the names', () => {
  it('are those of the files, and their endings and folders are no part of them', () => {
    expect(bundledNames('hardware')).toEqual(['cs4', 'small', 'wse2', 'wse3']);
    expect(bundledNames('model')).toContain('llama-3.1-8b');
    expect(bundledNames('gpu')).toEqual(['a100', 'b200', 'h100']);
  });
});
