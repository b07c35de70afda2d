/** In which formats a model's matrices are: what the configuration asks for, or else what the model's file says. */
import { ModelError } from './errors.js';
import { at, isFields, type Fields } from './fields.js';
import { BITS, FP8_BLOCK, MOST_IN_A_GROUP, MXFP4, formatNamed, int4Of } from './formats.js';
import type { BlockFormat, FormatName, Formats, WeightFormat } from './formats.js';
import { keptModules } from './kept-modules.js';
import { hasExperts, type ModelSpec } from './model.js';
import { wholeOutputs } from './packed.js';
import type { StoredWeights } from './quantization.js';

/** What a configuration asks for. */
export interface AskedFormats {
  /** Type of activations and cache; f16 if not given. */
  dtype?: 'f16' | 'f32';
  /** Bits of all matrices; 4 are integers in groups of 32. */
  weightBits?: ModelSpec['weightBits'];
  /** By classes of matrices, in place of `weightBits`; attention and tables as the rest if not given. */
  bits?: Partial<Record<keyof Formats, FormatName>>;
}

type Layers = Pick<ModelSpec, 'family' | 'kinds' | 'layers'>;
type Stored = Pick<ModelSpec, 'dtype' | 'weightBits' | 'formats' | 'stored'>;

/**
 * @param stored how the file stores its weights, if in few bits, by which fields
 * @throws ModelError at what contradicts, or cannot be computed with
 */
export function weightsOf(
  { dtype = 'f16', weightBits, bits }: AskedFormats,
  model: Layers,
  stored: { weights: StoredWeights; fields: Fields } | undefined,
): Stored {
  const own: WeightFormat = { type: dtype };
  if (bits !== undefined && weightBits !== undefined) checkBoth(bits, weightBits);
  const filed = stored && formatsOfFile(stored, model, own);
  if (weightBits !== undefined && bits === undefined) {
    checkFloat(weightBits, dtype, 'model.weightBits');
    const isFiled = filed?.formats === undefined && filed?.weightBits === weightBits;
    return { dtype, weightBits, ...(isFiled && { stored: filed.stored }) };
  }
  if (bits === undefined) return { dtype, ...(filed ?? { weightBits: BITS[dtype] }) };
  const block = fp8BlockOf(stored?.weights, model);
  const named = (of: keyof Formats): WeightFormat | undefined => {
    const name = bits[of];
    if (name === undefined) return undefined;
    checkFloat(name, dtype, `model.bits.${of}`);
    return formatNamed(name, block);
  };
  const known = filed?.formats;
  const rest = named('rest');
  // What the file says of attention stands only next to what it says of the rest.
  const attention = named('attention') ?? (rest ? undefined : known?.attention);
  const formats: Formats = {
    experts: named('experts') ?? known?.experts ?? own,
    ...(attention && { attention }),
    rest: rest ?? known?.rest ?? own,
    tables: named('tables') ?? rest ?? known?.tables ?? own,
  };
  // Whoever asks for what the file says has what it says.
  const isFiled = filed !== undefined && isSame(filed.formats, formats);
  const method = isFiled && { stored: filed.stored };
  return { dtype, weightBits: BITS[formats.rest.type], formats, ...method };
}

function isSame(a: Formats | undefined, b: Formats): boolean {
  const classes = ['experts', 'attention', 'rest', 'tables'] as const;
  return classes.every((of) => JSON.stringify(a?.[of]) === JSON.stringify(b[of]));
}

/** Formats of all classes say it all, and next to them the bits of the rest are no more than a word for it. */
function checkBoth(bits: Required<AskedFormats>['bits'], weightBits: number): void {
  const { experts, rest, tables } = bits;
  const isWhole = experts !== undefined && rest !== undefined && tables !== undefined;
  if (isWhole && weightBits === BITS[formatNamed(rest).type]) return;
  const message = `model.bits: expected none next to model.weightBits, found some`;
  throw new ModelError(message, 'model.bits');
}

/**
 * Whether a run would have to guess: the file stores its weights in a format that cores do not widen, and
 * neither `weightBits` nor `bits` says in which to store all of the layers' matrices instead.
 */
export function leavesOpen(
  { dtype = 'f16', weightBits, bits }: AskedFormats,
  model: Layers,
  stored: { weights: StoredWeights; fields: Fields },
): boolean {
  if (weightBits !== undefined) return false;
  const asked =
    bits?.rest !== undefined && (bits.experts !== undefined || !model.kinds.some(hasExperts));
  return !asked && formatsOfFile(stored, model, { type: dtype }) === undefined;
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
  model: Layers,
  own: WeightFormat,
): Pick<ModelSpec, 'weightBits' | 'formats' | 'stored'> | undefined {
  const { method, bits } = weights;
  const kept = keptModules(fields, model);
  const of = (format: WeightFormat, tables = own) => {
    const [attention, rest] = [kept.attention, kept.mlps].map((is) => (is ? own : format));
    const apart = kept.attention !== kept.mlps;
    const formats: Formats = { experts: format, ...(apart && { attention }), rest, tables };
    return { weightBits: BITS[rest.type], formats, stored: method };
  };
  if (method === 'mxfp4') {
    const formats: Formats = { experts: MXFP4, rest: own, tables: own };
    const sparse = model.kinds.some(hasExperts);
    return sparse ? { weightBits: BITS[own.type], formats, stored: method } : undefined;
  }
  if (bits === 8 && isFloat(method, fields))
    return of({ type: 'fp8', block: fp8BlockOf(weights, model) });
  if (bits === 8 && (kept.attention || kept.mlps)) return of(I8, I8);
  if (bits === 8) return { weightBits: 8, stored: method };
  if (bits === 4 && GROUPED.has(method)) return of(int4Of(groupOf(fields)));
  return undefined;
}

const I8: WeightFormat = { type: 'i8' };
const GROUPED = new Set(['gptq', 'awq', 'auto-round', 'compressed-tensors', 'quanto']);
/** What these methods take where the file does not say. */
const USUAL_GROUP = 128;

function groupOf(fields: Fields): number {
  const size = fields['group_size'] ?? at(firstWeights(fields), 'group_size');
  if (size === -1 || at(firstWeights(fields), 'strategy') === 'channel') return MOST_IN_A_GROUP;
  return Number.isSafeInteger(size) && (size as number) > 0
    ? Math.min(size as number, MOST_IN_A_GROUP)
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

/**
 * Outputs and inputs of a block: those of the file, or as many of its outputs as no part of a matrix has less of, so
 * that each part keeps its codes and scales.
 */
function fp8BlockOf(
  stored: Pick<StoredWeights, 'block'> | undefined,
  { family, kinds }: Layers,
): BlockFormat['block'] {
  if (stored === undefined) return FP8_BLOCK;
  const [outputs, inputs] = isBlock(stored.block) ? stored.block : FP8_BLOCK;
  return [wholeOutputs(outputs, family, kinds), inputs];
}

function isBlock(block: number[] | undefined): block is [number, number] {
  return block?.length === 2 && block.every((n) => Number.isSafeInteger(n) && n > 0);
}
