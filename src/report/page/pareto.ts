/** The Pareto front of points by two numbers. */

type Better = 'lower' | 'higher';

/**
 * Places of the points that no other one beats in one number without being worse in the other, the best by `x` first;
 * of equal points all.
 */
export function frontOf(
  points: readonly { x: number; y: number }[],
  betterX: Better,
  betterY: Better,
): number[] {
  const sign = (better: Better) => (better === 'higher' ? -1 : 1);
  const all = points.map(({ x, y }, at) => ({ at, x: x * sign(betterX), y: y * sign(betterY) }));
  all.sort((a, b) => a.x - b.x || a.y - b.y || a.at - b.at);
  const front: typeof all = [];
  for (const point of all) {
    const last = front.at(-1);
    const isTwin = last?.x === point.x && last.y === point.y;
    if (last === undefined || isTwin || point.y < last.y) front.push(point);
  }
  return front.map(({ at }) => at);
}
