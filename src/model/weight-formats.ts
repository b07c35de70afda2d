/** In which formats a model's matrices are: what the configuration asks for, or else what the model's file says. */
import { ModelError } from './errors.js';
import { at, isFields, type Fields } from './fields.js';
import { BITS, FP8_BLOCK, MXFP4, formatNamed, int4Of } from './formats.js';
import type { FormatName, Formats, WeightFormat } from './formats.js';
import { hasExperts, type LayerSpec, type ModelSpec } from './model.js';
import type { StoredWeights } from './quantization.js';

/** What a configuration asks for. */
export interface AskedFormats {
  /** Type of activations and cache; f16 if not given. */
  dtype?: 'f16' | 'f32';
  /** Bits of all matrices; 4 are integers in groups of 32. */
  weightBits?: ModelSpec['weightBits'];
  /** By classes of matrices, in place of `weightBits`; tables as the rest if not given. */
  bits?: Partial<Record<keyof Formats, FormatName>>;
}

type Stored = Pick<ModelSpec, 'dtype' | 'weightBits' | 'formats' | 'stored'>;

/**
 * @param stored how the file stores its weights, if in few bits, by which fields
 * @throws ModelError at what contradicts, or cannot be computed with
 */
export function weightsOf(
  { dtype = 'f16', weightBits, bits }: AskedFormats,
  kinds: readonly LayerSpec[],
  stored: { weights: StoredWeights; fields: Fields } | undefined,
): Stored {
  const own: WeightFormat = { type: dtype };
  if (bits !== undefined && weightBits !== undefined)
    throw new ModelError(
      `model.bits: expected none next to model.weightBits, found some`,
      'model.bits',
    );
  if (weightBits !== undefined) {
    checkFloat(weightBits, dtype, 'model.weightBits');
    return { dtype, weightBits };
  }
  const filed = stored && formatsOfFile(stored, kinds, own);
  if (bits === undefined) return { dtype, ...(filed ?? { weightBits: BITS[dtype] }) };
  const block = stored?.weights.block;
  const named = (of: keyof Formats): WeightFormat | undefined => {
    const name = bits[of];
    if (name === undefined) return undefined;
    checkFloat(name, dtype, `model.bits.${of}`);
    return formatNamed(name, isBlock(block) ? block : FP8_BLOCK);
  };
  const rest = named('rest');
  const formats: Formats = {
    experts: named('experts') ?? filed?.formats?.experts ?? own,
    rest: rest ?? filed?.formats?.rest ?? own,
    tables: named('tables') ?? rest ?? filed?.formats?.tables ?? own,
  };
  return { dtype, weightBits: BITS[formats.rest.type], formats };
}

/** Floats have the bits of activations. */
function checkFloat(asked: FormatName, dtype: 'f16' | 'f32', key: string): void {
  const own = BITS[dtype];
  if ((asked !== 16 && asked !== 32) || asked === own) return;
  const others = key === 'model.weightBits' ? '4, 8' : 'a format of fewer bits';
  throw new ModelError(`${key}: expected ${others} or the ${own} of ${dtype}, found ${asked}`, key);
}

/**
 * The formats that stand for those of a file, or undefined if none does. What is published in FP8, or in integers
 * of 4 bits, leaves tables and routers as they are; MXFP4 is of experts alone.
 */
function formatsOfFile(
  { weights, fields }: { weights: StoredWeights; fields: Fields },
  kinds: readonly LayerSpec[],
  own: WeightFormat,
): Pick<ModelSpec, 'weightBits' | 'formats' | 'stored'> | undefined {
  const { method, bits, block } = weights;
  const sparse = kinds.some(hasExperts);
  const kept = sparse && keepsAttention(fields);
  const of = (format: WeightFormat, rest = kept ? own : format) => {
    const formats: Formats = { experts: format, rest, tables: own };
    return { weightBits: BITS[rest.type], formats, stored: method };
  };
  if (method === 'mxfp4') return sparse ? of(MXFP4, own) : undefined;
  if (bits === 8 && isFloat(method, fields))
    return of({ type: 'fp8', block: isBlock(block) ? block : FP8_BLOCK });
  if (bits === 8) return { weightBits: 8, stored: method };
  if (bits === 4 && GROUPED.has(method)) return of(int4Of(groupOf(fields)));
  return undefined;
}

const GROUPED = new Set(['gptq', 'awq', 'auto-round', 'compressed-tensors', 'quanto']);
/** What these methods take where the file does not say. */
const USUAL_GROUP = 128;
/** More inputs than any matrix has: one scale for each output. */
const WHOLE = 2 ** 20;

function groupOf(fields: Fields): number {
  const size = fields['group_size'] ?? at(firstWeights(fields), 'group_size');
  if (size === -1 || at(firstWeights(fields), 'strategy') === 'channel') return WHOLE;
  return Number.isSafeInteger(size) && (size as number) > 0
    ? Math.min(size as number, WHOLE)
    : USUAL_GROUP;
}

/** Files of 8 bits whose weights are floats. */
function isFloat(method: string, fields: Fields): boolean {
  if (method === 'compressed-tensors') return at(firstWeights(fields), 'type') === 'float';
  return FLOATS.has(method) || fields['weights'] === 'float8';
}

const FLOATS = new Set(['fp8', 'fbgemm_fp8', 'modelopt']);

/** How the first group of compressed-tensors stores its weights. */
function firstWeights(fields: Fields): Fields {
  const groups = fields['config_groups'];
  if (!isFields(groups)) return {};
  const first = Object.values(groups).map((group) => isFields(group) && group['weights']);
  return first.find(isFields) ?? {};
}

/** Whether the modules that the file leaves as they are include those of attention. */
function keepsAttention(fields: Fields): boolean {
  const names = fields['modules_to_not_convert'] ?? fields['ignore'];
  return Array.isArray(names) && names.some((name) => /self_attn|attention/.test(String(name)));
}

function isBlock(block: number[] | undefined): block is [number, number] {
  return block?.length === 2 && block.every((n) => Number.isSafeInteger(n) && n > 0);
}
