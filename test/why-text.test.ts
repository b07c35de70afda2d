/** Why cores wait, as lines. */
import { expect, it } from 'vitest';
import type { PathEntry, PathKind } from '../src/report/document.js';
import { whyLines } from '../src/report/why-text.js';
import { waitRows } from '../src/report/waits-text.js';

const entry = (operator: string, kind: PathKind, cycles: number): PathEntry => ({
  ...{ operator, kind, wafer: 0, x: 0, y: 0, from: 0, to: cycles, cycles },
});

it('ranks what is waited for, and says what the path is spent on when nothing is computed', () => {
  const lines = whyLines({
    waits: [
      { operator: 'hand-off', on: 'handOff', coreCycles: 600 },
      { operator: 'hand-off', on: 'otherToken', coreCycles: 200 },
      { operator: 'gate up', on: 'line', coreCycles: 62 },
      { operator: 'down', on: 'credit', coreCycles: 138 },
    ],
    criticalPath: [
      entry('gate up', 'compute', 900),
      entry('gate up', 'flight', 62),
      entry('gate up', 'setup', 38),
    ],
  });
  expect(lines).toEqual([
    "  60.0 % for the token to be handed on, 20.0 % for other users' tokens; of the rest:",
    '   69.0 %  down: for a slot to send',
    '   31.0 %  gate up: for a wavelet; of its wait on the critical path 62 % flight, 38 % set-up',
    '  critical path: 90 % compute, 6 % flight, 4 % set-up',
    '  may help, not simulated: more users, whose tokens fill the wait (workload.batch); shorter lines (placement.rows) or other trees (placement.groups)',
  ]);
});

it('says why there is no path, and nothing of documents without waits', () => {
  expect(whyLines({})).toEqual([]);
  expect(whyLines({ waits: [], noCriticalPath: 'it is too long' })).toEqual([
    '  critical path: none, it is too long',
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
