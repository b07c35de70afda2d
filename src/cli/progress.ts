/** A bar with the time left, on stderr and only for a person at a terminal. */
import type { SimulateOptions } from '../index.js';
import { shown } from '../report/format.js';
import { prefixed } from './errors.js';
import { note } from './output.js';

/** Seconds between two lines on how far work is that goes on where there is no terminal. */
const BETWEEN = 5;

/** Where there is no bar, a line now and then, from two seconds on. */
export function progressNotes({
  onProgress,
  now,
}: Pick<SimulateOptions, 'onProgress' | 'now'>): Pick<SimulateOptions, 'onProgress'> {
  if (process.stderr.isTTY) return { onProgress };
  let next = now() + 2;
  return {
    onProgress(progress) {
      onProgress?.(progress);
      if (now() < next) return;
      next = now() + BETWEEN;
      const { done, total, what } = progress;
      note(
        prefixed(`${what}: ${Math.floor((100 * done) / total)} % of what is known to be simulated`),
      );
    },
  };
}

/** Runs `work` under a bar; off a terminal there is none. */
export async function withBar<T>(
  work: (onProgress: SimulateOptions['onProgress']) => Promise<T>,
): Promise<T> {
  if (!process.stderr.isTTY) return work(undefined);
  const { Presets, SingleBar } = await import('cli-progress');
  const bar = new SingleBar(
    {
      format: '{what} [{bar}] {percentage} %, {eta_formatted} left',
      stream: process.stderr,
      clearOnComplete: true,
      hideCursor: true,
    },
    Presets.legacy,
  );
  let started = false;
  try {
    return await work(({ done, total, what: name }) => {
      const what = shown(name);
      if (started) bar.setTotal(total);
      else bar.start(total, 0, { what });
      started = true;
      bar.update(done, { what });
    });
  } finally {
    if (started) bar.stop();
  }
}
