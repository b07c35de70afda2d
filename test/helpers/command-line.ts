/**
 * Commands as a user types them, without a process for each. What the process adds (the exit code, signals,
 * a full disk, a reader that has gone) is tested in cli.test.ts and kill.test.ts.
 */
import { vi } from 'vitest';
import { runCommandLine } from '../../src/cli/command-line.js';

const exitCode = () => Number(process.exitCode ?? 0);

/** What the command prints and says, and what it exits with. */
export async function wafersim(...args: string[]) {
  const said = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((chunk) => {
      said[name] += String(chunk);
      return true;
    }),
  );
  process.exitCode = undefined;
  try {
    await runCommandLine(args);
    return { status: exitCode(), ...said };
  } finally {
    for (const spy of spies) spy.mockRestore();
    process.exitCode = undefined;
  }
}
