/** The end of a run that was stopped from outside. */
import type { Standing } from './engine.js';

/** A program was stopped in the middle: the cycle, and what cores do in it. */
export class StoppedError extends Error {
  override readonly name = 'StoppedError';
  readonly cycle: number;
  readonly standing: Standing[];

  constructor(cycle: number, standing: Standing[]) {
    super(`stopped in cycle ${cycle}`);
    this.cycle = cycle;
    this.standing = standing;
  }
}
