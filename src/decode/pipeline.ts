/**
 * Users whose tokens are in flight at once. Each region works on one token at a time, so tokens follow
 * each other round the ring of regions as closely as the slowest region allows, and no closer: as long
 * as no two of them need a region at the same time, each takes exactly as long as alone. With more
 * users than fit into the cycles of a token, each waits for its turn.
 */
import {
  advance,
  emptyPipeline,
  newToken,
  type PipelineState,
  type RunStage,
  type StepTiming,
  type TimedStage,
} from './timeline.js';

export interface PipelineTiming {
  /** A token of one user, from choice to choice; its causes are those of all users' tokens meanwhile. */
  timing: StepTiming;
  /** Users in flight at once, at most. */
  inFlight: number;
  /** The stage that keeps its region longest. */
  bottleneck: string;
  /** Fewest cycles between tokens of different users. */
  spacing: number;
}

/** Cycles of a token from which on a region's cores are taken, and until they wait for the next one. */
interface Occupied {
  region: number;
  from: number;
  to: number;
}

/** Tokens after which one that does not repeat is taken as it is. */
const MOST_TOKENS = 8;

/** Times a step of each of `users` users. */
export async function timePipeline(
  stages: TimedStage[],
  regions: number,
  runStage: RunStage,
  users: number,
): Promise<PipelineTiming> {
  const { timing, occupied } = await timeAlone(stages, regions, runStage);
  const spacing = spacingOf(occupied, timing.cycles);
  const inFlight = Math.min(users, Math.floor(timing.cycles / spacing));
  const spans = occupied.map(({ from, to }) => to - from);
  const bottleneck = stages[spans.indexOf(Math.max(...spans))].name;
  return { timing: takeTurns(timing, users, spacing), inFlight, bottleneck, spacing };
}

/** One user's token after token, until one takes as long as the next one will. */
async function timeAlone(
  stages: TimedStage[],
  regions: number,
  runStage: RunStage,
): Promise<{ timing: StepTiming; occupied: Occupied[] }> {
  const state = emptyPipeline(regions);
  let last = -1;
  for (let token = newToken(0), n = 1; ; n++) {
    while (token.next < stages.length) await advance(state, token, stages, runStage);
    const { timing, start } = token;
    const occupied = occupiedBy(stages, state, timing, start);
    // Where all regions would be ready again in time, the next token is like this one.
    if (timing.cycles === last || n === MOST_TOKENS || canFollow(occupied, timing.cycles))
      return { timing, occupied };
    last = timing.cycles;
    token = newToken(start + timing.cycles);
  }
}

function occupiedBy(
  stages: TimedStage[],
  { ends }: PipelineState,
  timing: StepTiming,
  start: number,
): Occupied[] {
  return stages.map(({ region, preparation, crossing }, i) => {
    const again = stages.findIndex((s, j) => j > i && s.region === region);
    // A region that is visited twice is free in between when it has sent what it had.
    const done =
      again < 0
        ? ends[region]!.reduce((a, b) => Math.max(a, b)) - start
        : timing.stages[i + 1].end - (stages[i + 1]?.crossing ?? 0);
    return { region, from: timing.stages[i].start - crossing, to: done + preparation };
  });
}

/** Fewest cycles between tokens; those of a whole token always do. */
function spacingOf(occupied: Occupied[], cycles: number): number {
  let spacing = Math.max(...occupied.map(({ from, to }) => to - from));
  while (spacing < cycles && !canFollow(occupied, spacing)) spacing++;
  return Math.min(spacing, cycles);
}

/** Whether tokens that start every `spacing` cycles never need a region at the same time. */
function canFollow(occupied: Occupied[], spacing: number): boolean {
  return occupied.every((a) =>
    occupied.every((b) => {
      if (a.region !== b.region) return true;
      // Cycles from a's begin to the next time that some token's b begins.
      const gap = (((b.from - a.from) % spacing) + spacing) % spacing;
      return (a === b ? spacing : gap) >= a.to - a.from;
    }),
  );
}

/** A user's next token starts when all others have had their turn; core-cycles are those of all. */
function takeTurns(timing: StepTiming, users: number, spacing: number): StepTiming {
  const cycles = Math.max(timing.cycles, users * spacing);
  const operators = new Map(timing.operators);
  if (cycles > timing.cycles)
    operators.set('wait for a turn', { cycles: cycles - timing.cycles, compute: 0 });
  const causes = { ...timing.causes };
  for (const cause of Object.keys(causes) as (keyof typeof causes)[]) causes[cause] *= users;
  return { ...timing, cycles, operators, causes };
}
