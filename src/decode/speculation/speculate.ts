/**
 * Speculating decoding out of its rounds: how many drafted tokens each accepts, as was computed or as is drawn from
 * the seed by assumed chances, what it takes, and the speed that follows.
 */
import type { ResolvedConfig } from '../../config.js';
import { acceptedOf, tokensPerRound } from '../../numeric/acceptance.js';
import { seededRandom } from '../../numeric/random.js';
import type { RoundResult, RoundRows, SpeculationResult } from '../../report/document.js';
import { firstPosition } from '../positions.js';
import { meanCycles } from './acceptance.js';
import { draftModelOf } from './draft.js';
import type { RoundTimer } from './timer.js';

/** Tokens of a round that were drafted and accepted. */
export type RoundCounts = Pick<RoundResult, 'drafted' | 'accepted'>;

/** What the rounds of a run are made of. */
export interface OfRounds {
  timer: RoundTimer;
  /** Cycles of a plain token, by tokens before it in this run. */
  plainAt: (done: number) => number;
  /** What was accepted, of a run that computes; drawn without. */
  computed?: readonly RoundCounts[] | undefined;
  onProgress?: (done: number) => void;
}

/** The rounds that give the run's tokens. */
export async function speculate(
  config: ResolvedConfig,
  { timer, plainAt, computed, onProgress }: OfRounds,
): Promise<SpeculationResult> {
  const { tokens } = config.workload;
  const first = firstPosition(config);
  const next = countsOf(config, computed);
  const rounds: RoundResult[] = [];
  for (let done = 0; done < tokens;) {
    onProgress?.(done);
    const counts = next();
    if (counts === undefined) break;
    const again = rounds.at(-1)?.accepted;
    const [at, verified] = [first + done, counts.drafted + 1];
    const { cycles, rows } = await timer.time(at, plainAt(done), verified, again);
    rounds.push({ ...counts, cycles, ...rows });
    done += counts.accepted + 1;
  }
  const { draft: drafts, transport } = timer.again();
  return resultOf(config, rounds, drafts + transport);
}

/** What each round drafts and accepts, one after the other. */
function countsOf(
  { workload: { speculation, seed } }: ResolvedConfig,
  computed: readonly RoundCounts[] | undefined,
): () => RoundCounts | undefined {
  if (computed !== undefined) {
    const left = computed.values();
    return () => left.next().value;
  }
  const { tokens, acceptance } = speculation!;
  if (tokens === 1) return () => ({ drafted: 0, accepted: 0 });
  if (acceptance === 'measured') throw new TypeError('what is measured has to be computed');
  const random = seededRandom(`acceptance ${seed}`);
  return () => ({ drafted: tokens - 1, accepted: acceptedOf(random, acceptance) });
}

/** @param again by how much each accepted token makes the next round longer */
function resultOf(config: ResolvedConfig, rounds: RoundResult[], again: number): SpeculationResult {
  const { wafer, workload } = config;
  const { tokens, acceptance, draft } = workload.speculation!;
  const mean = (of: (round: RoundResult) => number) =>
    rounds.reduce((sum, round) => sum + of(round), 0) / rounds.length;
  const breakdown: RoundRows = {
    draft: mean((round) => round.draft),
    verify: mean((round) => round.verify),
    spacing: mean((round) => round.spacing),
    comparison: mean((round) => round.comparison),
    transport: mean((round) => round.transport),
    rollback: mean((round) => round.rollback),
    ...(workload.batch > 1 && { others: mean(({ others = 0 }) => others) }),
  };
  const cyclesPerRound = mean(({ cycles }) => cycles);
  const given = mean(({ accepted }) => accepted + 1);
  const speed = (perRound: number, cycles = cyclesPerRound) => (perRound * wafer.clockHz) / cycles;
  const isAssumed = acceptance !== 'measured';
  const expected = isAssumed ? tokensPerRound(acceptance) : undefined;
  // The rounds without what was accepted before each: that is as many tokens as rounds accept in the mean of all draws.
  const before = rounds.slice(0, -1).reduce((sum, { accepted }) => sum + accepted, 0);
  const cycles = cyclesPerRound - (before * again) / rounds.length;
  const name = draftModelOf(config)?.name;
  return {
    draft: name ?? (draft.kind === 'ngram' ? `look-up of ${draft.n} tokens by the host` : 'none'),
    tokens,
    drafted: rounds.reduce((sum, { drafted }) => sum + drafted, 0),
    accepted: rounds.reduce((sum, { accepted }) => sum + accepted, 0),
    ...(isAssumed && { assumedAcceptance: asOne(acceptance) }),
    cyclesPerRound,
    tokensPerRound: given,
    draftCycles: breakdown.draft,
    verifyCycles: mean(({ cycles, draft: drafts, transport }) => cycles - drafts - transport),
    breakdown,
    tokensPerSecondPerUser: speed(given),
    ...(workload.batch > 1 && { users: workload.batch }),
    ...(expected !== undefined && {
      expected: expectedOf(expected, meanCycles({ tokens, cycles, again }, expected), speed),
    }),
    rounds,
  };
}

function expectedOf(
  given: number,
  cyclesPerRound: number,
  speed: (perRound: number, cycles: number) => number,
): NonNullable<SpeculationResult['expected']> {
  const tokensPerSecondPerUser = speed(given, cyclesPerRound);
  return { tokensPerRound: given, cyclesPerRound, tokensPerSecondPerUser };
}

/** One chance where all are alike. */
function asOne(chances: readonly number[]): number | readonly number[] {
  const [first] = chances;
  const isOne = chances.length > 0 && chances.every((chance) => chance === first);
  return isOne ? first : chances;
}
