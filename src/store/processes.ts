/** Processes that write to one disk: on this host, where they are known by their numbers, or on others. */
import { createHash } from 'node:crypto';

/** A host's name as a part of a file's name. */
export function hostKey(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 8);
}

/** Whether this host has a process of that number; another user's is one too. */
export function isRunning(number: number): boolean {
  try {
    return process.kill(number, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
