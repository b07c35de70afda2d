/** What a region's cores do between two tokens, found without a look at each core where all wait alike. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { StageTiming } from '../src/decode/timeline.js';
import { visitOf, type KnownStart } from '../src/decode/visit.js';
import { addBefore, emptyMap } from '../src/decode/wafer-maps.js';
import { LONG_AGO } from '../src/decode/waiting-before.js';
import { count } from './helpers/full.js';

const NONE = { compute: 0, setup: 0, waitInput: 0, waitOutput: 0, idle: 0 };

const cycles = fc.oneof(
  { weight: 9, arbitrary: fc.integer({ min: -2000, max: 2000 }) },
  { weight: 1, arbitrary: fc.constant(LONG_AGO) },
);
const cores = fc.integer({ min: 1, max: 12 }).chain((size) =>
  fc.record({
    done: fc.oneof(
      fc.array(cycles, { minLength: size, maxLength: size }),
      fc.array(fc.integer({ min: -2000, max: 0 }), { minLength: size, maxLength: size }),
      fc.constant(Array<number>(size).fill(LONG_AGO)),
    ),
    own: fc.oneof(
      fc.integer({ min: -300, max: 300 }).map((start) => Array<number>(size).fill(start)),
      fc.array(fc.integer({ min: -300, max: 300 }), { minLength: size, maxLength: size }),
    ),
  }),
);

it('is what each core does on its own: idle until the token is chosen, and waiting from then on', () => {
  const seen = { together: 0, apart: 0 };
  fc.assert(
    fc.property(
      cores,
      fc.integer({ min: -1000, max: 3000 }),
      fc.integer({ min: -1000, max: 3000 }),
      fc.boolean(),
      ({ done, own }, chosen, first, isPort) => {
        const programStart = 7;
        const start = { own: Float64Array.from(own), causes: NONE, last: 50 };
        const stage = { isPort, programStart, columns: own.length, rows: 1 };
        const made = visitOf(
          stage as StageTiming,
          start as unknown as KnownStart,
          Float64Array.from(done),
          chosen,
          first,
        );
        let [idle, waiting] = [0, 0];
        own.forEach((begin, of) => {
          const begun = first + begin + programStart;
          const since = Math.max(done[of], Math.min(chosen, begun));
          if (isPort) return;
          if (done[of] !== LONG_AGO) idle += since - done[of];
          waiting += begun - since;
        });
        expect([made.causes.idle, made.causes.waitInput]).toEqual([idle, waiting]);
        // The map has the same, core by core.
        const map = emptyMap(0, own.length, 1);
        const visit = { ...made, done: Float64Array.from(done) };
        addBefore(map, stage as StageTiming, { x: 0, y: 0 }, { visit, chosen, times: 1 });
        const sum = (of: Float64Array) => of.reduce((all, one) => all + one, 0);
        expect([sum(map.idle), sum(map.between)]).toEqual([idle, waiting]);
        expect(made).toMatchObject({ waiting, free: Math.max(...done), end: first + 50, first });
        const isAlike = new Set(own).size === 1 && Math.max(...done) <= Math.min(chosen, first);
        seen[isAlike ? 'together' : 'apart']++;
      },
    ),
    { seed: 6, numRuns: count(300, 3000) },
  );
  expect(Math.min(seen.together, seen.apart)).toBeGreaterThan(20);
});
