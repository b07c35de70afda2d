/** Rounds of several users, whose tokens pass the same regions: against one program of all of them, and in a run. */
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { timeRound } from '../src/decode/speculation/round.js';
import { timeUsers } from '../src/decode/speculation/users.js';
import { createRunner } from '../src/decode/runner.js';
import { fast } from '../src/engine/fast/fast.js';
import { runTable } from '../src/report/table.js';
import { cases } from './helpers/full.js';
import { OPTIONS } from './helpers/options.js';
import { monolithOfUsers, prepareRound, type TinyRound } from './monolith.js';
import { simulateTimes } from './helpers/times.js';

const roundsOf = ({ plansOf: plans, stages, run }: TinyRound) => ({ plans, stages, run });

describe('rounds of two users', () => {
  const shapes: [string, string[], number][] = cases(
    [['two tokens', ['rows=6'], 2]],
    [['three tokens on other rows', ['rows=5'], 3]],
  );
  it.each(shapes)('are those of one program of all stages: %s', async (_, sets, of) => {
    const tiny = await prepareRound(
      sets.map((set) => `placement.${set}`),
      of,
    );
    const alone = await timeRound(roundsOf(tiny), Array<number>(of).fill(0));
    const asked = { alone: alone.cycles, draft: 0 };
    expect(await timeUsers(roundsOf(tiny), { ...asked, users: 1 })).toBe(alone.cycles);
    const cycles = await timeUsers(roundsOf(tiny), { ...asked, users: 2 });
    const all = [3, 4].map((rounds) => fast(monolithOfUsers(tiny, rounds)).cycles);
    expect(cycles).toBe(all[1] - all[0]);
    expect(cycles).toBeGreaterThan(alone.cycles);
  });
});

describe('a run of several users with drafts', () => {
  const runner = createRunner(OPTIONS);
  const run = (batch: number, ...speculation: string[]) => {
    const sets = speculation.map((set) => `workload.speculation.${set}`);
    const all = ['workload.data=false', 'workload.tokens=1', 'workload.context=40'];
    const placed = ['placement.rows=6', 'placement.growth=minimal', `workload.batch=${batch}`];
    const config = loadConfig('configs/tiny.yaml', [...all, ...placed, ...sets]);
    return simulateTimes(config, { ...OPTIONS, runner });
  };
  const MODEL = ['draft.config=models/tiny.json', 'tokens=3', 'acceptance=0.8'];

  it('has rounds that others hold up, and all that users get together', async () => {
    const [one, two, many] = [
      await run(1, ...MODEL),
      await run(2, ...MODEL),
      await run(5, ...MODEL),
    ];
    const of = ({ decode }: typeof one) => decode.speculation!;
    for (const [users, document] of [
      [2, two],
      [5, many],
    ] as const) {
      const { rounds, users: said } = of(document);
      const [{ cycles, drafted: _, accepted: __, ...rows }] = rounds;
      expect(said).toBe(users);
      expect(Object.values(rows).reduce((sum, n) => sum + n, 0)).toBe(cycles);
      expect(rows.verify).toBe(of(one).rounds[0].verify);
    }
    // Two users' rounds find room next to each other and are those of a user alone, to the cycle; those of five do not.
    expect(of(two).breakdown.others).toBe(0);
    expect(of(many).breakdown.others).toBeGreaterThan(0);
    expect(of(one).users).toBeUndefined();
    expect(of(one).breakdown).not.toHaveProperty('others');
    // A user is slower the more there are, and all of them together faster, until the pipeline is full.
    const speed = (document: typeof one) => of(document).tokensPerSecondPerUser;
    expect(speed(many)).toBeLessThan(speed(two));
    expect(5 * speed(many)).toBeGreaterThan(2 * speed(two));
    expect(2 * speed(two)).toBeGreaterThan(speed(one));
    const text = runTable(many, { color: false });
    expect(text).toMatch(/all users +[\d,.]+ tokens\/s of 5 users, acceptance 0\.8 assumed/);
    expect(text).toMatch(/\n {2}other users +[\d,]+/);
  });

  it('waits for the host with all its tokens, of a look-up', async () => {
    const asked = ['draft.ngram=2', 'tokens=2', 'acceptance=0.5'];
    const [one, three] = [await run(1, ...asked), await run(3, ...asked)];
    const [alone] = one.decode.speculation!.rounds;
    const [together] = three.decode.speculation!.rounds;
    expect(together.cycles).toBe(alone.cycles + together.others!);
    expect(together.draft).toBe(alone.draft);
    // The host's latency leaves the pipeline room: three users' rounds take less than two of a user alone.
    expect(together.cycles).toBeLessThan(2 * alone.cycles);
  });
});
