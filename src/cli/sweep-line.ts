/** How far a sweep is, in one line on stderr that is written anew, and for a log now and then a line of its own. */
import type { SweepProgress } from '../index.js';
import { nowDoing } from './command-thread.js';
import { note } from './output.js';

/** Milliseconds between two lines, for a person and for a log. */
const EVERY = { terminal: 100, log: 60_000 };

export async function withSweepLine<T>(
  work: (onProgress: (progress: SweepProgress) => void) => Promise<T>,
): Promise<T> {
  const { isTTY } = process.stderr;
  let last = performance.now();
  let written = false;
  try {
    return await work((progress) => {
      const line = progressText(progress);
      nowDoing(line);
      const now = performance.now();
      if (now - last < (isTTY ? EVERY.terminal : EVERY.log)) return;
      last = now;
      if (!isTTY) return note(line);
      process.stderr.write(`\r\u001B[2K${line.slice(0, Math.max(20, process.stderr.columns - 1))}`);
      written = true;
    });
  } finally {
    if (written) process.stderr.write('\r\u001B[2K');
  }
}

/** `137 of 576, 12 do not fit, 40 known, 41 min left` */
export function progressText({
  what,
  done,
  total,
  refused,
  failed,
  known,
  secondsLeft,
}: SweepProgress): string {
  if (what !== 'running') return `${what} point ${Math.min(done + 1, total)} of ${total}`;
  const parts = [
    `${done} of ${total}`,
    refused > 0 && `${refused} do not fit`,
    failed > 0 && `${failed} failed`,
    known > 0 && `${known} known`,
    secondsLeft !== undefined && done < total && `${timeText(secondsLeft)} left`,
  ];
  return parts.filter((part) => part !== false).join(', ');
}

/** In the largest unit of which there are two. */
function timeText(seconds: number): string {
  if (seconds < 120) return `${Math.ceil(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}
