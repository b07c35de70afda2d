/** Checkpoints with known answers, next to the project: tests skip them where they are absent. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { openCheckpoint } from '../../src/checkpoint/checkpoint.js';
import { openTensorFile } from '../../src/checkpoint/file.js';
import { readWeights } from '../../src/checkpoint/weights.js';
import { importHfConfig } from '../../src/model/hf-config.js';
import type { Weights } from '../../src/model/model-weights.js';
import type { ModelSpec } from '../../src/model/model.js';

export const CHECKPOINTS = new URL('../../../shared/checkpoints/', import.meta.url).pathname;

/** What an independent implementation computed of a checkpoint. */
export interface Reference {
  tokens: number[];
  /** The largest logit after each token. */
  greedy: number[];
  /** [layer][token], the best first, and their weights; the least gap to the next one. */
  experts?: Record<string, number[][]>;
  expert_weights?: Record<string, number[][]>;
  router_least_margin?: number;
}

/** Folders with reference logits. */
export function checkpointNames(): string[] {
  if (!existsSync(CHECKPOINTS)) return [];
  const hasReference = (name: string) => existsSync(join(CHECKPOINTS, name, 'reference.json'));
  return readdirSync(CHECKPOINTS).filter(hasReference);
}

export function loadCheckpoint(name: string): { model: ModelSpec; weights: Weights } {
  const folder = join(CHECKPOINTS, name);
  const config = jsonOf(folder, 'config.json');
  const model = importHfConfig(config, { name, dtype: 'f32' });
  const quantised = config['quantization_config'] as { weight_block_size?: [number, number] };
  const checkpoint = openCheckpoint(folder);
  try {
    const { weights } = readWeights(checkpoint, model, quantised?.weight_block_size);
    return { model, weights };
  } finally {
    checkpoint.close();
  }
}

/** What is known of a checkpoint, and the logits after each of its tokens. */
export function referenceOf(name: string): Reference & { logits: Float64Array[] } {
  const folder = join(CHECKPOINTS, name);
  const file = openTensorFile(join(folder, 'reference.safetensors'));
  try {
    const stored = file.tensors.find((tensor) => tensor.name === 'logits')!;
    const values = Float64Array.from(file.read(stored));
    const [rows, vocab] = stored.shape;
    const logits = Array.from({ length: rows }, (_, row) =>
      values.subarray(row * vocab, (row + 1) * vocab),
    );
    return { ...(jsonOf(folder, 'reference.json') as unknown as Reference), logits };
  } finally {
    file.close();
  }
}

export function jsonOf(folder: string, file: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(folder, file), 'utf8')) as Record<string, unknown>;
}
