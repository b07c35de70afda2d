/** What the command's thread does. The build makes few files of this one and all that it imports: bundle.mjs. */
import { runCommandLine } from './command-line.js';
import { adoptTerminal } from './command-thread.js';

export { runCommandLine };

export async function runThread(): Promise<void> {
  adoptTerminal();
  await runCommandLine();
}
