/**
 * The numbers of a run that computes (`workload.data`): random weights, the memory of every region's
 * cores, the comparison of the wafer's logits with those of a plain implementation of the model, and
 * of the token that it chose with those logits.
 */
import type { ResolvedConfig } from '../config.js';
import { layOut } from '../program/builder.js';
import { layerImages, tableImages } from '../lowering/images.js';
import { headOf, type Chosen } from '../lowering/token.js';
import type { CheckResult } from '../report/document.js';
import { createPlainDecoder, type PlainDecoder } from '../model/plain.js';
import { randomWeights } from '../model/weights.js';
import { seededRandom } from '../numeric/random.js';
import type { Placement, Region } from '../placement/placement.js';
import { tableBuffers, tableShape } from '../mapping/shapes.js';

/** Largest difference allowed between the wafer's logits and the plain ones, per largest logit. */
const TOLERANCE = { f32: 1e-4, f16: 3e-2 } as const;

export interface Numbers {
  /** Per region: memory of its cores, row by row; the engine changes it. */
  images: Float32Array[][];
  plain: PlainDecoder;
  /** The token that the next step takes, as the wafer's head has left it. */
  token: number;
  checks: StepCheck[];
}

/** What one step computed. */
export interface StepCheck {
  maxRelativeError: number;
  /** Number of the first largest of the wafer's own logits, -1 if they have none (NaN). */
  largest: number;
  chosen: number;
}

/** Random weights, a decoder that has seen `workload.context` random tokens, and the next token. */
export function conversation({ model, workload }: ResolvedConfig) {
  const weights = randomWeights(model, seededRandom(`weights ${workload.seed}`));
  const tokens = seededRandom(`tokens ${workload.seed}`);
  const draw = () => Math.floor(tokens() * model.vocab);
  const plain = createPlainDecoder(model, weights);
  for (let i = 0; i < workload.context; i++) plain.step(draw());
  return { weights, plain, token: draw() };
}

/**
 * The verdict on the steps of the first user: largest relative error of the logits, and whether each
 * token is the first largest of the wafer's own logits. The other users run the same programs.
 * @param head where the logits and the choice are computed
 */
export function checkResult(
  { model, workload }: Pick<ResolvedConfig, 'model' | 'workload'>,
  steps: readonly StepCheck[],
  head: 'wafer' | 'host',
): CheckResult {
  const tolerance = TOLERANCE[model.dtype];
  // Math.max keeps NaN, which no tolerance passes.
  const logitsMaxRelativeError = Math.max(...steps.map((step) => step.maxRelativeError));
  const wrong = steps.findIndex(({ largest, chosen }) => largest < 0 || chosen !== largest);
  const choice = wrong < 0;
  return {
    logitsMaxRelativeError,
    tolerance,
    choice,
    ...(!choice && { wrongChoice: { step: wrong, ...choiceOf(steps[wrong]) } }),
    head,
    users: { checked: [0], of: workload.batch },
    passed: logitsMaxRelativeError <= tolerance && choice,
  };
}

/** JSON has no NaN: what is no token is null. */
function choiceOf({ chosen, largest }: StepCheck) {
  return { chosen: Number.isFinite(chosen) ? chosen : null, largest: largest < 0 ? null : largest };
}

/** Number of the first largest logit; -1 if any of them is NaN. */
export function firstLargest(logits: ArrayLike<number>): number {
  let first = 0;
  for (let i = 0; i < logits.length; i++) {
    if (Number.isNaN(logits[i])) return -1;
    if (logits[i] > logits[first]) first = i;
  }
  return first;
}

/** max |difference| / max |expected|; NaN if any of the logits is none. */
export function relativeError(logits: ArrayLike<number>, expected: ArrayLike<number>): number {
  let difference = 0;
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    // Math.max keeps NaN, which no tolerance passes.
    difference = Math.max(difference, Math.abs(logits[i] - expected[i]));
    largest = Math.max(largest, Math.abs(expected[i]));
  }
  return difference / largest;
}

/** Weights, an earlier conversation of `workload.context` random tokens, and the cores' memory. */
export function createNumbers(
  config: ResolvedConfig,
  placement: Placement,
  chosen: Chosen,
): Numbers {
  const { model, workload } = config;
  const { weights, plain, token } = conversation(config);
  const maxPositions = workload.context + workload.tokens;
  const images = placement.regions.map((region) => {
    if (region.kind !== 'layer') return tableImages(model, region, weights);
    const cache = { keys: plain.keys[region.layer], values: plain.values[region.layer] };
    const own = weights.layers[region.layer];
    return layerImages(model, region, maxPositions, own, cache, workload.batch);
  });
  const numbers: Numbers = { images, plain, token, checks: [] };
  const [head, core] = headCore(placement, chosen);
  images[head][core][chosen.cell] = numbers.token;
  return numbers;
}

/**
 * After a step: compares its logits, and takes the token that the wafer chose.
 * @returns whether that is a token, with which the next step can compute
 */
export function checkStep(
  config: ResolvedConfig,
  placement: Placement,
  chosen: Chosen,
  numbers: Numbers,
): boolean {
  const [head, core] = headCore(placement, chosen);
  const logits = logitsOf(config, placement.regions[head], chosen, numbers.images[head]);
  const maxRelativeError = relativeError(logits, numbers.plain.step(numbers.token));
  numbers.token = numbers.images[head][core][chosen.cell]!;
  numbers.checks.push({ maxRelativeError, largest: firstLargest(logits), chosen: numbers.token });
  return (
    Number.isInteger(numbers.token) && numbers.token >= 0 && numbers.token < config.model.vocab
  );
}

/** The logits as they lie in the memory of the head's cores, on the row of its roots. */
function logitsOf(
  { model }: ResolvedConfig,
  region: Region,
  chosen: Chosen,
  images: Float32Array[],
): Float32Array {
  if (region.kind === 'layer') throw new TypeError('the last region is no head');
  const shape = tableShape(model, region.height, region.width);
  const { at } = layOut(tableBuffers(model, shape, region.kind));
  const logits = new Float32Array(model.vocab);
  const firstCore = (chosen.y - region.y) * region.width;
  for (let column = 0; column < region.width; column++)
    for (let e = 0; e < shape.entries; e++) {
      const entry = column * shape.entries + e;
      if (entry < model.vocab) logits[entry] = images[firstCore + column][at.logits + e]!;
    }
  return logits;
}

/** Index of the head's region, and number of the choosing core in it. */
function headCore(placement: Placement, chosen: Chosen): [number, number] {
  const index = headOf(placement);
  const region = placement.regions[index];
  return [index, (chosen.y - region.y) * region.width + (chosen.x - region.x)];
}
