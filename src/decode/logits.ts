/** The logits of a run as a file: a row for each position, one after another as they come. */
import { bytesOf, headerOf } from '../checkpoint/write.js';
import type { ResolvedConfig } from '../config.js';

export interface Logits {
  /** Takes the next row; what stands after the vocabulary is padding. */
  take: (logits: ArrayLike<number>) => void;
  /** The pieces of a safetensors file with `logits`, F32 [positions, vocabulary]. */
  file(): Uint8Array[];
}

export function createLogits({ model: { vocab } }: Pick<ResolvedConfig, 'model'>): Logits {
  const rows: Uint8Array[] = [];
  return {
    take(logits) {
      rows.push(bytesOf(logits).subarray(0, 4 * vocab));
    },
    file: () => [headerOf('logits', [rows.length, vocab]), ...rows],
  };
}
