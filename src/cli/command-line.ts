/** The command line: results on stdout, notes on stderr, one line per error, and an exit code. */
import { Command } from 'commander';
import { VERSION } from '../index.js';
import { addBench } from './bench.js';
import { addCompare } from './compare.js';
import { addDiff } from './diff.js';
import { failureOf, prefixed } from './errors.js';
import { addCapacity } from './capacity.js';
import { addExplain } from './explain.js';
import { addFleet } from './fleet.js';
import { addInspect } from './inspect.js';
import { addKernel } from './kernel.js';
import { note } from './output.js';
import { addRun } from './run.js';
import { addServe } from './serve.js';
import { addSchema } from './schema.js';
import { addSweep } from './sweep.js';
import { addValidate } from './validate.js';
import { addWorker } from './worker.js';

const EXAMPLES = `
Examples:
  wafersim run configs/wse3.yaml
  wafersim sweep configs/wse3.yaml --axis workload.context=1024,4096 --axis placement.strategy=snake,greedy
  wafersim kernel reduce --algorithm chain --pes 512 --words 4096 --dtype f32
  wafersim compare configs/wse3.yaml --strategies row-major,snake,greedy
  wafersim inspect configs/wse3.yaml --what placement
  wafersim serve configs/wse3.yaml
  wafersim bench --baseline

Exit codes: 0 fine, 1 a regression, a difference or a failed check,
2 usage or configuration, 3 cannot be compared, 4 the simulated machine failed
(does not fit, deadlock, route violation) or a limit was reached, 5 the host
failed (memory, disk, a place that cannot be written), 70 an internal error,
130 interrupted (Ctrl-C), 143 terminated.`;

function commandLine(): Command {
  const program = new Command('wafersim')
    .description('A cycle-level simulator of a wafer-scale inference engine.')
    .version(VERSION)
    .exitOverride()
    .configureOutput({ outputError: (text) => note(prefixed(text.replace(/^error: /, ''))) })
    .addHelpText('after', EXAMPLES);
  program.commandsGroup('Simulate:');
  addRun(program);
  addCompare(program);
  addSweep(program);
  addKernel(program);
  addServe(program);
  program.commandsGroup('Plan:');
  addCapacity(program);
  addFleet(program);
  addWorker(program);
  program.commandsGroup('Check:');
  addBench(program);
  addValidate(program);
  addDiff(program);
  program.commandsGroup('Look inside:');
  addInspect(program);
  addExplain(program);
  addSchema(program);
  program.helpCommand('help [command]', 'show what a command does and takes');
  return program;
}

/** Does what the arguments say; a failure is a line and an exit code. */
export async function runCommandLine(args: string[] = process.argv.slice(2)): Promise<void> {
  try {
    await commandLine().parseAsync(args, { from: 'user' });
  } catch (error) {
    const { exitCode, message } = failureOf(error);
    if (message !== '') note(message);
    process.exitCode = exitCode;
  }
}
