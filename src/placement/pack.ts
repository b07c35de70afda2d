/** Packing a model's regions, of known sizes, onto one wafer after the other, each packed alone. */
import type { WaferSpec } from '../hardware/wafer.js';
import type { Part, Sizes } from './parts.js';
import { rowMajor } from './strategies/row-major.js';
import type { Position, Strategy } from './strategies/shelves.js';
import { snake } from './strategies/snake.js';

export const STRATEGIES: Record<string, Strategy> = { 'row-major': rowMajor, snake };

/** The strategy of that name; throws RangeError if there is none. */
export function strategyOf(name: string): Strategy {
  const strategy = STRATEGIES[name];
  if (strategy) return strategy;
  const known = Object.keys(STRATEGIES).join(' or ');
  throw new RangeError(`placement.strategy: expected ${known}, found '${name}'`);
}

export type WaferPosition = Position & { wafer: number };

/** Positions of all parts, or undefined if they need more than `wafers` wafers of this kind. */
export function pack(
  parts: Part[],
  sizes: Sizes,
  strategy: Strategy,
  wafer: WaferSpec,
  wafers: number,
): WaferPosition[] | undefined {
  const widths = parts.map((part) => ({ width: sizes.columns[part.kind]! }));
  const positions: WaferPosition[] = [];
  for (let index = 0; positions.length < parts.length; index++) {
    if (index === wafers) return undefined;
    const laid = strategy(widths.slice(positions.length), sizes.rows, wafer);
    if (laid.length === 0) return undefined;
    for (const { x, y } of laid) positions.push({ wafer: index, x, y });
  }
  return positions;
}
