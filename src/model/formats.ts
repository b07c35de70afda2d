/** The formats in which matrices are stored: what a number takes, and how many share a scale. */
import { bytesOf, type DataType } from '../numeric/types.js';
import type { BlockType, WidenedType } from '../numeric/formats.js';
import { hasExperts, type ModelSpec } from './model.js';

/** Floats as they are, integers of 8 bits with one scale for a matrix, or codes with a scale for each block. */
export type WeightFormat = { type: 'f32' | 'f16' | 'i8' } | BlockFormat;

export interface BlockFormat {
  type: BlockType;
  /** Outputs and inputs of a block; the last ones of a matrix may be smaller. */
  block: readonly [outputs: number, inputs: number];
}

/** The matrices of a model by what is usual for them. Routers are stored as activations are. */
export type MatrixClass = 'experts' | 'attention' | 'rest' | 'tables' | 'router';
export interface Formats extends Record<'experts' | 'rest' | 'tables', WeightFormat> {
  /** As the rest, if not given. */
  attention?: WeightFormat;
}

/** Bits of a code. */
export const BITS: Record<WeightFormat['type'], 4 | 8 | 16 | 32> = {
  ...{ f32: 32, f16: 16, i8: 8, fp8: 8, mxfp4: 4, int4: 4 },
};

/**
 * Types of scales: those of FP8 as they are published (`weight_scale_inv`), of MXFP4 powers of two, of integers
 * of 4 bits as GPTQ and AWQ have them.
 */
export const SCALE_TYPES = { fp8: 'f32', mxfp4: 'e8m0', int4: 'f16' } as const satisfies Record<
  BlockType,
  DataType
>;

/** As DeepSeek-V3 publishes it. */
export const FP8_BLOCK = [128, 128] as const;
export const MXFP4: BlockFormat = { type: 'mxfp4', block: [1, 32] };
const INT4_GROUP = 32;

export function int4Of(group = INT4_GROUP): BlockFormat {
  return { type: 'int4', block: [1, group] };
}

export function isBlocked(format: WeightFormat): format is BlockFormat {
  return 'block' in format;
}

/** The format of a matrix whose inputs and outputs have changed places. */
export function transposedFormat(format: WeightFormat): WeightFormat {
  if (!isBlocked(format)) return format;
  const [outputs, inputs] = format.block;
  return { type: format.type, block: [inputs, outputs] };
}

/** What cores widen on use; undefined of floats. */
export function widenedType(format: WeightFormat): WidenedType | undefined {
  if (isBlocked(format)) return format.type;
  return format.type === 'i8' ? 'i8' : undefined;
}

/** The formats of a model's classes of matrices; of experts only if it has some, of attention if it is no rest. */
export function formatsOf(model: ModelSpec): { of: keyof Formats; format: WeightFormat }[] {
  const classes = [
    ...(model.kinds.some(hasExperts) ? (['experts'] as const) : []),
    ...(model.formats?.attention ? (['attention'] as const) : []),
    ...(['rest', 'tables'] as const),
  ];
  return classes.map((of) => ({ of, format: formatOf(model, of) }));
}

const widenedTypes = new WeakMap<ModelSpec, WidenedType[]>();

/** The types that cores of a model widen; the memory of many thousands of sizes depends on them. */
export function widenedTypesOf(model: ModelSpec): readonly WidenedType[] {
  let found = widenedTypes.get(model);
  if (found === undefined) {
    const types = formatsOf(model).map(({ format }) => widenedType(format));
    found = [...new Set(types.filter((type) => type !== undefined))];
    widenedTypes.set(model, found);
  }
  return found;
}

/** The format of a model's matrices of that class. */
export function formatOf(
  { dtype, weightBits, formats }: Pick<ModelSpec, 'dtype' | 'weightBits' | 'formats'>,
  of: MatrixClass,
): WeightFormat {
  if (of === 'router') return { type: dtype };
  if (formats !== undefined) return formats[of] ?? formats.rest;
  if (weightBits === 4) return int4Of();
  return { type: weightBits === 8 ? 'i8' : weightBits === 16 ? 'f16' : 'f32' };
}

/** Bytes of a matrix: its codes, whole ones, and the scales of its blocks. */
export function matrixBytes(format: WeightFormat, outputs: number, inputs: number): number {
  return (outputs * inputs * BITS[format.type]) / 8 + scaleBytes(format, outputs, inputs);
}

function scaleBytes(format: WeightFormat, outputs: number, inputs: number): number {
  if (!isBlocked(format)) return 0;
  const [rows, columns] = format.block;
  const blocks = Math.ceil(outputs / rows) * Math.ceil(inputs / columns);
  return bytesOf(SCALE_TYPES[format.type], blocks);
}

/**
 * A format by its name in a configuration (`model.bits`): 32, 16 and 8 as numbers (8: integers with a scale per
 * matrix), 4 or `int4` in groups of 32 inputs, `int4/128` in groups of 128 or of any other number, `fp8`, `mxfp4`.
 */
export type FormatName = (typeof FORMAT_NAMES)[number] | `int4/${number}`;
export const FORMAT_NAMES = [32, 16, 8, 4, 'fp8', 'mxfp4', 'int4'] as const;
/** More inputs than any matrix has: one scale for each output. */
export const MOST_IN_A_GROUP = 2 ** 20;

/** Whether a text is `int4/N`, with as many inputs in a group as there can be. */
export function isGrouped(name: string): name is `int4/${number}` {
  const size = /^int4\/([1-9]\d{0,6})$/.exec(name)?.[1];
  return size !== undefined && Number(size) <= MOST_IN_A_GROUP;
}

/** @param block of FP8, if the model's file says which */
export function formatNamed(
  name: FormatName,
  block: readonly [number, number] = FP8_BLOCK,
): WeightFormat {
  switch (name) {
    case 32:
      return { type: 'f32' };
    case 16:
      return { type: 'f16' };
    case 8:
      return { type: 'i8' };
    case 'fp8':
      return { type: 'fp8', block };
    case 'mxfp4':
      return MXFP4;
    case 4:
    case 'int4':
      return int4Of();
    default:
      return int4Of(Number(name.slice('int4/'.length)));
  }
}

/** The name of a format in a configuration; of blocks of other sizes than a configuration asks for, nearly. */
export function nameOf(format: WeightFormat): number | string {
  if (format.type === 'int4') return `int4/${format.block[1]}`;
  return isBlocked(format) ? format.type : BITS[format.type];
}

/**
 * The same model in fewer bits, by the settings of a configuration that ask for it, whichever of `model.weightBits`
 * and `model.bits` it has now.
 */
export function narrowed(model: ModelSpec): { setting: string; model: ModelSpec }[] {
  const { formats: own, ...uniform } = model;
  const all = formatsOf(model);
  const most = Math.max(...all.map(({ format }) => BITS[format.type]));
  const inBits = (weightBits: 8 | 4) => {
    const format = formatNamed(weightBits);
    const formats = { ...own, experts: format, rest: format, tables: format };
    if (own?.attention) formats.attention = format;
    const setting = own ? settingOf(formats) : `model.weightBits=${weightBits}`;
    return { setting, model: { ...uniform, weightBits } };
  };
  const found: { setting: string; model: ModelSpec }[] = [];
  if (most > 8) found.push(inBits(8));
  if (all.some(({ of, format }) => of === 'experts' && BITS[format.type] > 4)) {
    const others = { rest: formatOf(model, 'rest'), tables: formatOf(model, 'tables') };
    const formats: Formats = { ...others, ...own, experts: MXFP4 };
    found.push({ setting: settingOf(formats), model: { ...model, formats } });
  }
  if (most > 4) found.push(inBits(4));
  return found;
}

/** Settings that ask for these formats: all of them, next to which `model.weightBits` is no contradiction. */
function settingOf(formats: Formats): string {
  const { experts, attention, rest, tables } = formats;
  const all = Object.entries({ experts, ...(attention && { attention }), rest, tables });
  return [
    ...all.map(([of, format]) => `model.bits.${of}=${nameOf(format)}`),
    `model.weightBits=${BITS[rest.type]}`,
  ].join(' ');
}

/** In words: `MXFP4 (blocks of 32)`, `16-bit floats`. */
export function formatText(format: WeightFormat): string {
  switch (format.type) {
    case 'f32':
    case 'f16':
      return `${BITS[format.type]}-bit floats`;
    case 'i8':
      return '8-bit integers, one scale per matrix';
    case 'fp8':
      return `FP8 (E4M3) in blocks of ${format.block.join(' x ')}`;
    case 'mxfp4':
      return `MXFP4 in blocks of ${format.block[1]}`;
    case 'int4':
      return `4-bit integers in groups of ${format.block[1]}`;
  }
}
