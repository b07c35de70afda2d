/**
 * Rounds of several users, whose tokens pass the same regions of the model and of its draft. A user's next round begins
 * when its last token is chosen; what of other users is under way then holds it up, or not. What happens first in either
 * ring happens first, so that each sends the other what comes later.
 */
import type { Contention } from '../contention.js';
import {
  keepSenderBusy,
  nextCycle,
  nextEvent,
  sendAt,
  stateOf,
  type Ring,
  type Turn,
} from '../ring.js';
import { ringOf, type RoundStages, type Trip } from './round.js';

/** A model that drafts: its tokens, the certain one's first, and words to it and back. */
export interface DraftStages {
  of: RoundStages;
  there: Trip;
  back: Trip;
}

export interface UsersAsked {
  users: number;
  /** Cycles of a round of one of them alone, over which the first rounds begin evenly. */
  alone: number;
  /** Who drafts; without it all tokens are sent so many cycles after the round's beginning. */
  draft: DraftStages | number;
  contention?: Contention | undefined;
}

/** Times that all users have a round, after which rounds that do not repeat are taken as they are. */
const MOST_ROUNDS = 6;

/** Cycles of the longest of the rounds that come again and again. @param of tokens of a round */
export async function timeUsers(of: RoundStages, asked: UsersAsked): Promise<number> {
  const { users, alone } = asked;
  const starts = Array.from({ length: users }, (_, user) => Math.floor((user * alone) / users));
  const rounds = await createRounds(of, asked, starts);
  const seen = new Map<string, number>();
  const cycles: number[] = [];
  while (cycles.length < MOST_ROUNDS * users) {
    const ended = await nextEnd(rounds);
    cycles.push(ended.cycles);
    // Rounds of others that were under way from the beginning began otherwise than any will again.
    if (cycles.length < users) continue;
    const state = stateOfAll(rounds);
    const before = seen.get(state);
    if (before !== undefined) return longest(cycles.slice(before));
    seen.set(state, cycles.length);
  }
  return longest(cycles.slice(-users));
}

function longest(cycles: readonly number[]): number {
  return cycles.reduce((most, one) => Math.max(most, one), 0);
}

interface Rounds {
  model: Ring;
  draft: { ring: Ring; there: Trip; back: Trip } | number;
  /** Tokens of a round. */
  tokens: number;
  /** When users begin their first round, of those that have not yet; and by user when its last one began. */
  starts: number[];
  begun: number[];
}

async function createRounds(
  of: RoundStages,
  { draft, contention }: UsersAsked,
  starts: number[],
): Promise<Rounds> {
  const model = await ringOf(of, contention);
  const drafting =
    typeof draft === 'number'
      ? draft
      : { ring: await ringOf(draft.of), there: draft.there, back: draft.back };
  return { model, draft: drafting, tokens: of.plans.length, starts, begun: [] };
}

/** A user's round begins: its certain token goes to the draft and then to the model, or the host is asked. */
function begin({ model, draft, tokens, begun }: Rounds, user: number, at: number): void {
  begun[user] = at;
  if (typeof draft === 'number') {
    for (let index = 0; index < tokens; index++)
      sendAt(model, { user, index, begun: at, sent: at + draft });
    return;
  }
  const { ring, there } = draft;
  sendAt(ring, { user, index: 0, begun: at, sent: at + there.arrives });
  keepSenderBusy(model, at + there.sent);
  sendAt(model, { user, index: 0, begun: at, sent: at + there.sent });
}

/** Until a user's round has ended, whose next one begins then. */
async function nextEnd(rounds: Rounds): Promise<{ user: number; cycles: number }> {
  const { model, draft, tokens, starts, begun } = rounds;
  for (;;) {
    const next = Math.min(
      nextCycle(model),
      typeof draft === 'number' ? Infinity : nextCycle(draft.ring),
    );
    if (starts.length > 0 && starts[0] <= next) {
      begin(rounds, begun.length, starts.shift()!);
      continue;
    }
    const isDraft = typeof draft !== 'number' && nextCycle(draft.ring) <= nextCycle(model);
    const turn = await nextEvent(isDraft ? draft.ring : model);
    if (turn === undefined) continue;
    if (isDraft) {
      drafted(rounds, draft, turn);
      continue;
    }
    const { user, index } = turn;
    if (index < tokens - 1) continue;
    const cycles = model.now - begun[user];
    begin(rounds, user, model.now);
    return { user, cycles };
  }
}

/** A token is drafted: it goes to the model, and the draft takes it too, the last one as well. */
function drafted(
  { model, tokens, begun }: Rounds,
  { ring, back }: Exclude<Rounds['draft'], number>,
  { user, index: before }: Turn,
): void {
  const index = before + 1;
  if (index >= tokens) return;
  const { now } = ring;
  const sent = now + back.sent;
  keepSenderBusy(ring, sent);
  sendAt(model, { user, index, begun: begun[user], sent: now + back.arrives });
  sendAt(ring, { user, index, begun: now, sent });
}

/** Everything that the future depends on, whoever is called which: users are told apart by when their rounds began. */
function stateOfAll({ model, draft, begun }: Rounds): string {
  const { now } = model;
  const inOrder = [...begun.keys()].toSorted((a, b) => begun[a] - begun[b] || a - b);
  const nameOf = (user: number) => inOrder.indexOf(user);
  const since = inOrder.map((user) => now - begun[user]);
  const rings = typeof draft === 'number' ? [model] : [model, draft.ring];
  return JSON.stringify([since, rings.map((ring) => stateOf(ring, now, nameOf))]);
}
