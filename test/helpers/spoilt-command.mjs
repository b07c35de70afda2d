// The command line (not as one file, as main.ts starts it) with a reference engine whose wafers lose weights of a layer.
import { runCommandLine } from '../../dist/cli/command-line.js';
import { SLICED_ENGINES } from '../../dist/engine/engines.js';

const { reference } = SLICED_ENGINES;
SLICED_ENGINES.reference = (input) => {
  if (input.program.name === 'layer 0')
    for (const cells of input.memory ?? []) cells.fill(0, 20, 60);
  return reference(input);
};
await runCommandLine();
