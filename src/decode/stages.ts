/**
 * Runs the stages of a token on an engine. A stage is written once per program and simulated once per
 * program and starts; equal ones take over its result (unless the run computes, or `memo` is off).
 */
import { boxOf, type StageTiming } from './timeline.js';
import { sentIn } from '../engine/by-core.js';
import type { RunInput, RunResult, Starts } from '../engine/engine.js';
import type { LineTable, StageLines } from '../engine/lines/table.js';
import type { WaferSpec } from '../hardware/wafer.js';
import type { StageProgram } from '../lowering/stage.js';
import type { StagePlan, StepPlan } from '../lowering/lowering.js';
import type { Place } from '../lowering/places.js';
import { cellsOf, type Program } from '../program/program.js';
import type { LinesResult, ReuseResult } from '../report/document.js';
import { sha256 } from '../platform/node.js';
import { preparationOf, specialCyclesOf } from '../program/timing.js';
import type { CountedLinks } from './link-counts.js';
import type { Memoized } from './memo.js';
import type { Runner } from './runner.js';
import { sharedProgram, sharedResult, type Shared } from './sharing.js';

/** A stage's program, and what it costs. */
export interface WrittenStage extends StageProgram {
  /** Colours of the hand-off in the program; an equal stage elsewhere may have others. */
  colors: number[];
  preparation: number;
  specialCycles: number;
}

export interface StageRunner extends StepState {
  wafer: WaferSpec;
  /** Runs a program; errors name it as `name`. */
  run: (
    program: Program,
    startAt: Starts | undefined,
    more?: Pick<RunInput, 'name' | 'memory' | 'badIndices'>,
  ) => Promise<RunResult>;
  /** Whether equal stages are simulated once. */
  memo: boolean;
  /** What other runs know and may know of this one's stages; used with `memo` only. */
  shared?: Shared | undefined;
  /** Places that the step's stages visit. */
  places: Place[];
  /** Names of the step's stages in order. */
  order: string[];
  /** What results were made of, if programs are run by lines; what is known of that in all steps. */
  made?: LineTable['made'] | undefined;
  lines: { all: StageLines[]; distinct: Set<number> };
}

interface StepState {
  written: Map<string, WrittenStage>;
  results: Map<string, { result: Promise<RunResult>; name: string }>;
  /** Names of the regions that were simulated, and of the others with whose result they took. */
  simulated: Set<string>;
  reused: Map<string, string>;
  /** What stages sent over links, one after the other. */
  countedLinks: CountedLinks[];
  waveletHops: number;
  routeHazards: number;
  specialCycles: number;
}

export function createStageRunner(
  base: Pick<StageRunner, 'wafer' | 'run' | 'memo' | 'shared' | 'made'>,
): StageRunner {
  const lines = { all: [], distinct: new Set<number>() };
  return { ...base, places: [], order: [], lines, ...emptyStep() };
}

/** How a stage runner runs programs: on one wafer, by lines or not. */
export function runOn(
  programs: Pick<Runner, 'run'>,
  wafer: WaferSpec,
  lines?: Memoized['lines'],
): StageRunner['run'] {
  return async (program, startAt, more) =>
    programs.run({ program, wafer, ...(startAt && { startAt }), ...more }, lines);
}

/** What the timeline needs to know of a step's stages; others are let in between them. */
export async function timedStages(
  runner: StageRunner,
  { stages }: StepPlan,
  { pause }: Pick<Runner, 'pause'>,
): Promise<StageTiming[]> {
  const timed: StageTiming[] = [];
  for (const stage of stages) {
    await pause();
    timed.push(timedStage(runner, stage));
  }
  return timed;
}

/**
 * Forgets the programs and counters of the step before: a document describes one step. Programs that this one has too,
 * such as the embedding's, are kept.
 */
export function beginStep(runner: StageRunner, { places, stages }: StepPlan): void {
  const order = stages.map(({ name }) => name);
  const written = new Map<string, WrittenStage>();
  for (const { key, colors } of stages) {
    const before = runner.written.get(key);
    if (before?.colors.join() === colors.join()) written.set(key, before);
  }
  Object.assign(runner, emptyStep(), { places, order, written });
}

function emptyStep(): StepState {
  return {
    written: new Map(),
    results: new Map(),
    simulated: new Set(),
    reused: new Map(),
    countedLinks: [],
    waveletHops: 0,
    routeHazards: 0,
    specialCycles: 0,
  };
}

/**
 * The stage's program, written once for all stages with the same key. From other runs it is taken only with the colours
 * that it would have here: which lines of a program are equal hangs on these, and what a run says of that is to be the same
 * whatever ran before.
 */
export function write(runner: StageRunner, plan: StagePlan): WrittenStage {
  const own = runner.written.get(plan.key);
  if (own !== undefined) return own;
  const { shared } = runner;
  const anew = () => writtenStage(runner, plan);
  const written = shared ? sharedProgram(shared, withColors(plan.key, plan), anew) : anew();
  runner.written.set(plan.key, written);
  return written;
}

function withColors(key: string, { colors }: Pick<WrittenStage, 'colors'>): string {
  return `${key} ${colors.join()}`;
}

function writtenStage({ wafer: { costs } }: StageRunner, plan: StagePlan): WrittenStage {
  const stage = plan.write();
  const preparation = preparationOf(stage.program, costs);
  const specialCycles = specialCyclesOf(stage.program, costs);
  return { ...stage, colors: plan.colors, preparation, specialCycles };
}

/** What the timeline needs to know of a stage. */
export function timedStage(runner: StageRunner, plan: StagePlan): StageTiming {
  const { program, origin, senders: sending, preparation } = write(runner, plan);
  const region = runner.places[plan.to];
  const left = runner.places[plan.from];
  const from = left.exit ?? left;
  const { width, height, labels } = program;
  const box = boxOf({ origin, width, height }, region);
  // Senders of an equal stage elsewhere stand at the same place relative to the region.
  const senders = sending.map((core) => {
    const x = box.x + (core % width);
    const y = box.y + Math.floor(core / width);
    return { core, of: (y - from.y) * from.width + (x - from.x) };
  });
  return {
    name: plan.name,
    layer: plan.layer ?? -1,
    width,
    height,
    labels,
    senders,
    from: plan.from,
    region: plan.to,
    crossing: plan.crossing,
    isToken: plan.source?.kind === 'token',
    isPort: region.exit !== undefined,
    ports: [
      ...(region.exit ? Array.from({ length: region.height }, (_, y) => origin + y * width) : []),
      ...(left.exit ? sending : []),
    ],
    origin,
    handOff: sending.length > 0 ? firstLabelOf(program, sending[0]) : -1,
    columns: region.width,
    rows: region.height,
    preparation,
    // Programs that start together are no loops.
    programStart: plan.source ? runner.wafer.costs.programStart : 0,
  };
}

/** What a sender does first is to send, for the operator that is over when all have received. */
function firstLabelOf({ roles, roleOf }: Program, core: number): number {
  return roles[roleOf[core]].operations[0].label;
}

/**
 * Times a stage, or takes over the result of an equal one: of any region with `memo`, otherwise of the
 * same one, for a token that finds it as another did. Without starts all cores start at once.
 */
export async function runStage(
  runner: StageRunner,
  plan: StagePlan,
  startAt?: Starts,
): Promise<RunResult> {
  const written = write(runner, plan);
  const key = `${runner.memo ? plan.key : plan.name} ${digest(startAt)}`;
  const known = runner.results.get(key);
  if (known !== undefined) {
    if (!runner.simulated.has(plan.name)) runner.reused.set(plan.name, known.name);
    return known.result;
  }
  const run = () => runner.run(written.program, startAt, { name: plan.name });
  const { shared } = runner;
  const result =
    shared && runner.memo ? sharedResult(shared, withColors(key, written), run) : run();
  // Whoever takes the result learns of a failure.
  result.then((ended) => noteLines(runner, ended)).catch(() => {});
  runner.simulated.add(plan.name);
  runner.results.set(key, { result, name: plan.name });
  return result;
}

/** Notes what a stage's result was made of. */
function noteLines({ made, lines }: StageRunner, result: RunResult): void {
  const of = made?.get(result);
  if (of === undefined) return;
  lines.all.push(of);
  for (const hash of of.distinct) lines.distinct.add(hash);
}

/** A stage's program with the numbers in its cores' memory, which running it changes. */
export type StageInput = Required<Pick<RunInput, 'program' | 'memory' | 'name'>>;

export function stageInput(
  runner: StageRunner,
  plan: StagePlan,
  timed: StageTiming,
  images: Float32Array[][],
): StageInput {
  const { program } = write(runner, plan);
  return { program, memory: memoryOf(images, timed, program), name: plan.name };
}

/** Adds what a stage sent over the fabric, and its special functions, `times` over. */
export function addCounters(
  runner: StageRunner,
  plan: StagePlan,
  timed: StageTiming,
  result: RunResult,
  times: number,
): void {
  const region = runner.places[timed.region];
  const sent = sentIn(result);
  runner.countedLinks.push({ wafer: region.wafer, ...boxOf(timed, region), sent, times });
  runner.waveletHops += result.waveletHops * times;
  runner.routeHazards += result.routeHazards * times;
  runner.specialCycles += write(runner, plan).specialCycles * times;
}

/**
 * Regions that were simulated at least once, and the others with the one whose result they took; both
 * in the order of the stages, since threads may simulate in any.
 */
export function reuseOf({ simulated, reused, order, lines }: StageRunner): ReuseResult {
  return {
    simulated: order.filter((name) => simulated.has(name)).map((region) => ({ region })),
    reused: order
      .filter((name) => !simulated.has(name) && reused.has(name))
      .map((region) => ({ region, as: reused.get(region)! })),
    ...(lines.all.length > 0 && { lines: linesOf(lines) }),
  };
}

function linesOf({ all, distinct }: StageRunner['lines']): LinesResult {
  const why: LinesResult['why'] = {};
  // By name: results come in any order.
  for (const reason of all.flatMap(({ whole }) => whole ?? []).toSorted())
    why[reason] = (why[reason] ?? 0) + 1;
  const sum = (of: (stage: StageLines) => number) => all.reduce((n, stage) => n + of(stage), 0);
  return {
    lines: sum((stage) => stage.lines),
    distinct: distinct.size,
    merged: sum(({ merged }) => merged),
    whole: sum(({ whole }) => Number(whole !== undefined)),
    why,
  };
}

/** Of tables of starts that are still there: equal stages have one, and nobody changes it. */
const digests = new WeakMap<Starts, string>();

/** Starts of a program's cores as a key. */
export function digest(startAt: Starts | undefined): string {
  if (startAt === undefined) return 'together';
  let known = digests.get(startAt);
  if (known === undefined) {
    const { buffer, byteOffset, byteLength } = startAt;
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    digests.set(startAt, (known = sha256().update(bytes).hex()));
  }
  return known;
}

/** Memory of the stage's cores: the region's, the senders' in the region before, none elsewhere. */
function memoryOf(images: Float32Array[][], timed: StageTiming, program: Program): Float32Array[] {
  const nothing = new Float32Array(0);
  const cores = timed.width * timed.height;
  const memory: Float32Array[] = Array.from({ length: cores }, () => nothing);
  // What waits in a port needs room too.
  const { roles } = program;
  images[timed.region] ??= Array.from({ length: timed.rows * timed.columns }, () => {
    return new Float32Array(Math.max(...roles.map(cellsOf)));
  });
  for (const { core, of } of timed.senders) memory[core] = images[timed.from][of];
  for (let row = 0; row < timed.rows; row++)
    for (let column = 0; column < timed.columns; column++)
      memory[timed.origin + row * timed.width + column] =
        images[timed.region][row * timed.columns + column];
  return memory;
}
