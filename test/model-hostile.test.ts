/** Files of every family, spoilt field by field: a model whose numbers are right, or one line that names a field. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { missingIn } from '../src/decode/refusals.js';
import { FAMILIES } from '../src/model/families/families.js';
import { ModelError } from '../src/model/errors.js';
import { importHfConfig } from '../src/model/hf-config.js';
import { layerOf } from '../src/model/model.js';
import {
  activeParameters,
  cacheBytes,
  mtpParameters,
  operatorsOf,
  parameterCount,
  weightBytes,
} from '../src/model/operators.js';
import { PUBLISHED } from './helpers/published-dense.js';

type Json = Record<string, unknown>;

/** Each family's own defaults as a file. */
const ofDefaults = Object.entries(FAMILIES).map(([model_type, { defaults, sizes }]) => ({
  ...{ ...sizes, ...defaults, model_type },
  hidden_size_per_layer_input: 0,
}));
const real = new URL('../../shared/hf-configs/', import.meta.url);
const published = existsSync(real)
  ? readdirSync(real)
      .filter((name) => name.endsWith('.json'))
      .map((name) => JSON.parse(readFileSync(new URL(name, real), 'utf8')) as Json)
  : [];
const FILES: Json[] = [...ofDefaults, ...PUBLISHED.map(([, , config]) => config), ...published];

const NASTY: unknown[] = [
  ...[null, true, false, 0, 1, 2, 3, -1, 0.5, 1e-300, 1e9, 1e15, 2 ** 53, 1e308, NaN, Infinity],
  ...['', 'x', '8', 'constructor', '__proto__', 'full_attention', 'linear', 'yarn', 'longrope'],
  ...[[], [null], [1, 2], ['full_attention'], {}, { rope_type: 'yarn' }, { full_attention: {} }],
  { quant_method: 'fp8', weight_block_size: 'x' },
];

/** A path of a file, and what stands there instead; undefined: nothing. */
const spoilt = fc.constantFrom(...FILES).chain((file) => {
  const paths = Object.keys(file).flatMap((key): string[][] => {
    const value = file[key];
    const inner = typeof value === 'object' && value !== null ? Object.keys(value) : [];
    return [[key], ...inner.map((name) => [key, name])];
  });
  const more = [
    'rope_scaling',
    'rope_parameters',
    'layer_types',
    'quantization_config',
    'text_config',
  ];
  const path = fc.constantFrom(...paths, ...more.map((name) => [name]));
  const change = fc.tuple(path, fc.constantFrom(undefined, ...NASTY));
  return fc.array(change, { minLength: 1, maxLength: 3 }).map((changes) => {
    const copy = structuredClone(file);
    for (const [[key, name], value] of changes) {
      if (name === undefined) copy[key] = value;
      else if (typeof copy[key] === 'object' && copy[key] !== null)
        (copy[key] as Json)[name] = value;
      for (const of of [copy, copy[key]]) dropUndefined(of);
    }
    return copy;
  });
});

function dropUndefined(json: unknown): void {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return;
  for (const key of Object.keys(json))
    if ((json as Json)[key] === undefined) delete (json as Json)[key];
}

function check(json: Json): void {
  let model;
  try {
    model = importHfConfig(json, { name: 'm' });
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    expect(error.message).toMatch(/^[\w.]+: expected [^\n]+, found [^\n]+$/);
    expect(error.message).not.toMatch(/undefined|Invalid|\[object/);
    expect(error.message.startsWith(error.field)).toBe(true);
    return;
  }
  const total = parameterCount(model);
  const { active, withoutTable } = activeParameters(model);
  const counts = [total, active, withoutTable, weightBytes(model), mtpParameters(model)];
  for (const count of [...counts, cacheBytes(model, 100)])
    expect(Number.isFinite(count) && count >= 0).toBe(true);
  expect(active).toBeLessThanOrEqual(total);
  for (const { count, used, copies, flops } of operatorsOf(model)) {
    expect(count).toBeGreaterThan(0);
    expect(used).toBeLessThanOrEqual(copies);
    expect(flops).toBeGreaterThanOrEqual(0);
  }
  expect(model.layers.every((_, layer) => layerOf(model, layer) !== undefined)).toBe(true);
  expect(missingIn(model).every((line) => !line.includes('\n'))).toBe(true);
}

describe('a spoilt file', () => {
  it.each(FILES.map((file, i) => [i, file['model_type'], file] as const))(
    'whole: %i, %s',
    (_, __, file) => {
      check(file);
    },
  );

  it('becomes a model, or one line that names a field', () => {
    fc.assert(fc.property(spoilt, check), { numRuns: 1000, seed: 1 });
  });

  it('of more parameters than numbers can count is refused', () => {
    const huge = {
      ...{ model_type: 'mixtral', hidden_size: 131_072, intermediate_size: 524_288 },
      ...{ num_hidden_layers: 1024, num_attention_heads: 8, vocab_size: 9 },
      ...{ num_local_experts: 65_536, num_experts_per_tok: 1, head_dim: 8 },
    };
    expect(() => importHfConfig(huge, { name: 'm' })).toThrow(
      /^model: expected at most 2\^53 parameters, found /,
    );
  });
});
