/** Every engine of the project under its name; the sharded one on two and on three threads. */
import { wrap, type Remote } from 'comlink';
import { Worker } from 'node:worker_threads';
import type { Engine, RunInput } from '../../src/engine/engine.js';
import { Disagreement, fast, tablesOf, toResult } from '../../src/engine/fast/fast.js';
import { createMachine, createMemory, machineCode } from '../../src/engine/fast/machine.js';
import { firstOf } from '../../src/engine/fast/load.js';
import { firstWay, nextWay, runMachine, type Ending, type Way } from '../../src/engine/fast/run.js';
import { partsOf } from '../../src/engine/fast/parts.js';
import { notesOf, startsOf, type Image, type Tables } from '../../src/engine/fast/tables.js';
import { reference } from '../../src/engine/reference/reference.js';
import { endpointOf } from '../../src/engine/sharded/endpoint.js';
import type { Common, ShardWorker } from '../../src/engine/sharded/worker.js';
import type { NamedEngine } from '../../src/studies/diff/diff.js';

const WORKER = new URL('dist/engine/sharded/worker.js', `file://${process.cwd()}/`);

/**
 * Runs tables on so many threads; this one has the first tile, and does not wait for events.
 * @param leastCores of a part, if a program's parts are to be as small
 */
export function onThreads(
  count: number,
  leastCores?: number,
): (input: RunInput, tables: Tables) => Ending {
  const workerData: Common = { memory: createMemory(), code: machineCode(32) };
  // A helper that is gone fails a test, which would wait for ever.
  const machine = createMachine(workerData.memory, workerData.code, 20_000);
  let workers: Worker[] | undefined;
  let helpers: Remote<ShardWorker>[] = [];
  let run = 0;
  return (input, tables) => {
    if (workers === undefined) {
      workers = Array.from({ length: count - 1 }, () => new Worker(WORKER, { workerData }));
      helpers = workers.map((worker) => wrap<ShardWorker>(endpointOf(worker)));
    }
    const starts = startsOf(input, tables);
    const image = leastCores === undefined ? tables.image : inParts(input, tables, leastCores);
    const limit = input.maxCycles;
    const notes = input.instants ? notesOf(input, tables) : undefined;
    const runWith = (way: Way): Ending => {
      run++;
      const order = { start: firstOf(starts), limit, run, bits: way.bits };
      for (const [i, helper] of helpers.entries()) void helper.help(i + 1, order);
      const team = { machine, threads: count, leastCores: 1, run, ...way };
      const ending = runMachine(image, starts, team, { limit, notes });
      const next = nextWay(ending, way);
      return next === undefined ? ending : runWith(next);
    };
    const ending = runWith(firstWay(image, starts, count));
    for (const worker of workers) worker.unref();
    return ending;
  };
}

/** The tables of a program in parts of so many cores and more, where it falls into several. */
function inParts({ program }: RunInput, tables: Tables, leastCores: number): Image {
  return { ...tables.image, parts: partsOf(program, tables, leastCores) };
}

function sharded(count: number, leastCores?: number): Engine {
  const counted = onThreads(count, leastCores);
  return (input) => {
    const tables = tablesOf(input);
    if (tables === undefined) return reference(input);
    const result = toResult(input, tables, counted(input, tables));
    if (result !== undefined) return result;
    reference(input);
    throw new Disagreement(input.program);
  };
}

export const engines: NamedEngine[] = [
  ['reference', reference],
  ['fast', fast],
  ['2 threads', sharded(2)],
  ['3 threads', sharded(3)],
];

/** Those that go through the parts of a program one by one, however small these are. */
export const byParts: NamedEngine[] = [
  ['parts', sharded(1, 1)],
  ['parts on 2 threads', sharded(2, 1)],
];
