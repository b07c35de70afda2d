/** The latest of some cycles; -Infinity if there are none. A loop: these lists are as long as a wafer has cores. */
export function latestOf(cycles: ArrayLike<number>): number {
  let last = -Infinity;
  for (let i = 0; i < cycles.length; i++) if (cycles[i] > last) last = cycles[i];
  return last;
}
