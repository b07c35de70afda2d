/**
 * Several users' tokens in flight: each region works on one token at a time and takes the next one
 * when it has handed its result on, so the regions form a ring in which tokens follow each other. The
 * ring runs until its rounds repeat; a round is one token of every user.
 *
 * A full ring cannot move, and a nearly full one moves slowly, so no more users are let in than serve
 * all of them fastest; the others take turns.
 */
import {
  advance,
  emptyPipeline,
  newToken,
  readyAt,
  timeStep,
  type PipelineState,
  type RunStage,
  type StepTiming,
  type TimedStage,
  type Token,
} from './timeline.js';

export interface PipelineTiming {
  /** A token of one user, from choice to choice; its causes are those of all users' tokens meanwhile. */
  timing: StepTiming;
  /** Users in flight at once. */
  inFlight: number;
  /** The stage that keeps its region longest. */
  bottleneck: string;
}

/** Rounds after which an unsteady ring is taken as it is. */
const MOST_ROUNDS = 12;

/** Times a step of each of `users` users. */
export async function timePipeline(
  stages: TimedStage[],
  regions: number,
  runStage: RunStage,
  users: number,
): Promise<PipelineTiming> {
  if (users === 1) {
    const once = await timeStep(stages, regions, runStage);
    const timing = isPrepared(stages, once)
      ? once.timing
      : await timeRing(stages, regions, runStage, 1);
    return { timing, inFlight: 1, bottleneck: longestStage(timing) };
  }
  let inFlight = Math.max(1, Math.min(users, regions - 1));
  let best = await timeRing(stages, regions, runStage, inFlight);
  while (inFlight > 1) {
    const fewer = await timeRing(stages, regions, runStage, inFlight - 1);
    if (fewer.cycles * inFlight > best.cycles * (inFlight - 1)) break;
    best = fewer;
    inFlight--;
  }
  const bottleneck = longestStage(best);
  return { timing: takeTurns(best, users, inFlight), inFlight, bottleneck };
}

/** Whether every region would have prepared for the next token in time, so that one token tells all. */
function isPrepared(
  stages: TimedStage[],
  { timing, state }: { timing: StepTiming; state: PipelineState },
): boolean {
  return stages.every(({ region, preparation }, i) => {
    const done = state.ends[region]!.reduce((a, b) => Math.max(a, b));
    return done + preparation <= timing.cycles + timing.stages[i].start;
  });
}

/** The ring with `inFlight` tokens, when its rounds repeat. */
async function timeRing(
  stages: TimedStage[],
  regions: number,
  runStage: RunStage,
  inFlight: number,
): Promise<StepTiming> {
  let last: StepTiming[] = [];
  let round: StepTiming[] = [];
  let rounds = 0;
  for await (const { timing } of runRing(stages, regions, runStage, inFlight)) {
    round.push(timing);
    if (round.length < inFlight) continue;
    const repeats = round.every(
      ({ cycles }, i) => cycles === round[0].cycles && cycles === last[i]?.cycles,
    );
    last = round;
    round = [];
    if (repeats || ++rounds === MOST_ROUNDS) break;
  }
  const causes = { ...last[0].causes };
  for (const { causes: more } of last.slice(1))
    for (const cause of Object.keys(causes) as (keyof typeof causes)[])
      causes[cause] += more[cause];
  return { ...last.at(-1)!, causes };
}

/** Runs `inFlight` users' tokens round the ring for ever; yields each token when the next is chosen. */
export async function* runRing(
  stages: TimedStage[],
  regions: number,
  runStage: RunStage,
  inFlight: number,
): AsyncGenerator<Token> {
  const state = emptyPipeline(regions);
  const tokens = Array.from({ length: inFlight }, () => newToken(0));
  for (;;) {
    const token = nextToken(tokens, (t) => {
      const { region, from } = stages[t.next];
      return state.holds[region] && from !== region ? Infinity : readyAt(state, t, stages);
    });
    await advance(state, token, stages, runStage);
    if (token.next < stages.length) continue;
    tokens[tokens.indexOf(token)] = newToken(token.start + token.timing.cycles);
    yield token;
  }
}

/** The token whose next stage may start first. */
function nextToken(tokens: Token[], time: (token: Token) => number): Token {
  const times = tokens.map(time);
  const first = times.indexOf(Math.min(...times));
  if (times[first] === Infinity) throw new RangeError('a full ring of regions cannot move');
  return tokens[first];
}

/** With more users than are let in, each waits for its turn; all core-cycles grow alike. */
function takeTurns(timing: StepTiming, users: number, inFlight: number): StepTiming {
  if (users === inFlight) return timing;
  const cycles = Math.ceil((timing.cycles * users) / inFlight);
  const operators = new Map(timing.operators);
  operators.set('wait for a turn', { cycles: cycles - timing.cycles, compute: 0 });
  const grown = Object.entries(timing.causes).map(([cause, spent]) => [
    cause,
    Math.floor((spent * users) / inFlight),
  ]);
  return { ...timing, cycles, operators, causes: Object.fromEntries(grown) };
}

function longestStage({ stages }: StepTiming): string {
  const spans = stages.map(({ start, end }) => end - start);
  return stages[spans.indexOf(Math.max(...spans))].name;
}
