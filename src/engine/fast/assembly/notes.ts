/** In what translations of the machine differ (build.mjs): constants, so that the compiler leaves out what is not asked for. */

/** Whether the moves of routers are noted (moves.ts), as lines want them. */
export const NOTES_MOVES: bool = false;

/** Whether events are noted (events.ts), as paths want them. */
export const NOTES_EVENTS: bool = false;

/** Whether there are delay lines (delays.ts), so that each channel says how long its ring is, and its link. */
export const DELAYS: bool = NOTES_MOVES && !NOTES_EVENTS;
