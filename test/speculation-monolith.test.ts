/** Rounds of several tokens of one user timed out of their stages, against one program of all of them, to the cycle. */
import { describe, expect, it } from 'vitest';
import { timeRound } from '../src/decode/speculation/round.js';
import { fast } from '../src/engine/fast/fast.js';
import { reference } from '../src/engine/reference/reference.js';
import { cases } from './helpers/full.js';
import { monolithOfRounds, prepareRound, type TinyRound } from './monolith.js';

const roundOf = ({ plansOf: plans, stages, run }: TinyRound, launches: number[]) =>
  timeRound({ plans, stages, run }, launches);

/** Cycles of the round after `before` others, in one program of all of them. */
function afterOthers(tiny: TinyRound, before: number, steps = 0): number {
  const cycles = (rounds: number) => fast(monolithOfRounds(tiny, rounds, steps)).cycles;
  return cycles(before + 1) - cycles(before);
}

const SPLIT = ['layers=split', 'layerColumns.attention=4', 'layerColumns.mlp=5'];

const SHAPES: [string, string[], number][] = cases(
  [
    ['two layers, two tokens', ['rows=6'], 2],
    ['two layers, five tokens', ['rows=6'], 5],
    ['split layers', ['rows=6', ...SPLIT], 3],
  ],
  [
    ['snake', ['rows=5', 'strategy=snake'], 4],
    ['split layers, eight tokens', ['rows=6', ...SPLIT], 8],
  ],
);

describe('a round of several tokens is that of one program of all stages', () => {
  it.each(SHAPES)('sent one right after the other: %s', async (_, sets, of) => {
    const tiny = await prepareRound(
      sets.map((set) => `placement.${set}`),
      of,
    );
    const { cycles, chosen } = await roundOf(tiny, Array<number>(of).fill(0));
    expect(cycles).toBe(afterOthers(tiny, 2));
    expect(chosen).toHaveLength(of);
  });

  it('the first one too, on the reference', async () => {
    const tiny = await prepareRound(['placement.rows=5'], 2, 1);
    const { cycles } = await roundOf(tiny, [0, 0]);
    const all = [1, 2].map((rounds) => reference(monolithOfRounds(tiny, rounds)).cycles);
    expect(all).toEqual([cycles, 2 * cycles]);
  });

  it('sent when each is known', async () => {
    const tiny = await prepareRound(['placement.rows=6'], 3);
    const { scalar } = tiny.wafer.costs;
    const [first, other] = await sendCycles(tiny);
    for (const steps of cases([40, 700], [1, 250])) {
      const later = steps * scalar.step;
      const launches = [0, first + later, first + later + other + later];
      const { cycles } = await roundOf(tiny, launches);
      expect(cycles).toBe(afterOthers(tiny, 2, steps));
    }
  });
});

/** A draft may guess while the core that sends its tokens is at work in the head for the one before. */
describe('a token that is known while the head is at work', () => {
  it('is sent when the core that sends it is done with the one before', async () => {
    const tiny = await prepareRound(['placement.rows=6'], 2);
    const [chosen] = (await roundOf(tiny, [0, 1e6])).chosen;
    const { cycles } = await roundOf(tiny, [0, chosen - 20]);
    const all = [1, 2, 3].map((rounds) => fast(monolithOfRounds(tiny, rounds, 0, true)).cycles);
    expect(cycles).toBe(all[2] - all[1]);
    // As if it were known just then.
    expect(cycles).toBe((await roundOf(tiny, [0, chosen - 10])).cycles);
  });
});

/** How long the head's core takes to send the first token, with the count, and another one. */
async function sendCycles({ plans, plansOf, wafer }: TinyRound): Promise<[number, number]> {
  const length = plans.length / plansOf.length;
  const cyclesOf = (token: number) => {
    const { program, senders } = plans[token * length].write();
    const { end } = fast({ program, wafer });
    return end[senders[0]] - wafer.costs.programStart;
  };
  return [cyclesOf(0), cyclesOf(1)];
}
