import { roundF16 } from './f16.js';

/** Types of stored data and their bytes. Arithmetic and the fabric use `f16` (two to a wavelet) and `f32`. */
export type DataType = 'f16' | 'f32' | 'i32' | 'i8';
export type FloatType = 'f16' | 'f32';

export const BYTES: Record<DataType, number> = { f16: 2, f32: 4, i32: 4, i8: 1 };

/** The nearest number of a type to another; of two equally near ones the even one. */
export const ROUND: Record<FloatType, (x: number) => number> = { f16: roundF16, f32: Math.fround };

/** Elements of a type that share one 32-bit wavelet. */
export function elementsPerWavelet(type: FloatType): number {
  return type === 'f16' ? 2 : 1;
}
