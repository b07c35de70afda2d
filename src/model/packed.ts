/** Matrices that a family's files keep together: parts of them lie in the same blocks of FP8 numbers. */
import type { LayerSpec } from './model.js';

/** The largest divisor of a number that fits, as 1 always does. */
export function largestDivisor(of: number, fits: (divisor: number) => boolean): number {
  let divisor = of;
  while (of % divisor !== 0 || !fits(divisor)) divisor--;
  return divisor;
}

/** Outputs of a block of which no part that is taken out of a layer's matrices has less than all. */
export function wholeOutputs(block: number, family: string, layers: readonly LayerSpec[]): number {
  const parts = layers.flatMap((layer) => partsOf(family, layer));
  return largestDivisor(block, (outputs) => parts.every((part) => part % outputs === 0));
}

/** How many outputs in a row are of one part (checkpoint/attention.ts and mlp.ts take them apart). */
function partsOf(family: string, { attention, mlp }: LayerSpec): number[] {
  if (attention.kind === 'delta') {
    const { keyHeads, valueHeads, keyDim, valueDim } = attention;
    // Steps and decays, few outputs a head, have no part in this: they are published in 16 bits.
    const byHead = [keyDim, (valueHeads / keyHeads) * valueDim];
    return family === 'qwen3_next' ? byHead : [keyHeads * keyDim];
  }
  if (attention.kind === 'latent') return [];
  const { heads, kvHeads, headDim, gate } = attention;
  if (family !== 'phi3') return gate ? [headDim] : [];
  return [heads * headDim, kvHeads * headDim, ...(mlp.kind === 'dense' ? [mlp.inner] : [])];
}
