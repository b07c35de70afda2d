/**
 * The numbers of a run that computes (`workload.data`): random weights, the memory of every region's
 * cores, and the comparison of the wafer's logits with those of a plain implementation of the model.
 */
import seedrandom from 'seedrandom';
import type { ResolvedConfig } from '../config.js';
import { layOut } from '../lowering/core-code.js';
import { layerImages, tableImages } from '../lowering/images.js';
import { headOf, type Chosen } from '../lowering/token.js';
import type { ModelSpec } from '../model/model.js';
import type { CheckResult } from '../report/document.js';
import { createPlainDecoder, type PlainDecoder } from '../model/plain.js';
import { randomWeights } from '../model/weights.js';
import type { Placement, Region } from '../placement/placement.js';
import { tableBuffers, tableShape } from '../placement/shapes.js';

/** Largest difference allowed between the wafer's logits and the plain ones, per largest logit. */
const TOLERANCE = { f32: 1e-4, f16: 3e-2 } as const;

export interface Numbers {
  /** Per region: memory of its cores, row by row; the engine changes it. */
  images: Float32Array[][];
  plain: PlainDecoder;
  /** The token that the next step takes, as the wafer's head has left it. */
  token: number;
  maxRelativeError: number;
}

/** Random weights, a decoder that has seen `workload.context` random tokens, and the next token. */
export function conversation({ model, workload }: ResolvedConfig) {
  const weights = randomWeights(model, seedrandom.alea(`weights ${workload.seed}`));
  const tokens = seedrandom.alea(`tokens ${workload.seed}`);
  const draw = () => Math.floor(tokens() * model.vocab);
  const plain = createPlainDecoder(model, weights);
  for (let i = 0; i < workload.context; i++) plain.step(draw());
  return { weights, plain, token: draw() };
}

/** The verdict on the largest relative error of a run's logits. */
export function checkResult({ dtype }: ModelSpec, logitsMaxRelativeError: number): CheckResult {
  const tolerance = TOLERANCE[dtype];
  const passed = logitsMaxRelativeError <= tolerance;
  return { logitsMaxRelativeError, tolerance, passed };
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
  const images = placement.regions.map((region) =>
    region.kind === 'layer'
      ? layerImages(model, region, maxPositions, weights.layers[region.layer], {
          keys: plain.keys[region.layer],
          values: plain.values[region.layer],
        })
      : tableImages(model, region, weights),
  );
  const numbers: Numbers = { images, plain, token, maxRelativeError: 0 };
  const [head, core] = headCore(placement, chosen);
  images[head][core][chosen.cell] = numbers.token;
  return numbers;
}

/** After a step: compares its logits, and takes the token that the wafer chose. */
export function checkStep(
  config: ResolvedConfig,
  placement: Placement,
  chosen: Chosen,
  numbers: Numbers,
): void {
  const [head, core] = headCore(placement, chosen);
  const logits = logitsOf(config, placement.regions[head], chosen, numbers.images[head]);
  const expected = numbers.plain.step(numbers.token);
  const error = relativeError(logits, expected);
  numbers.maxRelativeError = Math.max(numbers.maxRelativeError, error);
  numbers.token = numbers.images[head][core][chosen.cell]!;
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
