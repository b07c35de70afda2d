/**
 * Keeps what V8 compiles of the command's files while it does some small work of several kinds, for compiled.ts to take:
 * parsing and compiling is a large part of a command that takes a second.
 */
import { writeFileSync } from 'node:fs';
import { isMainThread, Worker } from 'node:worker_threads';

const WORK = [
  ['run', 'configs/tiny.yaml', '--no-cache', '--shards', '1'],
  ['compare', 'configs/tiny.yaml', '--strategies', 'row-major,snake', '--shards', '1'],
  ['kernel', 'reduce', '--algorithm', 'chain', '--pes', '16', '--words', '8', '--dtype', 'f32'],
  ['explain'],
  ['schema'],
];

if (isMainThread) {
  const worker = new Worker(new URL(import.meta.url), { stdout: true, stderr: true });
  // What nobody reads keeps the thread from ending.
  worker.stdout.resume();
  worker.stderr.resume();
  worker.on('error', (error) => {
    throw error;
  });
} else {
  // As in command.ts: what is compiled with other flags is not taken.
  const { setFlags } = await import('../../dist/cli/flags.js');
  setFlags();
  const { compiledCode, load } = await import('../../dist/cli/compiled.js');
  const { runCommandLine } = load('./thread.cjs');
  for (const args of WORK) {
    await runCommandLine(args);
    if (process.exitCode) throw new Error(`wafersim ${args.join(' ')}: failed in the build`);
  }
  for (const [file, content] of compiledCode()) writeFileSync(file, content);
}
