/** Stages that start together, by hand: two cores, three stages, two of them with the same result. */
import { expect, it } from 'vitest';
import type { StageTiming } from '../src/decode/timeline.js';
import { timeTogether } from '../src/decode/together.js';
import type { RunResult } from '../src/engine/engine.js';

const stage = (region: number): StageTiming => ({
  ...{ name: `layer ${region}`, layer: region, width: 2, height: 1, labels: ['a', 'b'] },
  ...{ senders: [], from: region, region, origin: 0, columns: 2, rows: 1, preparation: 30 },
  ...{ programStart: 0, crossing: 0, isToken: false, isPort: false, ports: [], handOff: -1 },
});

/** The first core works and ends in cycle `first`, the other one in cycle `last`. */
function result(first: number, last: number): RunResult {
  const two = (a: number, b: number) => Float64Array.of(a, b);
  return {
    ...{ cycles: last, end: two(first, last), compute: two(first - 5, 3), setup: two(4, 2) },
    ...{ waitInput: two(1, last - 7), waitOutput: two(0, 2) },
    ...{ labelWaitInput: two(0, last - 6), labelWaitOutput: two(2, 0) },
    ...{ labelEnd: two(first, last), labelBusy: two(6, 3) },
    ...{ linkWavelets: new Float64Array(8), sent: 1, delivered: 1, waveletHops: 1 },
    routeHazards: 0,
  };
}

it('takes stages one after the other, each from the end of the last core of the one before', async () => {
  const [short, long] = [result(10, 40), result(20, 100)];
  const results = [short, long, short];
  const { timing, uses, ...rest } = await timeTogether(
    [0, 1, 2].map(stage),
    async (i) => results[i],
  );
  expect(rest.results).toEqual(results);
  expect(timing.cycles).toBe(40 + 100 + 40);
  expect(timing.stageCycles).toEqual([40, 100, 40]);
  expect(timing.stages.map(({ name, start, end, from }) => [name, start, end, from])).toEqual([
    ['layer', 0, 40, 0],
    ['layer', 40, 140, 40],
    ['layer', 140, 180, 140],
  ]);
  expect(timing.operators.get('a')).toEqual({ cycles: 10 + 20 + 10, compute: 6 + 6 + 6 });
  expect(timing.operators.get('b')).toEqual({ cycles: 30 + 80 + 30, compute: 3 + 3 + 3 });
  // Two cores for 180 cycles; the first one is done 30, 80 and 30 cycles before the other.
  const { compute, setup, waitInput, waitOutput, idle } = timing.causes;
  expect([compute, setup, idle]).toEqual([8 + 18 + 8, 3 * 6, 30 + 80 + 30]);
  expect(compute + setup + waitInput + waitOutput + idle).toBe(2 * 180);
  // What waits in each result adds up to both causes.
  expect([...timing.waits]).toEqual([
    ['a', { line: 0, credit: 3 * 2, handOff: 0, otherToken: 0 }],
    ['b', { line: 34 + 94 + 34, credit: 0, handOff: 0, otherToken: 0 }],
  ]);
  expect([waitInput, waitOutput]).toEqual([34 + 94 + 34, 3 * 2]);
  expect(uses).toEqual([
    { stage: 0, result: short, tokens: 2 },
    { stage: 1, result: long, tokens: 1 },
  ]);
});
