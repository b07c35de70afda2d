/** The users that decode: how many, the sum of their contexts and the longest one, kept up to date. */
import type { Load } from './policy.js';
import type { StepTime } from './step-time.js';

export interface DecodeLoad extends Load {
  /** Users by context. */
  byContext: Int32Array;
}

/** Nobody decodes yet; contexts are at most `maxContext`. */
export function createLoad(stepTime: StepTime, maxContext: number): DecodeLoad {
  return {
    users: 0,
    joining: 0,
    contextSum: 0,
    contextMax: 0,
    stepTime,
    byContext: new Int32Array(maxContext + 2),
  };
}

export function join(load: DecodeLoad, context: number): void {
  load.users++;
  load.contextSum += context;
  load.byContext[context]++;
  if (context > load.contextMax) load.contextMax = context;
}

/** A user's context grows by the token just made. */
export function grow(load: DecodeLoad, context: number): void {
  load.contextSum++;
  load.byContext[context]--;
  load.byContext[context + 1]++;
  if (context === load.contextMax) load.contextMax++;
}

export function leave(load: DecodeLoad, context: number): void {
  load.users--;
  load.contextSum -= context;
  load.byContext[context]--;
  while (load.contextMax > 0 && load.byContext[load.contextMax] === 0) load.contextMax--;
}
