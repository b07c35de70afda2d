/** What a check makes of positions that the wafer chose otherwise than the plain decoder. */
import { describe, expect, it } from 'vitest';
import { checkResult } from '../src/decode/compute.js';
import { noRouting } from '../src/decode/routing-check.js';
import { addSelection, noSelecting, selectingResult } from '../src/decode/selection-check.js';
import type { Selection } from '../src/model/plain/indexer.js';
import { checkFailure, checkText } from '../src/report/check-text.js';
import { loadConfig } from '../src/config.js';

const scores = Float64Array.of(4, 2, 1.999_99, 1, -8);
const plain: Selection = { positions: [0, 1], taken: [0, 1], scores, last: 2, next: 1.999_99 };
const AT = { token: 3, layer: 7 };

function found(chosen: number[], type: 'f32' | 'f16' = 'f32', of = plain) {
  const selecting = noSelecting();
  addSelection(selecting, type, AT, chosen, of);
  return selectingResult(selecting);
}

describe('positions that the wafer chose', () => {
  it('are those of the plain decoder, or differ by near ties', () => {
    const margin = (2 - 1.999_99) / 8;
    expect(found([0, 1])).toEqual({
      ...{ positionsAgree: true, positionChoices: { agree: 1, of: 1 } },
      selectionMargin: margin,
    });
    expect(found([0, 2])).toEqual({
      ...{ positionsAgree: false, positionChoices: { agree: 0, of: 1 } },
      selectionMargin: margin,
    });
  });

  it('are wrong otherwise, and told', () => {
    const wrong = { ...AT, chosen: 2, of: 2, extra: [3], missing: [1] };
    expect(found([0, 3]).wrongPositions).toMatchObject(wrong);
    // In half precision scores are off by more, but not by as much as this.
    expect(found([0, 3], 'f16').wrongPositions).toMatchObject(wrong);
    const nearer = { ...plain, scores: Float64Array.of(4, 2, 1.9, 1, -8), next: 1.9 };
    expect(found([0, 2], 'f16', nearer).wrongPositions).toBeUndefined();
    expect(found([0, 2], 'f32', nearer).wrongPositions).toMatchObject({ extra: [2], missing: [1] });
    // One too few is no tie, however near.
    expect(found([0]).wrongPositions).toMatchObject({ chosen: 1, of: 2, extra: [], missing: [1] });
    expect(found([0, 1, 2]).wrongPositions).toMatchObject({ chosen: 3, extra: [2], missing: [] });
  });

  it('are not spoken of where none are left out', () => {
    expect(selectingResult(noSelecting())).toEqual({});
    // Scores that are all 0 are the nearest of ties.
    const zeros = { ...plain, scores: new Float64Array(5), last: 0, next: 0 };
    expect(found([0, 1], 'f32', zeros)).toMatchObject({ positionsAgree: true, selectionMargin: 0 });
  });

  it('fail a run, in one line', () => {
    const config = loadConfig('configs/tiny.yaml');
    const selecting = noSelecting();
    addSelection(selecting, 'f32', AT, [0, 3], plain);
    const step = { maxRelativeError: 0, largest: 1, chosen: 1 };
    const check = checkResult(config, [step], 'wafer', [], noRouting(), {}, selecting);
    expect(check.passed).toBe(false);
    const told =
      'layer 7 chose 2 positions of 2 for token 3, 3 among them in place of 1, which the plain implementation chose by a margin of';
    expect(checkFailure(check)).toContain(told);
    expect(checkFailure(check)).not.toContain('\n');
    expect(checkText(check)).toContain('0 of 1 choices of positions are those of the plain');
    expect(checkText(check)).toContain(told);
    const right = noSelecting();
    addSelection(right, 'f32', AT, [0, 2], plain);
    const passed = checkResult(config, [step], 'wafer', [], noRouting(), {}, right);
    expect(passed.passed).toBe(true);
    expect(checkText(passed)).toContain('the others are near ties');
  });
});
