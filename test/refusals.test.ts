/** Every command on every mapping: a result, or one line that names the key and what would do. */
import { describe, expect, it } from 'vitest';
import { failureOf } from '../src/cli/errors.js';
import { loadConfig, placementOf } from '../src/index.js';
import { MAPPING_NAMES } from '../src/mapping/mappings.js';
import { COMMANDS } from './helpers/commands.js';
import { cases, FULL } from './helpers/full.js';

const NEVER = new AbortController().signal;
const small = ['workload.tokens=1', 'workload.data=false'];
/** A wafer on which one variant after the other is simulated soon. */
const quick = [...small, 'hardware.width=20', 'hardware.height=8'];
const qwen = 'model.config=models/tiny-qwen3.json';

/** The line and the exit code with which a command ends; none and 0 if it has a result. */
async function outcome(command: string, path: string, sets: string[]) {
  try {
    await COMMANDS[command](path, sets, NEVER);
    return { exitCode: 0, message: '' };
  } catch (error) {
    return failureOf(error);
  }
}

const VARIANTS: Record<string, string[]> = {
  tiny: [],
  'tiny-qwen3': [qwen],
  '8 bits': ['model.weightBits=8'],
  f16: ['model.dtype=f16'],
  batch: ['workload.batch=3'],
  'a dead core': ['hardware.defects.cores=1,1'],
  minimal: ['placement.growth=minimal'],
  columns: ['placement.layerColumns=6'],
  groups: ['placement.groups=2'],
  'an empty cache': ['workload.context=0'],
};

/** What the waferllm mapping refuses, and what it says; every command that maps a model says it. */
const REFUSED: Record<string, RegExp> = {
  'tiny-qwen3':
    /^mapping: expected gqa, as waferllm does not normalise queries and keys, .*, found waferllm$/,
  '8 bits': /^model\.weightBits: expected 32 with mapping: waferllm, found 8$/,
  batch: /^workload\.batch: expected 1 with mapping: waferllm, which serves one user, found 3$/,
  'a dead core': /^hardware\.defects: expected none with mapping: waferllm, found some$/,
  columns: /^placement\.layerColumns: expected none with mapping: waferllm, .*, found 6$/,
};

const UNMAPPED = ['inspect wafer', 'inspect model'];
const ON_A_DECODE_RUN = Object.keys(COMMANDS).filter((command) => command !== 'capacity');

/** These simulate as `run` does and take longer: one model will do in `npm test`. */
const AGAIN = ['run --no-memo', 'run --engine reference', 'diff', 'fleet'];

describe.each(ON_A_DECODE_RUN)('%s', (command) => {
  // Simulates a step for each end of a range: of one model that will do.
  const isSweep = command === 'run --sensitivity';
  const isOnce = isSweep || (!FULL && AGAIN.includes(command));
  const mapped = Object.entries(VARIANTS).slice(0, isOnce ? 1 : undefined);
  it.skipIf(isSweep && !FULL).each(mapped)(
    'with %s in the default mapping',
    async (_, sets) => {
      expect(await outcome(command, 'configs/tiny.yaml', [...quick, ...sets])).toEqual({
        exitCode: 0,
        message: '',
      });
    },
    60_000,
  );

  const published = Object.entries(VARIANTS).filter(
    ([name]) => command !== 'run --sensitivity' || (FULL && name === 'tiny') || name in REFUSED,
  );
  it.each(published)(
    'with %s in the waferllm mapping',
    async (name, sets) => {
      const all = [...quick, 'mapping=waferllm', 'placement.rows=6', ...sets];
      const { exitCode, message } = await outcome(command, 'configs/tiny.yaml', all);
      const refused =
        command === 'fleet' ? /^mapping: expected gqa, .* found waferllm$/ : REFUSED[name];
      if (refused === undefined || UNMAPPED.includes(command)) {
        expect({ exitCode, message }).toEqual({ exitCode: 0, message: '' });
      } else {
        expect(message).toMatch(refused);
        expect(exitCode).toBe(2);
      }
    },
    60_000,
  );
});

describe('a serving workload', () => {
  const few = ['workload.requests=20'];
  const regions = ['placement.rows=6', 'placement.layerColumns=5'];
  const maps = Object.keys(COMMANDS).filter(
    (command) => !UNMAPPED.includes(command) && command !== 'run --sensitivity',
  );
  it.each(maps)('is refused by %s in the waferllm mapping', async (command) => {
    const sets = [...few, 'mapping=waferllm'];
    const { exitCode, message } = await outcome(command, 'configs/serving-tiny.yaml', sets);
    expect(message).toMatch(
      /^mapping: expected gqa, as waferllm serves one user, .*found waferllm$/,
    );
    expect(exitCode).toBe(2);
  });

  it.each(['run', 'capacity', 'fleet'])(
    'is served by %s in the default mapping',
    async (command) => {
      for (const sets of cases([[]], [[qwen], ['model.weightBits=8']]))
        expect(
          await outcome(command, 'configs/serving-tiny.yaml', [...few, ...regions, ...sets]),
        ).toEqual({
          exitCode: 0,
          message: '',
        });
    },
    60_000,
  );
});

it('every mapping has its commands here', () => {
  expect(MAPPING_NAMES).toEqual(['gqa', 'waferllm']);
});

describe('one door', () => {
  const refusal = (...sets: string[]) => {
    try {
      placementOf(loadConfig('configs/tiny.yaml', [...small, ...sets]));
    } catch (error) {
      const { exitCode, message } = failureOf(error);
      expect(exitCode).toBe(2);
      return message;
    }
    return 'placed';
  };
  const waferllm = ['mapping=waferllm', 'placement.rows=6'];

  it('refuses groups that a line of cores cannot form, and takes the most that it can', () => {
    expect(refusal(...waferllm, 'placement.groups=7')).toBe(
      'placement.groups: expected at most 6, the cores of a row, found 7',
    );
    expect(refusal(...waferllm, 'placement.groups=6')).toBe('placed');
    const groups = (column: number, row: number, head: number) =>
      refusal(
        ...['placement.rows=5', 'placement.layerColumns=7', `placement.groups.column=${column}`],
        ...[`placement.groups.row=${row}`, `placement.groups.head=${head}`],
      );
    expect(groups(5, 7, 3)).toBe('placed');
    expect(groups(6, 7, 3)).toMatch(/^placement\.groups\.column: expected at most 5, .* found 6$/);
    expect(groups(5, 8, 3)).toMatch(/^placement\.groups\.row: expected at most 7, .* found 8$/);
    // Seven columns for two KV heads: three for each.
    expect(groups(5, 7, 4)).toMatch(/^placement\.groups\.head: expected at most 3, .* found 4$/);
  });

  it('wants exact with numbers in the waferllm mapping', () => {
    expect(refusal(...waferllm, 'workload.data=true')).toMatch(
      /^exact: expected true with workload\.data, /,
    );
    expect(refusal(...waferllm, 'workload.data=true', 'exact=true')).toBe('placed');
  });

  it('wants columns for as many layers as there are', () => {
    const config = loadConfig('configs/tiny.yaml', small);
    const placement = { ...config.placement, layerColumns: [4, 4, 4] };
    expect(() => placementOf({ ...config, placement })).toThrow(
      'placement.layerColumns: expected one for each of 2 layers, found 3',
    );
  });

  it('says which bits the file has stored, where those are refused', () => {
    const config = loadConfig('configs/tiny.yaml', [...small, ...waferllm]);
    const model = { ...config.model, weightBits: 8 as const, stored: 'fp8' };
    expect(() => placementOf({ ...config, model })).toThrow(
      "model.weightBits: expected 32 with mapping: waferllm, found 8, as fp8 in the model's file",
    );
  });
});
