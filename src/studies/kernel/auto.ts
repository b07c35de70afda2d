/**
 * `--algorithm auto`: the algorithm, and its groups, with the fewest simulated cycles. Candidates are run one
 * after the other; one that needs more cycles than the best so far by what a core has to do alone is not.
 */
import { groupCounts } from '../../decode/groups.js';
import { LimitError, MachineError } from '../../engine/engine.js';
import type { WaferSpec } from '../../hardware/wafer.js';
import { SCHEMES } from '../../kernels/all-reduce.js';
import { TREE_FORMS } from '../../kernels/line.js';
import type { Operation, Program } from '../../program/program.js';
import { timeOf } from '../../program/timing.js';
import type { KernelCandidate, KernelDocument } from '../../report/document.js';
import type { KernelOptions } from './options.js';

const AUTO = 'auto';

/** A ring's operations grow with the square of its cores. */
const LONGEST_RING = 64;

/** On longer lines a few sizes of groups are tried: those of all would take too long. */
const LONGEST_OF_ALL_SIZES = 64;

/** Is the algorithm of this kernel to be chosen? */
export function isAuto(name: string, given: KernelOptions): boolean {
  return given['algorithm'] === AUTO && (name === 'reduce' || name === 'all-reduce');
}

/** The options of every candidate: what is given, with an algorithm and its groups. */
function candidatesOf(
  name: string,
  given: KernelOptions,
  [width, height]: number[],
): KernelOptions[] {
  const { group, groups, form, ...bare } = given;
  const longest = Math.max(width, height);
  const reduces: KernelOptions[] = [
    { algorithm: 'chain' },
    { algorithm: name === 'reduce' ? 'tree' : 'binary-tree' },
    { algorithm: 'star' },
    ...sizesOf(group, longest).map((size) => ({ algorithm: 'two-phase', group: size })),
  ];
  const isGrid = width > 1 && height > 1;
  const schemes = name === 'all-reduce' && isGrid && given['scheme'] === undefined ? SCHEMES : [];
  const onLine: KernelOptions[] = [];
  if (name === 'all-reduce' && given['grid'] === undefined) {
    for (const size of sizesOf(groups, longest))
      for (const one of form === undefined ? TREE_FORMS : [form])
        onLine.push({ algorithm: 'tree', groups: size, form: one });
    if (longest <= LONGEST_RING) onLine.push({ algorithm: 'ring' });
  }
  const all =
    schemes.length === 0
      ? reduces
      : schemes.flatMap((scheme) => reduces.map((choice) => ({ ...choice, scheme })));
  return [...all, ...onLine].map((choice) => ({ ...bare, ...choice }));
}

/** What is given without the sizes that some candidate takes. */
function withoutSizes(name: string, given: KernelOptions): KernelOptions {
  const { group: _, ...rest } = given;
  const { groups: __, form: ___, ...bare } = rest;
  return name === 'all-reduce' && given['grid'] === undefined ? bare : rest;
}

/** The size that is given, or sizes to try: all that can win on a short line, a few on a longer one. */
function sizesOf(given: unknown, length: number): unknown[] {
  if (given !== undefined) return [given];
  return length <= LONGEST_OF_ALL_SIZES ? groupCounts(length) : fewSizes(length);
}

/** Powers of two up to half of a line, and the root of its length. */
function fewSizes(length: number): number[] {
  const sizes = new Set([Math.round(Math.sqrt(length))]);
  for (let size = 2; size <= length / 2; size *= 2) sizes.add(size);
  return [...sizes].sort((a, b) => a - b);
}

/** Cycles that a program takes at least: those of the root, or of the core that has most to do. */
function leastCycles({ roles, roleOf, root }: Program, wafer: WaferSpec): number {
  const ofList = (operations: Operation[]) =>
    operations.reduce((sum, op) => {
      const { setup, cycles, wavelets, interval } = timeOf(op, wafer.costs);
      return sum + setup + cycles + wavelets * interval;
    }, wafer.costs.programStart);
  const some = root === undefined ? roles : [roles[roleOf[root]]];
  return some.reduce((most, { operations }) => Math.max(most, ofList(operations)), 0);
}

/**
 * Runs the candidates; the document of the fastest one (the first if equal), with its critical path if that is wanted,
 * and what all of them took.
 */
export async function fastestOf(
  name: string,
  given: KernelOptions,
  wafer: WaferSpec,
  programOf: (options: KernelOptions) => Program,
  run: (options: KernelOptions, path?: boolean) => Promise<KernelDocument>,
  withPath: boolean,
): Promise<KernelDocument> {
  const { width, height } = programOf({ ...withoutSizes(name, given), algorithm: 'chain' });
  const candidates = candidatesOf(name, given, [width, height]).map((options) => {
    return { options, least: leastCycles(programOf(options), wafer) };
  });
  let best: KernelDocument | undefined;
  let fastest: KernelOptions = {};
  let failure: unknown;
  const tried: KernelCandidate[] = [];
  for (const { options, least } of candidates.toSorted((a, b) => a.least - b.least)) {
    const choice = { options: choiceOf(options) };
    if (best !== undefined && least >= best.cycles) tried.push({ ...choice, atLeast: least });
    else
      try {
        const document = await run(options);
        tried.push({ ...choice, cycles: document.cycles });
        if (best === undefined || document.cycles < best.cycles)
          [best, fastest] = [document, options];
      } catch (error) {
        // Late, or more than the machine has: another algorithm may do.
        if (!(error instanceof MachineError || isLate(error))) throw error;
        failure ??= error;
        tried.push({ ...choice, refused: error.message });
      }
  }
  if (best === undefined) throw failure;
  return { ...(withPath ? await run(fastest, true) : best), candidates: tried };
}

function isLate(error: unknown): error is LimitError {
  return error instanceof LimitError && error.cycle !== undefined;
}

/** What is chosen of a candidate's options. */
function choiceOf({ algorithm, group, groups, form, scheme }: KernelOptions): KernelOptions {
  const all = Object.entries({ algorithm, group, groups, form, scheme });
  return Object.fromEntries(all.filter(([, value]) => value !== undefined));
}
