/** The positions that the wafer's indexers chose, next to those that the plain decoder chooses from its own scores. */
import type { FloatType } from '../numeric/types.js';
import type { Selection } from '../model/plain/indexer.js';
import type { CheckResult } from '../report/document.js';
import { count, largestSize, NEAR_TIE, noChoices, worseBy, type Choices } from './choices.js';

export type Selecting = Choices<NonNullable<CheckResult['wrongPositions']>>;
export const noSelecting = (): Selecting => noChoices();

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
  const isSame = extra.length === 0 && missing.length === 0;
  count(selecting, { isSame, margin }, () =>
    chosen.length === positions.length && worseBy(scores, chosen) <= NEAR_TIE[type] * size
      ? undefined
      : {
          ...{ token, layer, chosen: chosen.length, of: positions.length },
          ...{ extra: extra.slice(0, TOLD), missing: missing.slice(0, TOLD), margin },
        },
  );
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
