/** Why cores wait, as lines. */
import { expect, it } from 'vitest';
import type { PathEntry, PathKind } from '../src/report/document.js';
import { remedyLine, whyLines, whyTitle } from '../src/report/why-text.js';
import { pathRows, waitRows } from '../src/report/waits-text.js';

const entry = (operator: string, kind: PathKind, cycles: number): PathEntry => ({
  ...{ operator, kind, wafer: 0, x: 0, y: 0, from: 0, to: cycles, cycles },
});

it('ranks what is waited for, and says what the path is spent on when nothing is computed', () => {
  const why = {
    waits: [
      { operator: 'hand-off', on: 'handOff' as const, coreCycles: 600 },
      { operator: 'hand-off', on: 'otherToken' as const, coreCycles: 200 },
      { operator: 'gate up', on: 'line' as const, coreCycles: 62 },
      { operator: 'down', on: 'credit' as const, coreCycles: 138 },
    ],
    criticalPath: [
      entry('gate up', 'compute', 900),
      entry('gate up', 'flight', 62),
      entry('gate up', 'setup', 38),
    ],
  } satisfies Parameters<typeof whyLines>[0];
  expect(whyTitle(why)).toBe(
    "Why cores wait: 60.0 % for the token to be handed on, 20.0 % for other users' tokens; of the rest",
  );
  expect(remedyLine(why)).toBe(
    'may help, not simulated: more users, whose tokens fill the wait (workload.batch); shorter lines (placement.rows) or other trees (placement.groups)',
  );
  expect(whyLines(why)).toEqual([
    '   69.0 %  down: for a slot to send',
    '   31.0 %  gate up: for a wavelet; of its wait on the critical path 62 % flight, 38 % set-up',
    '  critical path: 90 % compute, 6 % flight, 4 % set-up',
  ]);
});

it('says why there is no path, and nothing of documents without waits', () => {
  expect(whyLines({})).toEqual([]);
  expect(whyTitle({})).toBe('Why cores wait');
  expect(remedyLine({})).toBe('');
  expect(whyLines({ waits: [], noCriticalPath: 'it is too long' })).toEqual([
    '  critical path: none, it is too long',
  ]);
});

it('says which of the turns that differ it is of', () => {
  const turns = [1500, 900, 1400].map((cycles, i) => ({
    ...{ cycles, waited: 0 },
    ...(i === 0 && { described: true as const }),
  }));
  expect(whyLines({ turns })).toEqual([
    '  turns differ: 900 to 1,500 cycles; all this is of number 1 of 3 (decode.turns)',
  ]);
});

it('has the waits after the first few in one row', () => {
  const waits = Array.from({ length: 12 }, (_, i) => ({
    ...{ operator: `operator ${i}`, on: 'line' as const, coreCycles: i + 1 },
  }));
  const rows = waitRows(waits);
  expect(rows).toHaveLength(9);
  expect(rows[0]).toEqual(['operator 11', 'a wavelet', '12', '15.4 %']);
  expect(rows[8]).toEqual(['4 others', '', '10', '12.8 %']);
});

it('has the path operator by operator, as a page shows it', () => {
  const at = (
    x: number,
    from: number,
    to: number,
    operator = 'down',
    kind: PathKind = 'flight',
  ) => ({
    ...{ operator, kind, wafer: 0, x, y: 1, from, to, cycles: to - from },
  });
  expect(
    pathRows([at(2, 0, 10), at(5, 10, 40, 'down', 'compute'), at(5, 40, 41, 'choice')]),
  ).toEqual([
    ['down', '(2,1) to (5,1)', '0', '40', '40', '75 % compute, 25 % flight'],
    ['choice', '(5,1)', '40', '41', '1', '100 % flight'],
  ]);
});
