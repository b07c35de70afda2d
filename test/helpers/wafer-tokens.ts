/** A model on the simulated wafer that takes given tokens one after the other. */
import type { ResolvedConfig } from '../../src/config.js';
import { loweredOf } from '../../src/decode/lowered.js';
import { placementOf } from '../../src/decode/place.js';
import { createRunner } from '../../src/decode/runner.js';
import { beginStep, createStageRunner, runOn, timedStages } from '../../src/decode/stages.js';
import { computeToken } from '../../src/decode/step.js';
import type { EngineName } from '../../src/engine/engines.js';
import { createPlainDecoder, type ChosenExperts } from '../../src/model/plain/decoder.js';
import type { Weights } from '../../src/model/model-weights.js';

/** The logits after each token, with nothing in the cache before the first one. */
export async function logitsOf(
  config: ResolvedConfig,
  weights: Weights,
  tokens: readonly number[],
  engine: EngineName = 'fast',
): Promise<Float64Array[]> {
  return (await outcomesOf(config, weights, tokens, engine)).map(({ logits }) => logits);
}

/** The same, and the experts that each layer's token went through. */
export async function outcomesOf(
  config: ResolvedConfig,
  weights: Weights,
  tokens: readonly number[],
  engine: EngineName = 'fast',
): Promise<{ logits: Float64Array; experts: ChosenExperts }[]> {
  const { wafer } = config;
  const maxPositions = tokens.length;
  const programs = createRunner({ engine, shards: 1, now: () => 0 });
  const placement = placementOf({
    ...config,
    workload: { ...config.workload, context: 0, tokens: maxPositions },
  });
  const lowered = await loweredOf(config, placement, maxPositions, programs);
  const stepOf = (context: number) => ({ context, maxPositions, users: 1 });
  const { routing } = lowered;
  const plain = routing && createPlainDecoder(config.model, weights, maxPositions);
  const caches = config.model.layers.map(() => ({ keys: [], values: [] }));
  const memory = lowered.images(stepOf(0), weights, caches);
  const runner = createStageRunner({
    wafer,
    memo: true,
    shared: undefined,
    run: runOn(programs, wafer),
  });
  const found: { logits: Float64Array; experts: ChosenExperts }[] = [];
  for (const [position, token] of tokens.entries()) {
    plain?.step(token);
    const slots = plain && routing.slotsOf(plain.choices.map((choice) => choice?.experts));
    const plan = lowered.plan({ ...stepOf(position), slots });
    beginStep(runner, plan);
    const stages = await timedStages(runner, plan, programs);
    const numbers = { memory, token } as Parameters<typeof computeToken>[3];
    await computeToken(runner, plan, stages, numbers, position, programs);
    const { logits, experts = [] } = memory.outcome();
    found.push({ logits: Float64Array.from(logits), experts });
  }
  return found;
}
