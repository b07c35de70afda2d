/** The thread that main.ts starts. */
import { load } from './compiled.js';
import type * as thread from './thread.js';

const { runThread } = load('./thread.cjs') as unknown as typeof thread;
await runThread();
