/**
 * The positions that the wafer's indexers chose, next to those that the plain decoder chooses from its own scores.
 * As with experts (routing-check.ts), the plain decoder follows the wafer, whose choice may differ by near ties only.
 */
import type { FloatType } from '../numeric/types.js';
import type { Selection } from '../model/plain/indexer.js';
import type { CheckResult } from '../report/document.js';
import { largestSize, NEAR_TIE, worseBy } from './routing-check.js';

/** Of all layers and tokens so far. */
export interface Selecting {
  /** Choices of the same positions, and all choices. */
  agree: number;
  of: number;
  /** The least gap between the last that is chosen and the first that is not, relative to the largest score. */
  margin: number;
  /** The first choice that differs and is no near tie. */
  wrong?: NonNullable<CheckResult['wrongPositions']>;
}

export function noSelecting(): Selecting {
  return { agree: 0, of: 0, margin: Infinity };
}

/** Of a choice that is wrong so many positions are told. */
const TOLD = 8;

/** Adds the choice of a layer's indexer for a token to what is known. */
export function addSelection(
  selecting: Selecting,
  type: FloatType,
  { token, layer }: { token: number; layer: number },
  chosen: readonly number[],
  { positions, scores, last, next }: Selection,
): void {
  const size = largestSize(scores);
  const margin = size === 0 ? 0 : (last - next) / size;
  const [own, expected] = [new Set(chosen), new Set(positions)];
  const extra = chosen.filter((p) => !expected.has(p));
  const missing = positions.filter((p) => !own.has(p));
  selecting.of++;
  selecting.margin = Math.min(selecting.margin, margin);
  if (extra.length === 0 && missing.length === 0) selecting.agree++;
  else if (chosen.length !== positions.length || worseBy(scores, chosen) > NEAR_TIE[type] * size)
    selecting.wrong ??= {
      ...{ token, layer, chosen: chosen.length, of: positions.length },
      ...{ extra: extra.slice(0, TOLD), missing: missing.slice(0, TOLD), margin },
    };
}

/** What is reported of runs that leave positions out. */
export function selectingResult({ agree, of, margin, wrong }: Selecting): Partial<CheckResult> {
  if (of === 0) return {};
  return {
    positionsAgree: agree === of,
    positionChoices: { agree, of },
    selectionMargin: margin,
    ...(wrong && { wrongPositions: wrong }),
  };
}
