#!/usr/bin/env node
/**
 * The process: it runs the command in a thread of its own and keeps this one free. So Ctrl-C, SIGTERM and
 * the end of the time are answered at once, whatever the command does, and a command that runs out of
 * memory ends with a line and an exit code.
 */
import { rmSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { EXIT } from '../exit.js';
import { createSharedState, doing, ended, isWriting, refuseWriting } from './shared-state.js';
import type { CommandData, FromCommand, Stop } from './shared-state.js';

const SIGNALS = {
  SIGINT: { says: 'interrupted', exitCode: EXIT.interrupted },
  SIGTERM: { says: 'terminated', exitCode: EXIT.terminated },
} as const;

/** Milliseconds after a signal in which a command that serves has to end what it does. */
const STOPPING = 3000;

/** Milliseconds after a signal in which files being written have to be whole, or gone; it takes a few. */
const PATIENCE = 800;

const state = createSharedState();
// A limit on the size of files would end the process without a word; with a listener it is an error of write.
if (process.platform !== 'win32') process.on('SIGXFSZ', () => {});
/** Whether the command ends by itself when it is asked to, as one that serves does. */
let serves = false;
for (const [signal, { says, exitCode }] of Object.entries(SIGNALS))
  process.on(signal, () => {
    if (serves) {
      serves = false;
      process.exitCode = exitCode;
      worker.postMessage({ says } satisfies Stop, []);
      setTimeout(() => end(says, exitCode), STOPPING).unref();
      return;
    }
    void whenWritten().then(() => end(ended(state, says), exitCode));
  });

const { stdout, stderr } = process;
const data: CommandData = {
  state,
  stdout: { isTTY: stdout.isTTY, columns: stdout.columns },
  stderr: { isTTY: stderr.isTTY, columns: stderr.columns },
};
const worker = new Worker(new URL('./command.cjs', import.meta.url), {
  argv: process.argv.slice(2),
  workerData: data,
  // Most of what is new is soon gone. With 12 MB a run takes a twentieth longer; with 24 as long, and more memory.
  resourceLimits: { maxYoungGenerationSizeMb: 18 },
  stdout: true,
  stderr: true,
});

/** A reader that closes the pipe early (`| head`) is no fault, and files are still written; a full disk is one. */
stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') return;
  void whenWritten().then(() => end(`${error.message} to the standard output`, EXIT.host));
});
stderr.on('error', () => {});
worker.stdout.on('data', (chunk: Uint8Array) => {
  if (!stdout.destroyed) stdout.write(chunk);
});
worker.stderr.on('data', (chunk: Uint8Array) => {
  if (!stderr.destroyed) stderr.write(chunk);
});
worker.on('exit', (code) => (process.exitCode ??= code));
worker.on('error', (error: NodeJS.ErrnoException) => {
  const isMemory = error.code === 'ERR_WORKER_OUT_OF_MEMORY';
  if (isMemory) end(`out of memory, at: ${doing(state)}`, EXIT.host);
  else end(`internal error: ${error.message}`, EXIT.internal);
});
/** Files that are not to outlive the process. */
const removed: string[] = [];
worker.on('message', (message: FromCommand) => {
  if ('serves' in message) {
    serves = true;
    return;
  }
  if ('remove' in message) {
    removed.push(message.remove);
    return;
  }
  const { milliseconds, text } = message;
  // The command itself says more when its time is over, unless it is in the middle of something long.
  setTimeout(() => {
    void whenWritten().then(() => end(`${text}, at: ${doing(state)}`, EXIT.machine));
  }, milliseconds + 500).unref();
});

/** Waits until what is being written is finished, or taken back. */
async function whenWritten(): Promise<void> {
  refuseWriting(state);
  const until = performance.now() + PATIENCE;
  while (isWriting(state) && performance.now() < until)
    await new Promise((resolve) => setTimeout(resolve, 2));
}

function end(line: string, exitCode: number): never {
  for (const path of removed) rmSync(path, { force: true });
  stderr.write(`wafersim: ${line}\n`);
  process.exit(exitCode);
}
