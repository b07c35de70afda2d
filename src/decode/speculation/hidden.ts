/** Hidden states on their way from the rows of a head to those of the layer that joins them to its tokens. */
import type { WaferSpec } from '../../hardware/wafer.js';
import type { HandOffTo } from '../../lowering/hand-off-colors.js';
import type { StepPlan } from '../../lowering/lowering.js';
import { normedIn } from '../../lowering/hidden-state.js';
import { headOf } from '../../lowering/token.js';
import { planRows } from '../../lowering/transport.js';
import type { ModelSpec } from '../../model/model.js';
import type { Placement, Region } from '../../placement/placement.js';
import type { Sent } from './sent.js';
import type { Trip } from './round.js';

/** A model, and where it is. */
export interface Placed {
  model: ModelSpec;
  placement: Placement;
}

/**
 * A state from the head of a model to a region whose rows are as many.
 * @param inFlight tokens of a round
 * @param others hand-offs whose colours are taken where they pass
 */
export function planHidden(
  wafer: WaferSpec,
  { model, placement }: Placed,
  to: Region,
  inFlight: number,
  others: readonly HandOffTo[],
): StepPlan {
  const head = placement.regions[headOf(placement)];
  const normed = normedIn(model, head, inFlight);
  return planRows(wafer, head, to, { ...normed, type: model.dtype }, others);
}

/** How long a state takes from the head of the model that verifies, and from the draft's own. */
export interface StateTrips {
  model: Trip;
  own: Trip;
}

/**
 * When a round's tokens are sent that the model's own layer drafts: it takes `again` accepted tokens of the round before
 * with the model's states, and then the certain one; the others with its own.
 * @param chain cycles of the layer's tokens, the certain one first
 */
export function sentByLayer(
  chain: readonly number[],
  { there, back, states }: { there: Trip; back: Trip; states: StateTrips },
  again: number,
): Sent {
  const [certain, ...guessed] = chain;
  const launches = [there.sent];
  let now = there.arrives + (again + 1) * (states.model.arrives + certain);
  launches.push(now + back.arrives);
  for (const cycles of guessed) {
    now += back.sent + states.own.arrives + cycles;
    launches.push(now + back.arrives);
  }
  const draft = again * certain + chain.reduce((sum, cycles) => sum + cycles, 0);
  // What it takes of its own is not kept: it is free when the last token is drafted.
  return {
    ...{ launches, draft, transport: launches.at(-1)! - draft },
    ...{ own: 0, back: there.arrives },
  };
}
