/** More points would take hours to place before the first one runs, and no page shows them. */
export const MOST_POINTS = 10_000;
