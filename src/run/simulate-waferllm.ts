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
import { addStage, emptyTiming, inSequence, type StepTiming } from '../decode/timeline.js';
import type { RunResult } from '../engine/engine.js';
import { groupChooser } from './groups.js';
import { lowerWaferllmLayer } from '../lowering/waferllm.js';
import { setWaferllmToken, waferllmImages, waferllmResidual } from '../lowering/waferllm/memory.js';
import { waferllmOptions, type WaferllmOptions } from '../mapping/waferllm-shape.js';
import { greedy, headLogits } from '../model/plain.js';
import type { Weights } from '../model/model.js';
import type { Placement } from '../placement/placement.js';
import type { Program } from '../program/program.js';
import { specialCyclesOf } from '../program/work.js';
import type { CheckResult, StepResult } from '../report/document.js';
import type { Simulated } from './run-document.js';
import type { Runner } from './runner.js';

export interface WaferllmRun extends Simulated {
  /** The last step's first layer, core by core. */
  layer: { program: Program; result: RunResult };
  check?: CheckResult;
}

/**
 * Times (and, if asked, computes) the steps; `onLayer` hears of progress. With `memo` one layer stands
 * for all, which have one program, where none computes.
 */
export async function simulateWaferllm(
  config: ResolvedConfig,
  placement: Placement,
  { runner, memo }: { runner: Runner; memo: boolean },
  onLayer: (done: number, total: number) => void,
): Promise<WaferllmRun> {
  const { model, workload, wafer } = config;
  const P = placement.regions[0].width;
  const options = await layerOptions(config, P, runner);
  const numbers = workload.data ? createNumbers(config, options(workload.context)) : undefined;
  const layers = Array.from({ length: numbers || !memo ? model.layers : 1 }, (_, i) => i);
  const steps: StepResult[] = [];
  const checks: StepCheck[] = [];
  let last!: Omit<WaferllmRun, 'steps'>;
  for (let step = 0; step < workload.tokens; step++) {
    const o = options(workload.context + step);
    const program = lowerWaferllmLayer(o, wafer);
    const count = createCount(config, program, layers.length);
    const simulate = async (layer: number) => {
      await runner.breathe();
      onLayer(step * layers.length + layer, workload.tokens * layers.length);
      const memory = numbers?.enter(layer, o);
      count.add(layer, await runner.run({ program, wafer, memory, name: `layer ${layer}` }));
      numbers?.leave(layer, o);
    };
    numbers?.embed();
    // Layers that compute need what those before have left; the others run on all threads.
    if (numbers) for (const layer of layers) await simulate(layer);
    else await Promise.all(layers.map(simulate));
    if (numbers) checks.push(numbers.finish());
    last = count.all();
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
  const region = { kind: 'layer', width: P, height: P } as const;
  const mapped = { ...config, maxPositions };
  const chooser = groupChooser(mapped, [region], runner, config.placement.groups);
  const { column: groups } = (await chooser)(region);
  return (context) => waferllmOptions(model, { context, maxPositions, P, groups, exact });
}

/** Counts a step's layers; one that was not run is like the first. */
function createCount({ model, wafer }: ResolvedConfig, program: Program, runs: number) {
  const timings: StepTiming[] = [];
  const P = program.width;
  const links = new Float64Array(wafer.width * wafer.height * 4);
  const counters = { waveletHops: 0, routeHazards: 0 };
  let first: RunResult | undefined;
  // Where one run stands for all.
  const times = model.layers / runs;
  const add = (layer: number, result: RunResult) => {
    if (layer === 0) first = result;
    timings[layer] = layerTiming(program, result);
    counters.waveletHops += result.waveletHops * times;
    counters.routeHazards += result.routeHazards * times;
    for (let y = 0; y < P; y++)
      for (let i = 0; i < P * 4; i++)
        links[y * wafer.width * 4 + i] += result.linkWavelets[y * P * 4 + i] * times;
  };
  const all = (): Omit<WaferllmRun, 'steps'> => {
    const layers = Array.from({ length: model.layers }, (_, i) => `layer ${i}`);
    const simulated = layers.slice(0, runs).map((region) => ({ region }));
    const reused = layers.slice(runs).map((region) => ({ region, as: 'layer 0' }));
    const specialCycles = specialCyclesOf(program, wafer.costs) * model.layers;
    return {
      timing: inSequence(layers.map((_, i) => timings[i] ?? timings[0])),
      counters: { ...counters, reuse: { simulated, reused }, linkWavelets: [links], specialCycles },
      layer: { program, result: first! },
    };
  };
  return { add, all };
}

/** A layer on its region: the published times are of its program from its start, on all cores. */
function layerTiming({ labels, roleOf }: Program, result: RunResult): StepTiming {
  const timing = emptyTiming();
  addStage(timing, { name: 'layer', isLayer: true, labels, crossing: 0 }, result, 0, 0);
  const sum = (cycles: Float64Array) => cycles.reduce((a, b) => a + b, 0);
  const { compute, setup, waitInput, waitOutput, end } = result;
  return {
    ...timing,
    causes: {
      compute: sum(compute),
      setup: sum(setup),
      waitInput: sum(waitInput),
      waitOutput: sum(waitOutput),
      // Cores that are done before the layer is.
      idle: roleOf.length * timing.cycles - sum(end),
    },
  };
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
