/** Flags of V8 for the command's thread. What was compiled with others is not taken (compiled.ts). */
import { setFlagsFromString } from 'node:v8';

export function setFlags(): void {
  // What a run keeps is soon tens of MB. A thread's heap begins much smaller, and would be gone through each time
  // that it has grown a little: 3 % of the processor time of a large run (PERFORMANCE.md).
  setFlagsFromString('--initial-old-space-size=128');
  // Most of what is new is soon gone. Room for more of it takes memory, and saves no time.
  setFlagsFromString('--max-semi-space-size=4');
  // Of what is compiled after the default of 67,584 units of work, most has done most of its work by then
  // (PERFORMANCE.md): with this a run takes a fifth less processor time, and as long where it takes minutes.
  setFlagsFromString('--interrupt-budget=450000');
}
