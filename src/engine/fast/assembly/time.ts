/**
 * Cycles, counted from the first start of a run. The machine is translated twice: with times of 32 bits, as
 * here, which nearly all programs fit, and (build.mjs) with times of 64 bits for those that run longer.
 */
export type Time = i32;

/** Later than any cycle, and earlier. */
export const NEVER: Time = i32.MAX_VALUE;
export const LONG_AGO: Time = i32.MIN_VALUE;
