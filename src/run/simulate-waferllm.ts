/**
 * A decode step in the published WaferLLM mapping: one square region holds one layer, and the token
 * passes it once per layer (its published rate is clock / (cycles of a layer x layers)). There is no
 * embedding and no head on the wafer; a run that computes does them on the host.
 */
import {
  checkResult,
  conversation,
  firstLargest,
  relativeError,
  type StepCheck,
} from './compute.js';
import type { ResolvedConfig } from '../config.js';
import { repeat, timeStep, type StepTiming } from '../decode/timeline.js';
import type { RunResult } from '../engine/engine.js';
import { fastestGroups } from './groups.js';
import { lowerWaferllmLayer } from '../lowering/waferllm.js';
import { setWaferllmToken, waferllmImages, waferllmResidual } from '../lowering/waferllm/memory.js';
import { waferllmOptions, type WaferllmOptions } from '../lowering/waferllm/shape.js';
import { greedy, headLogits } from '../model/plain.js';
import type { Weights } from '../model/model.js';
import type { Placement } from '../placement/placement.js';
import type { Program } from '../program/program.js';
import { specialCyclesOf } from '../program/work.js';
import type { CheckResult, StepResult } from '../report/document.js';
import type { Counters, Simulated } from './run-document.js';
import type { Runner } from './runner.js';

/** Groups of the published runs, by cores along a side (machine-model section 5). */
const PUBLISHED_GROUPS: Record<number, number> = {
  240: 15,
  256: 16,
  300: 15,
  360: 18,
  420: 20,
  480: 20,
  512: 32,
  540: 20,
  600: 24,
  660: 22,
  720: 24,
};

export interface WaferllmRun extends Simulated {
  check?: CheckResult;
}

/** Times (and, if asked, computes) the steps; `onLayer` hears of progress. */
export async function simulateWaferllm(
  config: ResolvedConfig,
  placement: Placement,
  runner: Runner,
  onLayer: (done: number, total: number) => void,
): Promise<WaferllmRun> {
  const { model, workload, wafer } = config;
  const P = placement.regions[0].width;
  const options = await layerOptions(config, P, runner);
  const numbers = workload.data ? createNumbers(config, options(workload.context)) : undefined;
  const steps: StepResult[] = [];
  const checks: StepCheck[] = [];
  let last!: { timing: StepTiming; counters: Counters };
  for (let step = 0; step < workload.tokens; step++) {
    const o = options(workload.context + step);
    const program = lowerWaferllmLayer(o, wafer);
    const runs = numbers ? model.layers : 1;
    const results: RunResult[] = [];
    numbers?.embed();
    for (let layer = 0; layer < runs; layer++) {
      await runner.breathe();
      onLayer(step * runs + layer, workload.tokens * runs);
      const memory = numbers?.enter(layer, o);
      results.push(await runner.run({ program, wafer, memory, name: `layer ${layer}` }));
      numbers?.leave(layer, o);
    }
    last = await timingOf(config, program, results, P);
    if (numbers) checks.push(numbers.finish());
    steps.push({ cycles: last.timing.cycles, ...(numbers && { token: numbers.token() }) });
  }
  return { ...last, steps, ...(numbers && { check: checkResult(config, checks, 'host') }) };
}

/** A function that gives the options of a layer on P x P cores with so many tokens in the cache. */
export async function layerOptions(
  config: ResolvedConfig,
  P: number,
  runner: Runner,
): Promise<(context: number) => WaferllmOptions> {
  const { model, workload, exact } = config;
  const maxPositions = workload.context + workload.tokens;
  const asked = config.placement.groups;
  const groups = typeof asked === 'number' ? asked : await groupsFor(P, config, runner);
  return (context) => waferllmOptions(model, { context, maxPositions, P, groups, exact });
}

async function groupsFor(
  P: number,
  { model, wafer }: ResolvedConfig,
  runner: Runner,
): Promise<number> {
  const d = Math.ceil(model.dim / P);
  const f = Math.ceil(model.ffn / P);
  const vectors = [1, 3 * d, d, 2 * f].map((words) => ({ words, dtype: model.dtype }));
  return PUBLISHED_GROUPS[P] ?? fastestGroups(P, vectors, wafer, runner);
}

/** Layers after one another, each as long as its own run (one run stands for all where none computes). */
async function timingOf(
  { model, wafer }: ResolvedConfig,
  program: Program,
  results: RunResult[],
  P: number,
): Promise<{ timing: StepTiming; counters: Counters }> {
  const result = results[0];
  const { labels } = program;
  const square = { width: P, height: P, columns: P, rows: P, origin: 0, labels };
  const stage = {
    ...square,
    name: 'layer',
    senders: [],
    outside: 0,
    ports: [],
    crossing: 0,
    from: 0,
    fromCores: P * P,
    region: 0,
  };
  // The published times are of a layer's program from its start.
  const timed = { ...stage, preparation: 0, programStart: 0 };
  const layer = await timeStep([timed], 1, async () => result);
  const timing = repeat(layer, model.layers);
  const links = new Float64Array(wafer.width * wafer.height * 4);
  for (let y = 0; y < P; y++)
    for (let i = 0; i < P * 4; i++)
      links[y * wafer.width * 4 + i] = result.linkWavelets[y * P * 4 + i] * model.layers;
  const layers = Array.from({ length: model.layers }, (_, i) => `layer ${i}`);
  const simulated = layers.slice(0, results.length).map((region) => ({ region }));
  const reused = layers.slice(results.length).map((region) => ({ region, as: 'layer 0' }));
  const counters = {
    reuse: { simulated, reused },
    linkWavelets: [links],
    waveletHops: result.waveletHops * model.layers,
    routeHazards: result.routeHazards * model.layers,
    specialCycles: specialCyclesOf(program, wafer.costs) * model.layers,
  };
  return { timing, counters };
}

/** The numbers of a computing run: the region's memory holds each layer's image in its turn. */
function createNumbers(config: ResolvedConfig, first: WaferllmOptions) {
  const { model } = config;
  const { weights, plain, token: firstToken } = conversation(config);
  const images = weights.layers.map((layer, i) =>
    waferllmImages(first, model, layer, { keys: plain.keys[i], values: plain.values[i] }),
  );
  let token = firstToken;
  let residual: ArrayLike<number> = [];
  return {
    token: () => token,
    embed: () => {
      residual = embeddingOf(weights, token, model.dim);
    },
    enter: (layer: number, o: WaferllmOptions) => {
      setWaferllmToken(o, model, images[layer], residual, o.context);
      return images[layer];
    },
    leave: (layer: number, o: WaferllmOptions) => {
      residual = waferllmResidual(o, images[layer]);
    },
    /** Head on the host; compares with the plain decoder and goes on to the token chosen. */
    finish: (): StepCheck => {
      const logits = headLogits(model, weights, residual);
      const maxRelativeError = relativeError(logits, plain.step(token));
      token = greedy(logits);
      return { maxRelativeError, largest: firstLargest(logits), chosen: token };
    },
  };
}

function embeddingOf(weights: Weights, token: number, dim: number): Float64Array {
  return Float64Array.from(
    weights.embedding.subarray(token * dim, (token + 1) * dim),
    (x) => x * weights.embeddingScale,
  );
}
