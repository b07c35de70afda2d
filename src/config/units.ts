/** Numbers with units, checked for their dimension: `48 KiB` is memory, `48 kHz` is not. */
import Qty from 'js-quantities';
import type { Dimension } from './quantity.js';

const BASE_UNIT: Partial<Record<Dimension, string>> = {
  memory: 'B',
  frequency: 'Hz',
  power: 'W',
  time: 's',
  bandwidth: 'bit/s',
};

/**
 * Reads a number with its unit.
 * @returns the number in bytes, Hz, W, s, bit/s or cycles; undefined if the text is not of that dimension.
 */
export function readUnits(text: string, dimension: Dimension): number | undefined {
  const trimmed = text.trim();
  if (!/^[+-]?\.?\d/.test(trimmed)) return undefined;
  if (dimension === 'cycles') {
    const match = /^(\S+) ?cycles?$/.exec(trimmed);
    return match ? Number(match[1]) : undefined;
  }
  const unit = BASE_UNIT[dimension];
  if (unit === undefined) return undefined;
  try {
    // Prefixes multiply in floating point; what that loses is beyond 12 digits.
    return Number(Qty(trimmed).to(unit).scalar.toPrecision(12));
  } catch {
    return undefined;
  }
}
