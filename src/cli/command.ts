/** The thread that main.ts starts, as one file without imports: modules are loaded one after the other. */
import { load } from './compiled.js';
import { letHeapGrow, setFlags } from './flags.js';
import type * as thread from './thread.js';

setFlags();
letHeapGrow();
const { runThread } = load('./thread.cjs') as unknown as typeof thread;
void runThread();
