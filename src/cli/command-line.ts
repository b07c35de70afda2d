/** The command line: results on stdout, notes on stderr, one line per error, and an exit code. */
import { Command } from 'commander';
import { VERSION } from '../index.js';
import { failureOf, prefixed } from './errors.js';
import { compileInFull } from './flags.js';
import { note } from './output.js';

type Add = (program: Command) => void;

/** Each command by its group in the help, in a file of its own that is loaded when the command is called. */
const COMMANDS: Record<string, Record<string, () => Promise<Add>>> = {
  'Simulate:': {
    run: async () => (await import('./run.js')).addRun,
    compare: async () => (await import('./compare.js')).addCompare,
    sweep: async () => (await import('./sweep.js')).addSweep,
    kernel: async () => (await import('./kernel.js')).addKernel,
    serve: async () => (await import('./serve.js')).addServe,
  },
  'Plan:': {
    capacity: async () => (await import('./capacity.js')).addCapacity,
    fleet: async () => (await import('./fleet.js')).addFleet,
    worker: async () => (await import('./worker.js')).addWorker,
  },
  'Check:': {
    bench: async () => (await import('./bench.js')).addBench,
    validate: async () => (await import('./validate.js')).addValidate,
    diff: async () => (await import('./diff.js')).addDiff,
  },
  'Look inside:': {
    inspect: async () => (await import('./inspect.js')).addInspect,
    explain: async () => (await import('./explain.js')).addExplain,
    schema: async () => (await import('./schema.js')).addSchema,
  },
};

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

/**
 * The program with the command that is called, or with all of them where none of them is: for help, and for what
 * cannot be read.
 */
async function commandLine([called]: readonly string[]): Promise<Command> {
  const program = new Command('wafersim')
    .description('A cycle-level simulator of a wafer-scale inference engine.')
    .version(VERSION)
    .exitOverride()
    .configureOutput({ outputError: (text) => note(prefixed(text.replace(/^error: /, ''))) })
    .addHelpText('after', EXAMPLES);
  if (called === '--version' || called === '-V') return program;
  const isKnown = Object.values(COMMANDS).some((group) => Object.hasOwn(group, called ?? ''));
  for (const [group, commands] of Object.entries(COMMANDS)) {
    program.commandsGroup(group);
    for (const [name, load] of Object.entries(commands))
      if (!isKnown || name === called) (await load())(program);
  }
  program.helpCommand('help [command]', 'show what a command does and takes');
  program.hook('preAction', (_, action) => {
    if (usesReference(action.opts())) compileInFull();
  });
  return program;
}

/** Options of commands that simulate with one engine, or compare several. */
interface EngineOptions {
  engine?: string;
  engines?: readonly (readonly [name: string, engine: unknown])[];
}

function usesReference({ engine, engines = [] }: EngineOptions): boolean {
  return engine === 'reference' || engines.some(([name]) => name === 'reference');
}

/** Does what the arguments say; a failure is a line and an exit code. */
export async function runCommandLine(args: string[] = process.argv.slice(2)): Promise<void> {
  try {
    await (await commandLine(args)).parseAsync(args, { from: 'user' });
  } catch (error) {
    const { exitCode, message } = failureOf(error);
    if (message !== '') note(message);
    process.exitCode = exitCode;
  }
}
