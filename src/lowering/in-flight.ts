/**
 * Several tokens of one user that follow each other through the regions (speculative decoding): the first is certain,
 * the others are drafted. It brings how many of the round before were accepted, by which its cores select what they
 * go on with; how long anything takes does not depend on that.
 */

/** A token's place in its round. */
export interface InFlight {
  /** From 0 on; the first one brings the accepted count. */
  index: number;
  /** Tokens of a round at most, for which regions have room. */
  of: number;
  /** Tokens of this round, where a draft was not found or the run ends; `of` if not given. */
  tokens?: number;
  /** The model is itself a draft: its head compares nothing, and goes on with what it chooses. */
  drafts?: boolean;
}

/** Whether what is handed on begins with the accepted count. */
export function bringsCount(inFlight: InFlight | undefined): boolean {
  return inFlight !== undefined && inFlight.of > 1 && inFlight.index === 0;
}

/** Whether a region receives a count, which lies between a choice of positions and the rest: with that always. */
export function receivesCount(inFlight: InFlight | undefined, hasChoice: boolean): boolean {
  return bringsCount(inFlight) || (hasChoice && inFlight !== undefined && inFlight.of > 1);
}

/** What a region's code depends on that keeps nothing of a token: where its buffers lie, and what it receives. */
export function passing(inFlight: InFlight | undefined): unknown {
  return inFlight && [inFlight.of, bringsCount(inFlight)];
}
