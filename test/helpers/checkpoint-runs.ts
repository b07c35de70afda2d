/** Checkpoints with known answers on the simulated wafer. */
import { loadConfig, type ResolvedConfig } from '../../src/config.js';
import { relativeError } from '../../src/decode/compute.js';
import type { EngineName } from '../../src/engine/engines.js';
import { loadCheckpoint, referenceOf } from './checkpoints.js';
import { count } from './full.js';
import { OPTIONS } from './options.js';
import { outcomesOf } from './wafer-tokens.js';
import { simulateTimes } from './times.js';

/** A checkpoint on a wafer with room for it, and its weights. */
export function checkpointOn(
  name: string,
  placement: Partial<ResolvedConfig['placement']>,
  sets: string[] = [],
) {
  const { model, weights } = loadCheckpoint(name);
  const config = loadConfig('configs/tiny.yaml', [
    ...['hardware.width=400', 'hardware.core.sram=1 MiB', ...sets],
  ]);
  return {
    config: { ...config, model, placement: { ...config.placement, groups: 2, ...placement } },
    weights,
  };
}

/** All in the full tests, and else as many as go past every window, chunk and original length of the checkpoints. */
export const firstTokens = (tokens: readonly number[]) => tokens.slice(0, count(9, tokens.length));

/** The largest relative error of its logits; the experts that it chooses and the known ones, [layer][token]. */
export async function heldAgainstReference(
  name: string,
  { config, weights }: ReturnType<typeof checkpointOn>,
) {
  const { tokens, logits, experts = {} } = referenceOf(name);
  const taken = firstTokens(tokens);
  const found = await outcomesOf(config, weights, taken);
  const layers = Object.keys(experts);
  return {
    error: Math.max(...found.map((of, t) => relativeError(of.logits, logits[t]))),
    chosen: Object.fromEntries(
      layers.map((layer) => [layer, found.map((of) => of.experts[Number(layer)])]),
    ),
    known: Object.fromEntries(
      layers.map((layer) => [layer, experts[layer].slice(0, taken.length)]),
    ),
  };
}

/** What a run takes and sends, on one engine. */
export async function timesOf(config: ResolvedConfig, engine: EngineName) {
  const { steps, decode, fabric } = await simulateTimes(config, { ...OPTIONS, engine });
  return { steps, breakdown: decode.breakdown, fabric };
}
