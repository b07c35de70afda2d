/** What a model file asks for, in runs: windows where model and workload meet, scaled rotations, bits. */
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { failureOf } from '../src/cli/errors.js';
import { checkRun } from '../src/decode/refusals.js';
import { loadConfig, simulate, type RunDocument } from '../src/index.js';
import { SMALL, temporaryFolder } from './config-files.js';
import { COMMANDS } from './helpers/commands.js';
import { FULL } from './helpers/full.js';

const folder = temporaryFolder();
afterAll(() => folder.remove());

const tiny = JSON.parse(readFileSync('models/tiny.json', 'utf8')) as object;
const NEVER = new AbortController().signal;

/** Regions of few cores: what a field asks for, these do as well as a whole wafer. */
const SIZES = 'placement: { rows: 7, layerColumns: 5, growth: minimal }\n';

/** A configuration of the tiny model with some other fields in its file. */
function configure(fields: object, workload: string, dtype = 'f32', more = SIZES): string {
  const model = folder.write('fields.json', JSON.stringify({ ...tiny, ...fields }));
  return folder.write(
    'run.yaml',
    `hardware: ${SMALL}\nmodel: { config: ${model}, dtype: ${dtype} }\nworkload: ${workload}\n${more}`,
  );
}

async function lineOf(command: string, path: string, sets: string[] = []) {
  try {
    await COMMANDS[command](path, sets, NEVER);
    return '';
  } catch (error) {
    const { exitCode, message } = failureOf(error);
    expect(exitCode).toBe(2);
    return message;
  }
}

describe('a window', () => {
  const window = { model_type: 'mistral', sliding_window: 20 };
  const decode = (context: number, tokens: number) =>
    configure(window, `{ context: ${context}, tokens: ${tokens} }`);
  // What places no model looks at no position.
  const placing = Object.keys(COMMANDS).filter(
    (command) =>
      !['inspect wafer', 'inspect model', 'capacity', 'run --sensitivity'].includes(command),
  );

  it.each(placing)(
    'is slid by %s past its first position',
    async (command) => {
      expect(await lineOf(command, decode(19, 2))).toBe('');
    },
    60_000,
  );

  it('slid past takes as long in every further step, and less than all positions would', async () => {
    const cycles = async (fields: object) =>
      (await simulate(loadConfig(configure(fields, '{ context: 40, tokens: 20 }')), { shards: 1 }))
        .steps;
    const [slid, all] = [await cycles(window), await cycles({})];
    expect(slid.every((step, i) => step.cycles < all[i].cycles)).toBe(true);
  });

  it('that no position reaches changes nothing', async () => {
    const cycles = async (fields: object) =>
      (
        await simulate(loadConfig(configure(fields, '{ context: 15, tokens: 5 }')), {
          shards: 1,
        })
      ).steps;
    expect(await cycles(window)).toEqual(await cycles({}));
  });

  const serving = (prompt: number, more = '') =>
    configure(
      { sliding_window: 100 },
      `
  kind: serving
  context: 32
  requests: 3
  arrivals: { process: fixed, rate: 100 }
  prompt: { mean: ${prompt} }
  output: { mean: 20 }`,
      'f32',
      `${SIZES}serving: { ${more} }\n`,
    );

  it.each(['run', 'capacity'])(
    'does not bound the requests that %s serves',
    async (command) => {
      if (FULL || command !== 'run') expect(await lineOf(command, serving(81))).toBe('');
      if (!FULL && command !== 'run') return;
      expect(await lineOf(command, serving(81, 'maxContext: 100'))).toBe('');
    },
    60_000,
  );
});

describe('a scaled rotary embedding', () => {
  const yarn = { rope_type: 'yarn', factor: 8, original_max_position_embeddings: 64 };
  const scalings: [name: string, rope_scaling: object][] = [
    ['linear', { rope_type: 'linear', factor: 4 }],
    ['YaRN', yarn],
    ['YaRN with an amplitude of its own', { ...yarn, attention_factor: 3 }],
    ['YaRN not rounded to pairs', { ...yarn, truncate: false, beta_fast: 4 }],
    [
      'Llama 3 with equal limits',
      {
        ...{ rope_type: 'llama3', factor: 16, low_freq_factor: 1, high_freq_factor: 1 },
        original_max_position_embeddings: 64,
      },
    ],
  ];
  const mappings: [name: string, sets: string[]][] = [
    ['gqa', ['placement.rows=7', 'placement.layerColumns=5', 'placement.growth=minimal']],
    ['waferllm', ['mapping=waferllm', 'exact=true', 'placement.rows=4']],
  ];
  const run = (fields: object, sets: string[], dtype?: string): Promise<RunDocument> => {
    const path = configure(fields, '{ context: 20, tokens: 3, data: true }', dtype, '');
    return simulate(loadConfig(path, sets), { shards: 1 });
  };

  describe.each(mappings)('in the mapping %s', (mapping, sets) => {
    it.each(FULL || mapping === 'gqa' ? scalings : scalings.slice(1, 3))(
      '%s: the wafer computes what the plain model does',
      async (name, scaling) => {
        const { check } = await run({ rope_scaling: scaling }, sets);
        expect(check!.logitsMaxRelativeError).toBeLessThan(1e-5);
        expect(check!.logitsMaxRelativeError).toBeGreaterThan(0);
        if (!FULL && name !== 'YaRN') return;
        const half = await run({ rope_scaling: scaling }, sets, 'f16');
        expect(half.check!.passed).toBe(true);
      },
      60_000,
    );

    it('takes the same time, cycle by cycle', async () => {
      const cycles = async (fields: object) =>
        (await run(fields, [...sets, 'workload.data=false'])).steps.map((step) => step.cycles);
      const plain = await cycles({});
      for (const [name, rope_scaling] of scalings)
        expect(await cycles({ rope_scaling }), name).toEqual(plain);
    });
  });
});

describe('stored quantisation', () => {
  const fp8 = { quantization_config: { quant_method: 'fp8' } };
  const cyclesOf = async (fields: object, sets: string[] = []) => {
    const config = loadConfig(configure(fields, '{ context: 8 }', 'f16'), sets);
    return (await simulate(config, { shards: 1 })).decode.cyclesPerToken;
  };

  it('is the weight bits of the run, unless the configuration says others', async () => {
    const [wide, narrow] = [await cyclesOf({}), await cyclesOf({}, ['model.weightBits=8'])];
    expect(narrow).not.toBe(wide);
    const eight = { quantization_config: { quant_method: 'bitsandbytes', load_in_8bit: true } };
    expect(await cyclesOf(eight)).toBe(narrow);
    const stored = await cyclesOf(fp8);
    expect(stored).not.toBe(narrow);
    expect(await cyclesOf({}, ['model.bits.rest=fp8', 'model.bits.tables=16'])).toBe(stored);
    expect(await cyclesOf(fp8, ['model.weightBits=16'])).toBe(wide);
  });

  it('of 3 bits is read, and refused by what runs it, by its field and the keys that would do', async () => {
    const int3 = { quantization_config: { quant_method: 'gptq', bits: 3 } };
    const path = configure(int3, '{ context: 8 }', 'f16');
    expect(await lineOf('run', path)).toMatch(
      /quantization_config\.bits: expected weights in a format of model\.bits, or model\.weightBits: 4, 8 or 16 in the configuration, found 3$/,
    );
    expect(loadConfig(path, ['model.weightBits=8']).model.weightBits).toBe(8);
    expect(loadConfig(path, ['model.bits.rest=int4/128']).model.formats?.rest).toEqual({
      ...{ type: 'int4', block: [1, 128] },
    });
  });

  it('that no core widens is refused for each class that model.bits leaves open', () => {
    const int3 = { quantization_config: { quant_method: 'gptq', bits: 3 } };
    const path = configure(int3, '{ context: 8 }', 'f16');
    const run = (...bits: string[]) => {
      checkRun(
        loadConfig(
          path,
          bits.map((of) => `model.bits.${of}`),
        ),
      );
    };
    for (const bits of ['tables=16', 'experts=mxfp4', 'attention=8'])
      expect(() => {
        run(bits);
      }).toThrow(/^quantization_config\.bits: expected weights in a format .*, found 3$/);
    run('rest=8');
  });

  it('is a configuration again as it is resolved', () => {
    const path = configure({}, '{ context: 8 }', 'f16');
    const first = loadConfig(path, ['model.bits.rest=int4/48', 'model.bits.tables=8']);
    const { bits, weightBits } = first.resolved['model'] as {
      bits: Record<string, string | number>;
      weightBits: number;
    };
    expect([bits, weightBits]).toEqual([{ experts: 16, rest: 'int4/48', tables: 8 }, 4]);
    const sets = Object.entries(bits).map(([of, name]) => `model.bits.${of}=${name}`);
    const again = loadConfig(path, [...sets, `model.weightBits=${weightBits}`]);
    expect(again.model).toEqual(first.model);
    expect(() => loadConfig(path, [...sets, 'model.weightBits=8'])).toThrow(
      'model.bits: expected none next to model.weightBits, found some',
    );
    for (const name of ['int4/0', 'int4/4.5', 'int4/032', 'int4/1048577', 'int3'])
      expect(() => loadConfig(path, [`model.bits.rest=${name}`])).toThrow(
        `model.bits.rest: expected 32 or 16 or 8 or 4 or fp8 or mxfp4 or int4 or int4/N, N inputs in a group, found "${name}"`,
      );
  });

  it('next to model.bits wins where these say nothing, and is never set next to weightBits', async () => {
    const path = configure(fp8, '{ context: 8 }', 'f16');
    const { formats } = loadConfig(path, ['model.bits.tables=8']).model;
    expect(formats).toEqual({
      ...{ experts: { type: 'fp8', block: [128, 128] }, rest: { type: 'fp8', block: [128, 128] } },
      tables: { type: 'i8' },
    });
    expect(() => loadConfig(path, ['model.bits.rest=8', 'model.weightBits=8'])).toThrow(
      'model.bits: expected none next to model.weightBits, found some',
    );
    expect(() => loadConfig(path, ['model.bits.rest=32'])).toThrow(
      'model.bits.rest: expected a format of fewer bits or the 16 of f16, found 32',
    );
  });

  it('in f32 keeps 32 bits where they are asked for', () => {
    const path = configure(fp8, '{ context: 8 }');
    expect(loadConfig(path).model.weightBits).toBe(8);
    expect(loadConfig(path, ['model.weightBits=32']).model.weightBits).toBe(32);
  });

  it('is explained', async () => {
    const text = String(await COMMANDS['explain'](configure(fp8, '{ context: 8 }'), [], NEVER));
    expect(text).toMatch(/stores its weights as fp8/);
  });
});
