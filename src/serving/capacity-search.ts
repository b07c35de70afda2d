/** The highest load that meets limits, by bisection, with the bracket that holds it. */

export interface Bracket {
  /** Highest factor known to meet the limits (0 if none does) and lowest known to break them. */
  low: number;
  high: number;
  tried: number;
}

/** Loads beyond this many times the given one are not looked for. */
const MOST = 2 ** 20;

/**
 * @param meets whether the limits are met at a multiple of the load; once broken it stays broken
 * @param tolerance width of the bracket, as a share of its upper end
 * @returns `high` is Infinity if no load breaks the limits
 */
export function highestLoad(meets: (factor: number) => boolean, tolerance: number): Bracket {
  let tried = 0;
  const check = (factor: number) => {
    tried++;
    return meets(factor);
  };
  let low = 1;
  let high = Infinity;
  if (check(1)) {
    while (high === Infinity && low < MOST)
      if (check(2 * low)) low *= 2;
      else high = 2 * low;
  } else {
    high = 1;
    low = 0.5;
    while (!check(low)) {
      high = low;
      low /= 2;
      if (low < 1 / MOST) return { low: 0, high, tried };
    }
  }
  while (high < Infinity && high - low > tolerance * high) {
    const middle = (low + high) / 2;
    if (check(middle)) low = middle;
    else high = middle;
  }
  return { low, high, tried };
}
