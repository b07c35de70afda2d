/**
 * The tokens of several users go round the ring of regions, one visit of a region after the
 * other. What is next is the visit whose input is there first (if several: that of the token farthest
 * on its path). A region's cores take tokens one after the other, and are done with one when they have
 * sent it on. A chosen token is one wavelet, which waits on the wire for the embedding; a tied table's
 * core keeps it and sends it when the table turns to it.
 *
 * Where wavelets of several tokens pass the same links, visits change each other (contention.ts).
 *
 * At most `inFlight` tokens are under way; a token that is chosen beyond that waits in the memory of the
 * core that chose it, first come, first served, and is sent when that core has chosen the next token.
 */
import { earliestOf, latestOf } from '../engine/engine.js';
import { meet, openOf, type Contention } from './contention.js';
import { addStage, emptyTiming } from './timeline.js';
import type { RunStage, StepTiming, StageTiming } from './timeline.js';
import { longWaiting, splitWaiting, stageRuns, visit } from './visit.js';
import type { Interval } from './waits.js';
import type { Ends, KnownStart, StageRuns, Visit } from './visit.js';

interface Token {
  /** Where its stages begin among those of the ring. */
  first: number;
  /** Whose it is, in rounds of several users. */
  user: number;
  /** Cycle at which it was chosen; of a round, at which that began. */
  chosen: number;
  /** Index of the stage that is next, or one past the last; and the cycles at which its senders send. */
  next: number;
  sending: number[];
  visits: Visit[];
  /** By visit: whether others were on its region since this token was. */
  afterOthers: boolean[];
  /** What follows from these visits, once it has been asked for, where no other's change them later. */
  timing: StepTiming | undefined;
}

/** A token from its choice to the next choice. */
export interface Turn {
  /** Of a round: whose token it is, and which one of the round. */
  user: number;
  index: number;
  timing: StepTiming;
  /** By stage; and whether others were on its region since the token was. */
  visits: Visit[];
  afterOthers: boolean[];
  /** Cycle at which the token was chosen with which the turn begins. */
  chosen: number;
}

/** Which start of a stage it was (see visit.ts), and when. */
interface Mark {
  start: KnownStart;
  first: number;
}

export interface Ring {
  /** Those of one token; of a round those of its tokens one after the other, which differ in their programs alone. */
  stages: StageTiming[];
  /** Stages of a token. */
  length: number;
  /** Tokens leave the ring when they are chosen: those of a round of one user, which a next round follows. */
  isRound: boolean;
  runs: StageRuns;
  ends: Ends;
  /** By region: the visits that `ends` is made of, its cores' last one and that of their senders. */
  visited: (Mark | undefined)[];
  sent: (Mark | undefined)[];
  /** By region: the token that its cores have still to send on, and the one that they had last. */
  holds: (Token | undefined)[];
  last: (Token | undefined)[];
  /** Tokens under way, the one farthest on its path first; and those that wait for others, in turn. */
  underway: Token[];
  waiting: Token[];
  /** Cycle of the last choice. */
  now: number;
  /** By stage: cycles that sending a chosen token on takes, where it waits on the wire. */
  tokenSend: (number | undefined)[];
  /** What visits of several tokens cost each other, if they are to. */
  contention: Contention | undefined;
  /** Whether visits note when the region's cores were done before. */
  keepsDone: boolean;
}

/** The chosen token leaves its core for another region. */
function leavesItsRegion({ isToken, from, region }: StageTiming): boolean {
  return isToken && from !== region;
}

/** A token before its first visit, which was chosen and is sent in these cycles. */
function newToken(chosen: number, sent: number, first = 0, user = 0): Token {
  const none = { visits: [], afterOthers: [], timing: undefined };
  return { first, user, chosen, next: 0, sending: [sent], ...none };
}

/**
 * A ring before its first visit: tokens are sent in the cycles `launches`, and were chosen `delay` before;
 * more wait since `waiting`.
 * @param length stages of a token of a round, which `beginRound` sends; without it all tokens have the same stages
 */
export async function createRing(
  stages: StageTiming[],
  regions: number,
  runs: StageRuns,
  launches: number[],
  waiting: number[],
  {
    delay = 0,
    contention,
    length,
  }: { delay?: number; contention?: Contention | undefined; length?: number } = {},
): Promise<Ring> {
  const tokenSend: Ring['tokenSend'] = [];
  for (const [i, stage] of stages.entries())
    tokenSend.push(
      leavesItsRegion(stage) ? await tokenSendCycles(stages, regions, runs, i) : undefined,
    );
  return {
    stages,
    length: length ?? stages.length,
    isRound: length !== undefined,
    runs,
    ends: longWaiting(stages, regions),
    visited: Array.from({ length: regions }),
    sent: Array.from({ length: regions }),
    holds: Array.from({ length: regions }),
    last: Array.from({ length: regions }),
    underway: launches.map((sent) => newToken(sent - delay, sent)),
    waiting: waiting.map((chosen) => newToken(chosen, chosen)),
    now: 0,
    tokenSend,
    contention,
    keepsDone: false,
  };
}

/**
 * Begins a round in the cycle of the last choice: its tokens are sent so many cycles later, if the core that sends
 * them is not at work then.
 */
export function beginRound(ring: Ring, launches: readonly number[]): void {
  launches.forEach((later, i) => sendOf(ring, i, later));
}

/** Sends one token of a round, its stages those of that number, so many cycles after the last choice. */
export function sendOf({ underway, now, length }: Ring, index: number, later: number): void {
  underway.push(newToken(now, now + later, index * length));
}

/** Sends one token of some user's round, which began in cycle `begun`, in a cycle that has not come yet. */
export function sendAt(
  { underway, length }: Ring,
  { user, index, begun, sent }: { user: number; index: number; begun: number; sent: number },
): void {
  underway.push(newToken(begun, sent, index * length, user));
}

/** The core that sends the tokens of a round has something else to send up to a cycle. */
export function keepSenderBusy({ stages: [{ from, senders }], ends }: Ring, until: number): void {
  const { of } = senders[0];
  ends[from][of] = Math.max(ends[from][of], until);
}

/** The stage that is next for a token, or comes after a choice. */
function stageOf({ stages, length }: Ring, { first, next }: Token): StageTiming {
  return stages[first + (next % length)];
}

/** One wavelet always finds room on its path, so the sender is not held up. Only the stage's own cores count. */
async function tokenSendCycles(
  stages: StageTiming[],
  regions: number,
  runs: StageRuns,
  index: number,
): Promise<number> {
  const ends = longWaiting([stages[index]], regions);
  const { start } = await visit(runs, ends, stages[index], index, 0, [0]);
  return start.sendEnds[0];
}

/** One token's path, for which all regions have long been waiting: every stage runs once. */
export async function passOnce(
  stages: StageTiming[],
  regions: number,
  runStage: RunStage,
): Promise<void> {
  const ends = longWaiting(stages, regions);
  const runs = stageRuns(stages, runStage);
  for (const [i, stage] of stages.entries()) {
    const { crossing, from, senders } = stage;
    const sending = senders.map(({ of }) => Math.max(0, ends[from][of]) + crossing);
    await visit(runs, ends, stage, i, 0, sending);
  }
}

/** Makes visits until a token is chosen. */
export async function nextTurn(ring: Ring): Promise<Turn> {
  for (;;) {
    const turn = await nextEvent(ring);
    if (turn !== undefined) return turn;
  }
}

/** Makes the next visit, or ends the turn of a token that is chosen before it. */
export async function nextEvent(ring: Ring): Promise<Turn | undefined> {
  const { token } = nextToken(ring);
  if (token.next === ring.length) return endTurn(ring, token);
  await advance(ring, token);
  return undefined;
}

/** The cycle of the next event; Infinity if no token is under way. */
export function nextCycle(ring: Ring): number {
  return ring.underway.length === 0 ? Infinity : nextToken(ring).first;
}

/** The token for which something happens first, and when: it is chosen, or its next visit begins. */
function nextToken(ring: Ring): { token: Token; first: number } {
  const { underway, length, holds } = ring;
  let next: Token | undefined;
  let first = Infinity;
  for (const token of underway) {
    const holder = holds[stageOf(ring, token).region];
    const isChosen = token.next === length;
    if (!isChosen && holder !== undefined && holder !== token) continue;
    if (token.next === 0 && !mayEnter(ring)) continue;
    const sent = isChosen ? chosenAt(ring, token) : earliestOf(sendingOf(ring, token));
    if (sent < first || (sent === first && token.next > next!.next)) {
      next = token;
      first = sent;
    }
  }
  // Never: what the farthest token needs is held by no other, since its holder would be farther; but for a tied
  // table, first and last, whose holder is stuck only if every region is held, which `mayEnter` prevents.
  if (next === undefined) throw new Error('no token can go on');
  return { token: next, first };
}

/** A tied table takes a token in as long as it will get rid of it whatever else comes. */
function mayEnter({ underway, stages, length }: Ring): boolean {
  if (stages[0].from !== stages[0].region) return true;
  const isInside = ({ next }: Token) => next > 0 && next < length;
  const inside = underway.filter(isInside).length;
  return inside + 1 <= length - 2;
}

/**
 * When the senders of the token's next stage send. A tied table's core, which keeps the token, may have had
 * others meanwhile, and so has the core that sends the tokens of a round.
 */
function sendingOf(ring: Ring, token: Token): number[] {
  const { sending, next } = token;
  const { from, region, senders } = stageOf(ring, token);
  const { ends } = ring;
  if (from !== region && !(ring.isRound && next === 0)) return sending;
  return sending.map((cycle, i) => Math.max(cycle, ends[from][senders[i].of]));
}

async function advance(ring: Ring, token: Token): Promise<void> {
  const { stages, ends, holds, last, contention } = ring;
  const index = token.first + token.next;
  const stage = stages[index];
  const [done, left] = [ends[stage.region], ends[stage.from]];
  const made = await visit(ring.runs, ends, stage, index, token.chosen, sendingOf(ring, token));
  if (ring.keepsDone) made.done = done;
  ring.sent[stage.from] = made;
  ring.visited[stage.region] = made;
  if (holds[stage.from] === token) holds[stage.from] = undefined;
  token.afterOthers.push(last[stage.region] !== token);
  last[stage.region] = token;
  token.visits.push(made);
  token.timing = undefined;
  token.next++;
  const turns = turnsOf(stages, token);
  splitWaiting(stage, made, done, token.chosen, turns());
  if (contention === undefined && !ring.keepsDone) ring.runs.spare = done;
  if (contention) {
    const arrays = { done, ends: ends[stage.region], left };
    const changed = await meet(contention, {
      ...{ token, stage: index, visit: made, chosen: token.chosen, turns, ...arrays },
    });
    for (const other of ring.underway)
      if (other !== token && other.visits.some((one) => changed.has(one))) sendNext(ring, other);
  }
  sendNext(ring, token);
  if (token.next < ring.length && ring.tokenSend[token.first + token.next] === undefined)
    holds[stage.region] = token;
}

/** A token inside is sent on when it has been received and computed. */
function sendNext(ring: Ring, token: Token): void {
  if (token.next > 0 && token.next < ring.length) send(ring, token, token.chosen);
}

/** The senders of the token's next stage are ready, not before cycle `from`. */
function send(ring: Ring, token: Token, from: number): void {
  const { ends, tokenSend } = ring;
  const stage = stageOf(ring, token);
  const { crossing, senders } = stage;
  token.sending = senders.map(({ of }) => Math.max(from, ends[stage.from][of]) + crossing);
  const cycles = tokenSend[token.first + token.next];
  if (cycles !== undefined) ends[stage.from][senders[0].of] = token.sending[0] + cycles;
}

/** The token's timeline from the choice before: what it waits for is room in the ring, and others. */
function timingOf(ring: Ring, token: Token): StepTiming {
  if (ring.contention) return newTiming(ring, token);
  return (token.timing ??= newTiming(ring, token));
}

function newTiming({ stages }: Ring, token: Token): StepTiming {
  const timing = emptyTiming();
  const { first: at, chosen, visits } = token;
  visits.forEach(({ start, first }, i) => {
    addStage(timing, stages[at + i], start.result, first - chosen, turnAt(token, i) - chosen);
  });
  return timing;
}

/** Up to when the token waits for its turn at a stage, if not for something else: for room in the ring, and others. */
function turnAt({ visits, afterOthers }: Pick<Token, 'visits' | 'afterOthers'>, i: number): number {
  const { first, free } = visits[i];
  return Math.max(afterOthers[i] ? free : 0, i === 0 ? first : 0);
}

/** When a token waited for its turn up to its last visit so far, as its timeline has it (`addStage`). */
function turnsOf(stages: StageTiming[], token: Token): () => Interval[] {
  const { first: at, visits, afterOthers, chosen } = token;
  const { length } = visits;
  return () => {
    const turns: Interval[] = [];
    let reached = chosen;
    for (let i = 0; i < length; i++) {
      const { start, first } = visits[i];
      if (stages[at + i].crossing > 0) reached = Math.max(reached, first);
      const turn = turnAt({ visits, afterOthers }, i);
      if (turn > reached) turns.push([reached, turn]);
      reached = Math.max(reached, turn, first + latestOf(start.result.labelEnd));
    }
    return turns;
  };
}

/** Cycle in which a token that has been everywhere is chosen. */
function chosenAt(ring: Ring, token: Token): number {
  return token.chosen + timingOf(ring, token).cycles;
}

/** The token is chosen; the token whose turn it is enters the ring, unless rounds follow each other. */
function endTurn(ring: Ring, token: Token): Turn {
  const { underway, waiting } = ring;
  const { visits, afterOthers, chosen, user, first } = token;
  const timing = timingOf(ring, token);
  const turn: Turn = { user, index: first / ring.length, timing, visits, afterOthers, chosen };
  token.chosen += timing.cycles;
  ring.now = token.chosen;
  token.next = 0;
  token.visits = [];
  token.afterOthers = [];
  token.timing = undefined;
  underway.splice(underway.indexOf(token), 1);
  if (ring.isRound) return turn;
  waiting.push(token);
  const entering = waiting.shift()!;
  underway.push(entering);
  send(ring, entering, token.chosen);
  return turn;
}

/**
 * Everything that the future depends on, with cycles counted from `now`, the last choice: when cores are done,
 * and where the tokens are. Rings with equal states do the same ever after.
 * @param nameOf what tells users apart, where tokens are those of several
 */
export function stateOf(
  ring: Ring,
  now = ring.now,
  nameOf: (user: number) => number = (user) => user,
): string {
  const { underway, waiting, holds, last, visited, sent } = ring;
  const tokens = [...underway, ...waiting];
  const number = (token: Token | undefined) => (token === undefined ? -1 : tokens.indexOf(token));
  const known = tokens.map((token) => [
    token.first,
    nameOf(token.user),
    token.next,
    token.chosen - now,
    timingOf(ring, token).cycles,
    token.sending.map((cycle) => cycle - now),
  ]);
  const when = (mark: Mark | undefined) => mark && [mark.start.number, mark.first - now];
  const regions = [visited.map(when), sent.map(when), holds.map(number), last.map(number)];
  const open = ring.contention && openOf(ring.contention, now);
  return JSON.stringify([underway.length, known, regions, open]);
}
