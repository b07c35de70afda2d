/** Tokens of a round that wait for each other on links, against one program of all stages. */
import { describe, expect, it } from 'vitest';
import { timeRound } from '../src/decode/speculation/round.js';
import { createRoundSharing } from '../src/decode/shared-links.js';
import { fast } from '../src/engine/fast/fast.js';
import { cases } from './helpers/full.js';
import { HOP_OF_ONE, monolithOfRounds, prepareRound } from './monolith.js';

/** Layers whose times are those that the cases were made for: where tokens meet hangs on some cycles. */
const PLAIN = ['placement.layers=whole', 'placement.kvReplicas=1'];

describe('tokens of a round that meet on links', () => {
  /** Scalar steps of the head's core before it sends the drafted token. */
  const waiting: [string, number, number][] = cases(
    [['row-major', 12, 246]],
    [
      ['row-major', 12, 1804],
      ['hilbert', 6, 287],
    ],
  );
  it.each(waiting)(
    'take as long as one program of all stages, and not as if they did not meet: %s, %i rows, %i steps',
    async (strategy, rows, steps) => {
      const sets = [`placement.strategy=${strategy}`, `placement.rows=${rows}`];
      const tiny = await prepareRound([...sets, ...PLAIN, ...HOP_OF_ONE], 2, 7);
      const { plansOf: plans, plans: all, stages, run, runner, wafer } = tiny;
      const { program, senders } = all[0].write();
      const sent = fast({ program, wafer }).end[senders[0]] - wafer.costs.programStart;
      const launches = [0, sent + steps * wafer.costs.scalar.step];
      const apart = await timeRound({ plans, stages, run }, launches);
      const contentionOf = createRoundSharing(runner, all, stages, stages.length / 2);
      const met = await timeRound({ plans, stages, run, contentionOf }, launches);
      const cycles = (rounds: number) => fast(monolithOfRounds(tiny, rounds, steps)).cycles;
      expect(met.cycles).toBe(cycles(3) - cycles(2));
      expect(met.cycles).toBeGreaterThan(apart.cycles);
    },
  );
});
