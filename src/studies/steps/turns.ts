/**
 * Steps that are simulated at the same time: each holds its programs and the results of its stages, some hundred MB
 * for a large model, so that no more of them are begun than keep all threads at work.
 */

/** Runs a piece of work when it is its turn, first come, first served. */
export type InTurn = <T>(work: () => Promise<T>) => Promise<T>;

/** @param most pieces of work at a time; one must not wait for another one that waits for its turn */
export function inTurns(most: number): InTurn {
  const waiting: (() => void)[] = [];
  let working = 0;
  const turn = async () => {
    if (working < most) working++;
    else await new Promise<void>((resolve) => waiting.push(resolve));
  };
  return async (work) => {
    await turn();
    try {
      return await work();
    } finally {
      // Whoever waits takes the place over.
      const next = waiting.shift();
      if (next === undefined) working--;
      else next();
    }
  };
}
