/**
 * The rotary fields of a `config.json`: `rope_theta` and `rope_scaling` of older files, and
 * `rope_parameters` of newer ones, where each kind of layer may have its own. What the numbers mean:
 * Hugging Face transformers, src/transformers/modeling_rope_utils.py.
 */
import { z } from 'zod';
import { between, flag, name, parse, whole, isFields, type Fields } from './fields.js';
import { unexpected } from './errors.js';
import { ROPE_THETA } from './families.js';
import type { RopeScaling } from './attention-spec.js';

export const ROPE_TYPES: readonly unknown[] = ['default', 'linear', 'llama3', 'yarn'];

const rope = z.looseObject(
  { rope_type: name.nullish(), type: name.nullish(), rope_theta: between(1, 1e12).optional() },
  { error: 'an object or null' },
);

export const ropeFields = {
  rope_theta: between(1, 1e12).optional(),
  rope_scaling: rope.nullish(),
  rope_parameters: rope.nullish(),
};

const factor = between(1, 1e6);
const length = whole(2 ** 24);
const linear = z.looseObject({ factor });
const llama3 = z.looseObject({
  factor,
  low_freq_factor: between(1e-6, 1e6),
  high_freq_factor: between(1e-6, 1e6),
  original_max_position_embeddings: length,
});
const yarn = z.looseObject({
  factor,
  original_max_position_embeddings: length.nullish(),
  beta_fast: between(0, 1e6).nullish(),
  beta_slow: between(0, 1e6).nullish(),
  truncate: flag.nullish(),
  attention_factor: between(1e-6, 1e6).nullish(),
  mscale: between(0, 1e3).nullish(),
  mscale_all_dim: between(0, 1e3).nullish(),
});

export interface RopeConfig {
  rope_theta?: number | undefined;
  rope_scaling?: Fields | null | undefined;
  rope_parameters?: Fields | null | undefined;
  layer_types?: string[] | null | undefined;
}

export interface RopeOf {
  theta: number;
  scaling?: RopeScaling;
}

/**
 * Base and scaling of a model's rotary embedding.
 * @param maxPositions `max_position_embeddings`
 * @throws ModelError that names the field which is missing, wrong or beyond what can be modelled
 */
export function ropeOf(c: RopeConfig, maxPositions: number): RopeOf {
  if (c.rope_scaling && c.rope_parameters)
    throw unexpected('rope_scaling', 'null next to rope_parameters', c.rope_scaling);
  const [first, ...others] = ropeGroups(c).map(([group, fields]) => {
    if (!isFields(fields)) throw unexpected(group, 'the rotary fields of these layers', fields);
    const { rope_theta: own } = parse(rope, fields, `${group}.`);
    const theta = own ?? c.rope_theta ?? ROPE_THETA;
    const scaling = scalingOf(group, fields, theta, maxPositions);
    return { group, fields, rope: { theta, ...(scaling && { scaling }) } };
  });
  if (first === undefined) return { theta: c.rope_theta ?? ROPE_THETA };
  const other = others.find(({ rope }) => JSON.stringify(rope) !== JSON.stringify(first.rope));
  if (other !== undefined)
    throw unexpected(
      other.group,
      `the same as ${first.group}, as layers of two kinds cannot be modelled`,
      other.fields,
    );
  return first.rope;
}

/** Groups of rotary fields by their path: one, or one for each kind of layer that the model has. */
export function ropeGroups(config: Fields | RopeConfig): [path: string, fields: unknown][] {
  const { layer_types: types, ...groups } = config as Fields;
  const kinds = [...new Set(Array.isArray(types) ? types.map(String) : ['full_attention'])];
  return ['rope_scaling', 'rope_parameters'].flatMap((group): [string, unknown][] => {
    const fields = groups[group];
    if (!isFields(fields)) return [];
    const byKind = isFields(fields['full_attention']) || isFields(fields['sliding_attention']);
    return byKind ? kinds.map((kind) => [`${group}.${kind}`, fields[kind]]) : [[group, fields]];
  });
}

/** The kind of scaling, and under which of its two names the file has it. */
export function ropeTypeOf(fields: Fields): ['rope_type' | 'type', unknown] {
  const key = (fields['rope_type'] ?? null) === null ? 'type' : 'rope_type';
  return [key, fields[key] ?? undefined];
}

function scalingOf(
  group: string,
  fields: Fields,
  theta: number,
  maxPositions: number,
): RopeScaling | undefined {
  const [, type] = ropeTypeOf(fields);
  if (type === undefined && fields['factor'] !== undefined)
    throw unexpected(`${group}.rope_type`, `one of ${ROPE_TYPES.join(', ')}`, type);
  const prefix = `${group}.`;
  switch (type) {
    case 'linear':
      return Object.freeze({ factor: parse(linear, fields, prefix).factor });
    case 'llama3':
      return llama3Scaling(parse(llama3, fields, prefix), prefix);
    case 'yarn':
      return yarnScaling(parse(yarn, fields, prefix), prefix, theta, maxPositions);
    default:
      return undefined;
  }
}

function llama3Scaling(s: z.infer<typeof llama3>, prefix: string): RopeScaling {
  if (s.low_freq_factor > s.high_freq_factor)
    throw unexpected(
      `${prefix}low_freq_factor`,
      `at most high_freq_factor = ${s.high_freq_factor}`,
      s.low_freq_factor,
    );
  return Object.freeze({
    factor: s.factor,
    lowFreqFactor: s.low_freq_factor,
    highFreqFactor: s.high_freq_factor,
    originalMaxPosition: s.original_max_position_embeddings,
  });
}

function yarnScaling(
  s: z.infer<typeof yarn>,
  prefix: string,
  theta: number,
  maxPositions: number,
): RopeScaling {
  // As published: a zero counts as left out.
  const betaFast = s.beta_fast || 32;
  const betaSlow = s.beta_slow || 1;
  if (betaFast < betaSlow)
    throw unexpected(`${prefix}beta_fast`, `at least beta_slow = ${betaSlow}`, betaFast);
  if (theta <= 1) throw unexpected('rope_theta', 'a number above 1 with yarn', theta);
  return Object.freeze({
    factor: s.factor,
    betaFast,
    betaSlow,
    truncate: s.truncate ?? true,
    originalMaxPosition: s.original_max_position_embeddings ?? maxPositions,
    amplitude: amplitudeOf(s),
  });
}

/** YaRN's factor of cosines and sines (arXiv 2309.00071, section 3.4), or the ratio of two of them. */
function amplitudeOf({ factor, attention_factor, mscale, mscale_all_dim }: z.infer<typeof yarn>) {
  if (typeof attention_factor === 'number') return attention_factor;
  const of = (scale: number) => (factor <= 1 ? 1 : 0.1 * scale * Math.log(factor) + 1);
  return mscale && mscale_all_dim ? of(mscale) / of(mscale_all_dim) : of(1);
}
