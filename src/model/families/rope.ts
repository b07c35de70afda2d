/**
 * The rotary fields of a `config.json`: `rope_theta` and `rope_scaling` of older files, and
 * `rope_parameters` of newer ones, where each kind of layer may have its own. What the numbers mean:
 * Hugging Face transformers, src/transformers/modeling_rope_utils.py.
 */
import { z } from 'zod';
import type { Rope, RopeScaling } from '../attention-spec.js';
import { show, unexpected } from '../errors.js';
import { between, name, parse, whole, isFields, type Fields } from '../fields.js';
import { llama3Scaling, longScaling, yarnScaling } from './rope-scaling.js';

const ROPE_TYPES = ['default', 'linear', 'llama3', 'yarn', 'longrope'];
const LAYER_TYPES = ['full_attention', 'sliding_attention', 'chunked_attention'];

const theta = between(1, 1e12);
const part = between(0, 1);
const rope = z.looseObject(
  {
    rope_type: name.nullish(),
    type: name.nullish(),
    rope_theta: theta.optional(),
    partial_rotary_factor: part.nullish(),
  },
  { error: 'an object or null' },
);

export const ropeFields = {
  rope_theta: theta.optional(),
  rope_scaling: rope.nullish(),
  rope_parameters: rope.nullish(),
  partial_rotary_factor: part.nullish(),
  original_max_position_embeddings: whole(2 ** 24).nullish(),
};

export interface RopeFields {
  rope_theta?: number | undefined;
  rope_scaling?: Fields | null | undefined;
  rope_parameters?: Fields | null | undefined;
  partial_rotary_factor?: number | null | undefined;
  original_max_position_embeddings?: number | null | undefined;
}

/** What a family makes of the rotary fields. */
export interface RopeAsked {
  headDim: number;
  /** Field that says it, if not `head_dim`. */
  field?: string;
  /** `max_position_embeddings` */
  maxPositions: number;
  /** Base of a file that does not say. */
  theta: number;
  /** Kind of the layers; full_attention if not given. */
  layers?: string;
  pairs?: Rope['pairs'];
  /** Share of a head that turns where the file does not say; without it a head turns whole, whatever it says. */
  part?: number;
  /** Kinds of scaling by other names. */
  alias?: Record<string, string>;
  /** Kinds of scaling that are the family's own, which reads them itself. */
  own?: readonly string[];
  /** Sections of positions in three dimensions are plain ones for text. */
  sections?: boolean;
}

/**
 * The rotary embedding of one kind of layer.
 * @throws ModelError that names the field which is missing, wrong or beyond what is known
 */
export function ropeOf(c: RopeFields, asked: RopeAsked): Rope {
  const { group, fields } = ropeGroup(c, asked.layers);
  const read = parse(rope, fields, `${group}.`);
  checkTypes(read, group, asked.alias);
  const base = read.rope_theta ?? c.rope_theta ?? asked.theta;
  const dim = turning(c, asked, group, read.partial_rotary_factor);
  if (!asked.sections && (fields['mrope_section'] ?? null) !== null)
    throw unexpected(`${group}.mrope_section`, 'no sections of positions', fields['mrope_section']);
  const scaling = scalingOf(c, asked, { group, fields, theta: base, dim });
  return {
    dim,
    width: dim,
    theta: base,
    pairs: asked.pairs ?? 'halves',
    ...(scaling && { scaling }),
  };
}

/** Of two names for the kind of scaling, classes of different versions read one or the other. */
function checkTypes(
  { rope_type: type, type: older }: { rope_type?: Name; type?: Name },
  group: string,
  alias: RopeAsked['alias'] = {},
): void {
  const known = (name: string) => (Object.hasOwn(alias, name) ? alias[name] : name);
  if (typeof type !== 'string' || typeof older !== 'string' || known(type) === known(older)) return;
  throw unexpected(`${group}.type`, `the same as rope_type = ${show(type)}`, older);
}
type Name = string | null | undefined;

/** The rotary embedding of each kind of layer that a model has. */
export function ropesOf(
  c: RopeFields,
  types: readonly string[],
  asked: Omit<RopeAsked, 'layers'>,
): Map<string, Rope> {
  return new Map([...new Set(types)].map((type) => [type, ropeOf(c, { ...asked, layers: type })]));
}

/** Where the fields of these layers stand, and they themselves; none are an empty object. */
export function ropeGroup(
  c: RopeFields,
  layers = 'full_attention',
): { group: string; fields: Fields; byLayers: boolean } {
  if (c.rope_scaling && c.rope_parameters)
    throw unexpected('rope_scaling', 'null next to rope_parameters', c.rope_scaling);
  const group = c.rope_parameters ? 'rope_parameters' : 'rope_scaling';
  const fields = c.rope_parameters ?? c.rope_scaling ?? {};
  if (!LAYER_TYPES.some((type) => isFields(fields[type])))
    return { group, fields, byLayers: false };
  const own = fields[layers];
  const path = `${group}.${layers}`;
  if (!isFields(own)) throw unexpected(path, 'the rotary fields of these layers', own);
  return { group: path, fields: own, byLayers: true };
}

/** The kind of scaling, and under which of its two names the file has it. */
export function ropeTypeOf(fields: Fields): ['rope_type' | 'type', unknown] {
  const key = (fields['rope_type'] ?? null) === null ? 'type' : 'rope_type';
  return [key, fields[key] ?? undefined];
}

/** YaRN's stretch of the original context counts where `max_position_embeddings` is still that one. */
export function maxContextOf(maxPositions: number, ropes: Iterable<Rope | undefined>): number {
  const stretched = [...ropes].map((of) =>
    of?.scaling && 'betaFast' in of.scaling
      ? Math.floor(of.scaling.factor * of.scaling.originalMaxPosition)
      : 0,
  );
  return Math.min(Math.max(maxPositions, ...stretched), 2 ** 24);
}

/** Elements of a head that turn: an even number, as they turn in pairs; so is what stands still. */
function turning(
  c: RopeFields,
  { headDim, field: headField = 'head_dim', part: known }: RopeAsked,
  group: string,
  inGroup: number | null | undefined,
): number {
  if (headDim % 2 !== 0)
    throw unexpected(headField, 'an even number, as rotary embedding takes pairs', headDim);
  const field =
    typeof inGroup === 'number' ? `${group}.partial_rotary_factor` : 'partial_rotary_factor';
  const given = inGroup ?? c.partial_rotary_factor ?? known ?? 1;
  if (known === undefined && given !== 1)
    throw unexpected(field, '1, as heads of this family turn whole', given);
  const dim = Math.trunc(headDim * given);
  if (dim >= 2 && dim % 2 === 0) return dim;
  throw unexpected(field, `a share of ${headDim} elements that is an even number`, given);
}

function scalingOf(
  c: RopeFields,
  { maxPositions, alias = {}, own = [] }: RopeAsked,
  {
    group,
    fields,
    theta: base,
    dim,
  }: { group: string; fields: Fields; theta: number; dim: number },
): RopeScaling | undefined {
  const [key, found] = ropeTypeOf(fields);
  const type =
    typeof found === 'string' && Object.hasOwn(alias, found) ? alias[found] : (found ?? undefined);
  if (type === undefined && fields['factor'] === undefined) return undefined;
  if (typeof type === 'string' && own.includes(type)) return undefined;
  const prefix = `${group}.`;
  switch (type) {
    case 'default':
      return undefined;
    case 'linear':
      return { factor: parse(linear, fields, prefix).factor };
    case 'llama3':
      return llama3Scaling(fields, prefix);
    case 'yarn':
      return yarnScaling(fields, prefix, base, maxPositions);
    case 'longrope':
      return longScaling(fields, prefix, dim / 2, {
        max: maxPositions,
        original: c.original_max_position_embeddings,
      });
    default:
      throw unexpected(
        type === undefined ? `${prefix}rope_type` : prefix + key,
        `one of ${[...ROPE_TYPES, ...own].join(', ')}`,
        found,
      );
  }
}

const linear = z.looseObject({ factor: between(1, 1e6) });

/** Whether numbers mean a rotary scaling that `mscale_all_dim` extends to the scores. */
export const isScaled = (fields: Fields): boolean => {
  const [, type] = ropeTypeOf(fields);
  return type !== undefined && type !== 'default';
};
