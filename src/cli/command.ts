/** The thread that main.ts starts. The build makes one file of it and all that it imports: bundle.mjs. */
import { runCommandLine } from './command-line.js';
import { adoptTerminal } from './command-thread.js';

adoptTerminal();
await runCommandLine();
