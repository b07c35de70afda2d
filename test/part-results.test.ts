/** What each of several stages did that ran as one program, with a core that works for two of them: by hand. */
import type { Starts } from '../src/engine/engine.js';
import { describe, expect, it } from 'vitest';
import { pathOfStep } from '../src/decode/critical-path.js';
import { partResults } from '../src/decode/part-results.js';
import { createRunner } from '../src/decode/runner.js';
import type { StageRunner } from '../src/decode/stages.js';
import type { StageTiming } from '../src/decode/timeline.js';
import type { Turn } from '../src/decode/ring.js';
import { reference } from '../src/engine/reference/reference.js';
import { joined, type Part } from '../src/lowering/joined.js';
import type { Program } from '../src/program/program.js';
import { OPTIONS } from './helpers/options.js';
import {
  E,
  R,
  W,
  cell,
  fabric,
  loaded,
  move,
  role,
  route,
  row,
  testWafer,
  work,
} from './helpers/programs.js';

const WORDS = 4;

/** A part in a row of cores that begins at (x, 0), and with its first cycle so much later. */
function partAt(program: Program, x: number, later = 0): Part {
  return {
    ...{ program, later, colors: new Map() },
    box: { x, y: 0, width: program.width, height: 1 },
    startAt: new Float64Array(program.width),
  };
}

/** Runs parts as one program and each alone. */
function together(parts: Part[], wafer = testWafer()) {
  const all = joined(parts)!;
  const run = (program: Program, startAt: Starts) => reference({ program, wafer, startAt });
  const alone = parts.map(({ program, startAt }) => run(program, startAt));
  const result = run(all.program, all.startAt);
  return { result, all, parts: partResults(all, parts, alone, result, [0, 0]) };
}

const labelled = (program: Program, ...labels: string[]): Program => ({ ...program, labels });

/** The first core works for ten cycles and sends; the second takes the words. */
const receiving = labelled(
  row(
    role('sender', {
      routes: [route(0, R, E)],
      operations: [work(10), { ...move(fabric(0), cell(0), WORDS), label: 1 }],
      buffers: [loaded(10)],
    }),
    role('taker', {
      routes: [route(0, W, R)],
      operations: [{ ...move(cell(0), fabric(0), WORDS), label: 1 }],
      buffers: [loaded(WORDS)],
    }),
  ),
  ...['work', 'receive'],
);

/** The first core sends words on another colour to the second. */
const sending = labelled(
  row(
    role('sender', {
      routes: [route(1, R, E)],
      operations: [move(fabric(1), cell(0), WORDS)],
      buffers: [loaded(WORDS)],
    }),
    role('taker', {
      routes: [route(1, W, R)],
      operations: [move(cell(0), fabric(1), WORDS)],
      buffers: [loaded(WORDS)],
    }),
  ),
  'pass on',
);

describe('the waits of one of several parts', () => {
  it('have those for a wavelet in the last operation of a core that then works for another', () => {
    const { parts } = together([partAt(receiving, 0), partAt(sending, 1)]);
    // Ten cycles of work, one to move a word, five to come: the shared core is the only one that waits for it.
    expect([...parts[0].labelWaitInput]).toEqual([0, 10 + 1 + 5]);
    expect(parts[0].labelEnd[1]).toBe(16 + WORDS);
    // The other part's taker waits for the shared core, and for its words as long.
    expect([...parts[1].labelWaitInput]).toEqual([16 + WORDS + 1 + 5]);
  });

  it('have those for a slot in it', () => {
    // The taker, which is the part's first core, takes a word in ten cycles; twelve find slots (see waits.test.ts).
    const words = 20;
    const slow = labelled(
      row(
        role('taker', {
          routes: [route(0, E, R)],
          operations: [{ ...move(cell(0), fabric(0), words), by: 'task' }],
          buffers: [loaded(words)],
        }),
        role('sender', {
          routes: [route(0, R, W)],
          operations: [{ ...move(fabric(0), cell(0), words), label: 1 }],
          buffers: [loaded(words)],
        }),
      ),
      ...['take', 'send'],
    );
    const { parts } = together([partAt(slow, 0), partAt(sending, 1)], testWafer({}, { task: 10 }));
    const end = 6 + 70 + 5 + 1;
    expect([...parts[0].labelWaitOutput]).toEqual([0, end - (words + 1)]);
    expect([...parts[0].waitOutput]).toEqual([0, end - (words + 1)]);
    expect([...parts[1].labelWaitOutput]).toEqual([0]);
    expect([...parts[1].waitOutput]).toEqual([0, 0]);
  });
});

describe('the critical path of one of several parts', () => {
  it("is cut where it leads to another token's work on a core of both, which is one entry from cycle 0 on", async () => {
    const wafer = testWafer();
    const [x, chosen, later] = [5, 4, 7];
    // The second part's clock lags by 7 cycles; its token was chosen in cycle 4 of the clock of both.
    const { all, parts, result } = together([partAt(receiving, x), partAt(sending, x + 1, later)]);
    const { joint, end } = parts[1];
    const stage = {
      ...{ name: 'second', region: 0, from: 0, origin: 0, width: 2, height: 1 },
      ...{ labels: sending.labels, handOff: 0, crossing: 0, senders: [], columns: 2, rows: 1 },
    } as unknown as StageTiming;
    const own = { end, compute: Float64Array.of(1, 1), setup: Float64Array.of(0, 0) };
    const turn = {
      ...{ chosen, afterOthers: [true] },
      visits: [{ first: later, start: { result: own, joint } }],
    } as unknown as Turn;
    const runner = { wafer, places: [{ wafer: 2, x: x + 1, y: 0 }] } as unknown as StageRunner;
    const plan = { stages: [] } as unknown as Parameters<typeof pathOfStep>[2]['plan'];
    const programs = createRunner({ ...OPTIONS, engine: 'reference' });
    const step = { plan, stages: [stage], results: [result], turn };
    // The shared core is done with the first part in cycle 20, sends, and the last word is taken in cycle 29.
    expect(all.program.width).toBe(3);
    const at = (core: number, from: number, to: number) => ({
      ...{ operator: 'pass on', wafer: 2, x: x + core, y: 0 },
      ...{ from: from - chosen, to: to - chosen, cycles: to - from },
    });
    expect(await pathOfStep(runner, programs, step)).toEqual([
      { ...at(1, chosen, 20), kind: 'otherToken' },
      { ...at(1, 20, 24), kind: 'compute' },
      { ...at(1, 24, 29), kind: 'flight' },
      { ...at(2, 29, 30), kind: 'compute' },
    ]);
  });
});
