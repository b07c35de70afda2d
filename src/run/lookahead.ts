/**
 * Stages on several threads. A stage's starts come out of the stage before it, so stages run one after
 * the other; but most layers start as an equal layer did. While a stage runs, some behind it run too,
 * with the starts that an equal one had last. A guess that proves right is the stage's result, any
 * other is thrown away: the outcome is the same for any number of threads.
 */
import type { RunStage } from '../decode/timeline.js';
import type { RunResult } from '../engine/engine.js';

interface Guess {
  startAt: Int32Array;
  result: Promise<RunResult>;
}

/** Stages ahead that are guessed at most: their results wait in memory for those before them. */
const FARTHEST = 8;

/** Runs stages with equal `keys` ahead, on up to `threads` threads; `run` runs one on any of them. */
export function lookAhead(keys: string[], threads: number, run: RunStage): RunStage {
  const lastStarts = new Map<string, Int32Array>();
  const guesses = new Map<number, Guess>();
  let present = 0;
  /** Guesses that run and may prove wrong; beside them a thread is the present stage's. */
  const running = new Set<Guess>();
  const guessOn = () => {
    const end = Math.min(keys.length, present + 1 + FARTHEST);
    for (let i = present + 1; i < end && running.size < threads - 1; i++) {
      const startAt = lastStarts.get(keys[i]);
      if (startAt === undefined || guesses.has(i)) continue;
      const guess = { startAt, result: run(i, startAt) };
      guesses.set(i, guess);
      running.add(guess);
      // Whoever takes the guess hears of its failure; a wrong guess may fail unheard.
      void guess.result.catch(() => {}).then(() => running.delete(guess) && guessOn());
    }
  };
  return async (index, startAt) => {
    present = index;
    const guess = guesses.get(index);
    guesses.delete(index);
    const right = guess !== undefined && equal(guess.startAt, startAt);
    if (right) running.delete(guess);
    const result = right ? guess.result : run(index, startAt);
    lastStarts.set(keys[index], startAt);
    guessOn();
    return result;
  };
}

function equal(a: Int32Array, b: Int32Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
