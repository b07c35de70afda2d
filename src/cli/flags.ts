/**
 * How V8 runs the command's thread. The thread sets that itself, once it has the modules of Node.js: these come compiled, but
 * for V8's own flags, and a thread that begins with others compiles them anew, for 30 ms. What was compiled of the
 * command's files (compiled.ts) is taken with these flags only.
 */
import { createRequire } from 'node:module';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Modules of Node.js that runs load later, if not now. */
const MODULES = ['crypto', 'os', 'perf_hooks', 'process', 'timers/promises', 'util'];

/**
 * What is compiled has done most of its work by then (PERFORMANCE.md), and on two processors the compiler takes one of
 * them: so less is compiled, later, with less effort. A run takes a quarter less processor time for it, also where it
 * takes a minute. Later versions of V8 count calls, and compile later by themselves.
 */
const LESS = [
  // In place of 67,584 units of work.
  '--interrupt-budget=250000',
  // Functions of 60 bytes of code and more, in place of 460, are compiled once, and not within each that calls them.
  '--max-inlined-bytecode-size=60',
  // The first round of a loop is not compiled apart from the others.
  '--no-turbo-loop-peeling',
];

/** As Node.js has it, but for when. */
const IN_FULL = ['--max-inlined-bytecode-size=460', '--turbo-loop-peeling'];

/** Other versions decide by other numbers, and say on stderr that they do not know a flag. */
const isKnown = process.versions.v8.startsWith('11.3.');

export function setFlags(): void {
  const require = createRequire(import.meta.url);
  for (const name of MODULES) require(`node:${name}`);
  if (isKnown) for (const flag of LESS) setFlagsFromString(flag);
}

/** The reference engine is JavaScript that runs for long: from now on code is compiled with all effort. */
export function compileInFull(): void {
  if (isKnown) for (const flag of IN_FULL) setFlagsFromString(flag);
}

/**
 * What a run keeps is soon tens of MB. A thread's heap begins much smaller, and would be gone through each time that it has
 * grown a little. How far it may grow is decided when it is gone through: now, when it holds next to nothing (7 ms).
 */
export function letHeapGrow(): void {
  if (!isKnown) return;
  setFlagsFromString('--expose-gc');
  // 3.7 MB become 130 MB.
  setFlagsFromString('--heap-growing-percent=3400');
  (runInNewContext('gc') as () => void)();
  setFlagsFromString('--heap-growing-percent=0');
  setFlagsFromString('--no-expose-gc');
}
