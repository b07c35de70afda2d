import { readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { configHash, configSchema, loadConfig, loadHardware } from '../src/config.js';
import { SMALL, temporaryFolder, TINY } from './config-files.js';

const folder = temporaryFolder();
afterAll(folder.remove);

const MINIMAL = `hardware: ${SMALL}\nmodel: ${TINY}\n`;

describe('a configuration', () => {
  it('of hardware and model alone has every default', () => {
    const config = loadConfig(folder.write('minimal.yaml', MINIMAL));
    expect(config).toMatchObject({
      mapping: 'gqa',
      exact: false,
      workload: { context: 511, batch: 1, tokens: 1, data: false, seed: 1 },
      placement: { strategy: 'row-major', growth: 'fill' },
      model: { name: 'tiny', dtype: 'f16', weightBits: 16 },
      wafer: { name: 'small', width: 32, height: 24 },
      modelFile: TINY,
      hardwareFile: SMALL,
    });
    expect(config.resolved).toMatchObject({
      hardware: { extends: SMALL, clock: 0.875e9, fabric: { hopCycles: 2 } },
      model: { config: TINY, dtype: 'f16', weightBits: 16, spec: { dim: 48, layers: [0, 0] } },
      workload: config.workload,
      placement: config.placement,
    });
    expect(JSON.parse(JSON.stringify(config.resolved))).toEqual(config.resolved);
  });

  it.each([
    ['tiny', []],
    ['gpt-oss-120b', ['hardware.wafers=auto']],
    ['qwen3-30b-a3b', ['model.bits.experts=int4/64', 'placement.layers=split']],
    ['llama-3.1-8b', ['model.weightBits=8', 'workload.batch=3', 'hardware.defects.rate=0.001']],
    ['tiny', ['model.dtype=f32', 'workload.prompt=[3,4]', 'workload.tokens=2']],
  ])('runs again as it was resolved, of %s with %s', (model, sets) => {
    const text = 'hardware: wse3\nmodel: {config: tiny}\n';
    const path = folder.write('first.yaml', text.replace('tiny', model));
    const { resolved, canonical } = loadConfig(path, sets);
    const again = loadConfig(folder.write('again.yaml', JSON.stringify(resolved)));
    expect(again.resolved).toEqual(resolved);
    expect(configHash(again.canonical)).toBe(configHash(canonical));
    expect(() => loadConfig(join(folder.path, 'again.yaml'), ['model.spec.dim=7'])).toThrow(
      'model.spec: expected what model.config and the other settings say, or no such key',
    );
  });

  it('takes its own file over the one that it extends, key by key', () => {
    folder.write('base.yaml', `${MINIMAL}workload: {context: 100, batch: 3}\n`);
    const path = folder.write('child.yaml', 'extends: base.yaml\nworkload:\n  batch: 5\n');
    expect(loadConfig(path).workload).toMatchObject({ context: 100, batch: 5 });
  });

  it('names a model after its file, or its folder where the file is config.json', () => {
    const text = readFileSync(TINY, 'utf8');
    for (const file of ['config.json', 'Some-Llama.json']) folder.write(file, text);
    const nameOf = (file: string) =>
      loadConfig(folder.write('named.yaml', `hardware: ${SMALL}\nmodel: ${file}\n`)).model.name;
    expect(nameOf('Some-Llama.json')).toBe('Some-Llama');
    expect(nameOf('config.json')).toBe(basename(folder.path));
  });

  it('may override its hardware, with or without units', () => {
    const text = `hardware:\n  extends: ${SMALL}\n  clock: 0.9 GHz\n  core:\n    sram: 64 KiB\n  fabric: {queueDepth: 2}\nmodel: ${TINY}\n`;
    const { wafer, provenance } = loadConfig(folder.write('over.yaml', text));
    expect(wafer).toMatchObject({ clockHz: 0.9e9, core: { sramBytes: 65536 } });
    expect(wafer.fabric).toMatchObject({ queueDepth: 2, hopCycles: 2 });
    expect(provenance['clock']).toEqual({ source: `${join(folder.path, 'over.yaml')}:3:10` });
    expect(provenance['fabric.hopCycles']).toMatchObject({ grade: 'B', range: [1, 2] });
  });

  it('finds files relative to the one that names them, also through extends', () => {
    const child = folder.write('far.yaml', `extends: ${resolve('configs/tiny.yaml')}\n`);
    expect(loadConfig(child).hardwareFile).toBe(SMALL);
    const config = loadConfig('configs/tiny.yaml');
    expect(config.modelFile).toBe('models/tiny.json');
    expect(config.hardwareFile).toBe('configs/hardware/small.yaml');
    expect(config.resolved).toMatchObject({ model: { config: '../models/tiny.json' } });
  });
});

describe('--set', () => {
  const cases: [string, object][] = [
    ['model=models/llama-3.1-8b.json', { model: { dim: 4096, dtype: 'f32' } }],
    ['model=../models/llama-3.1-8b.json', { modelFile: 'models/llama-3.1-8b.json' }],
    ['hardware=configs/hardware/wse2.yaml', { wafer: { name: 'WSE-2', height: 994 } }],
    ['hardware=hardware/wse2.yaml', { hardwareFile: 'configs/hardware/wse2.yaml' }],
    ['model.weightBits=8', { model: { weightBits: 8, dtype: 'f32' } }],
    ['model.dtype=f16', { model: { weightBits: 16, dtype: 'f16' } }],
    ['hardware.wafers=2', { wafer: { wafers: 2 } }],
    ['hardware.wafers=auto', { wafer: { wafers: 'auto' } }],
    ['hardware.clock=1.1GHz', { wafer: { clockHz: 1.1e9 } }],
    ['hardware.clock=875000000', { wafer: { clockHz: 875e6 } }],
    ['hardware.fabric.hopCycles=2', { wafer: { fabric: { hopCycles: 2 } } }],
    ['hardware.fabric.hopCycles=3 cycles', { wafer: { fabric: { hopCycles: 3 } } }],
    [
      'hardware.costs.matvec.row.f16=4.84',
      { wafer: { costs: { matvec: { row: { f16: 4.84 } } } } },
    ],
    ['placement.strategy=snake', { placement: { strategy: 'snake', growth: 'fill' } }],
    ['placement.groups=4', { placement: { groups: 4 } }],
    ['workload.context=1024', { workload: { context: 1024, tokens: 3 } }],
    ['mapping=waferllm', { mapping: 'waferllm' }],
  ];

  it.each(cases)('%s wins over the file', (set, result) => {
    expect(loadConfig('configs/tiny.yaml', [set])).toMatchObject(result);
  });

  it('keeps the order: the last one wins', () => {
    const sets = ['workload.batch=2', 'workload.batch=7'];
    expect(loadConfig('configs/tiny.yaml', sets).workload.batch).toBe(7);
  });

  it('replaces a number together with its source and range', () => {
    const { provenance } = loadConfig('configs/tiny.yaml', ['hardware.clock=0.9 GHz']);
    expect(provenance['clock']).toEqual({ source: '--set hardware.clock=0.9 GHz' });
  });

  it('reaches a hardware file loaded alone', () => {
    const { wafer } = loadHardware('configs/hardware/wse3.yaml', ['hardware.fabric.queueDepth=9']);
    expect(wafer.fabric).toEqual({ colors: 24, hopCycles: 2, rampCycles: 2, queueDepth: 9 });
  });
});

describe('the hash of a configuration', () => {
  const hash = (...sets: string[]) => configHash(loadConfig('configs/tiny.yaml', sets).resolved);

  it('is 16 hexadecimal digits and does not depend on the order of keys', () => {
    expect(hash()).toMatch(/^[0-9a-f]{16}$/);
    expect(configHash({ a: 1, b: [{ c: 2, d: 3 }] })).toBe(
      configHash({ b: [{ d: 3, c: 2 }], a: 1 }),
    );
  });

  it('is the same for a default and for the default written out', () => {
    expect(hash('workload.batch=1')).toBe(hash());
  });

  it('changes with any setting, of workload, hardware or model', () => {
    const sets = ['workload.seed=2', 'hardware.costs.scalar.exp=41', 'model.dtype=f16'];
    expect(new Set([hash(), ...sets.map((set) => hash(set))]).size).toBe(4);
  });

  it('distinguishes the order of a list', () => {
    expect(configHash([1, 2])).not.toBe(configHash([2, 1]));
  });
});

describe('the JSON Schema', () => {
  it('in configs/ is the one of this version (wafersim schema > configs/wafersim.schema.json)', () => {
    const file = JSON.parse(readFileSync('configs/wafersim.schema.json', 'utf8')) as unknown;
    expect(file).toEqual(configSchema());
  });

  it('is draft-07, allows paths for hardware and model, and no unknown keys', () => {
    const minimum = expect.objectContaining({ minimum: 1 }) as unknown;
    expect(configSchema()).toMatchObject({
      $schema: 'http://json-schema.org/draft-07/schema#',
      additionalProperties: false,
      properties: {
        hardware: { anyOf: [{ type: 'string' }, { $ref: '#/definitions/hardware' }] },
        model: { anyOf: [{ type: 'string' }, { properties: { dtype: { enum: ['f16', 'f32'] } } }] },
        workload: { properties: { context: { default: 4096 } } },
      },
      definitions: {
        hardware: {
          additionalProperties: false,
          properties: { fabric: { properties: { hopCycles: { anyOf: [minimum, {}, {}] } } } },
        },
        stated: { required: ['value'] },
      },
    });
    expect(configSchema()).not.toHaveProperty('definitions.hardware.required');
  });
});
