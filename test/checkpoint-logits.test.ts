/** Checkpoints next to the project: the plain decoder on their weights gives their independent logits. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openCheckpoint } from '../src/checkpoint/checkpoint.js';
import { openTensorFile } from '../src/checkpoint/file.js';
import { readWeights } from '../src/checkpoint/weights.js';
import { importHfConfig } from '../src/model/hf-config.js';
import { createPlainDecoder } from '../src/model/plain/decoder.js';

const CHECKPOINTS = new URL('../../shared/checkpoints/', import.meta.url).pathname;
const names = existsSync(CHECKPOINTS)
  ? readdirSync(CHECKPOINTS).filter((name) => existsSync(join(CHECKPOINTS, name, 'reference.json')))
  : [];

const json = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;

/** Rows of `logits` in a reference file. */
function referenceOf(folder: string): Float64Array[] {
  const file = openTensorFile(join(folder, 'reference.safetensors'));
  try {
    const logits = file.tensors.find(({ name }) => name === 'logits')!;
    const values = file.read(logits);
    const [rows, vocab] = logits.shape;
    return Array.from({ length: rows }, (_, row) =>
      Float64Array.from(values.subarray(row * vocab, (row + 1) * vocab)),
    );
  } finally {
    file.close();
  }
}

describe.skipIf(!existsSync(CHECKPOINTS))('the weights of a checkpoint', () => {
  it.each(names)('%s give its logits after every token', (name) => {
    const folder = join(CHECKPOINTS, name);
    const config = json(join(folder, 'config.json'));
    const model = importHfConfig(config, { name, dtype: 'f32' });
    const quantised = config['quantization_config'] as { weight_block_size?: [number, number] };
    const checkpoint = openCheckpoint(folder);
    const { weights } = readWeights(checkpoint, model, quantised?.weight_block_size);
    checkpoint.close();
    const decoder = createPlainDecoder(model, weights);
    const tokens = json(join(folder, 'reference.json'))['tokens'] as number[];
    const reference = referenceOf(folder);
    expect(reference.length).toBe(tokens.length);
    tokens.forEach((token, i) => {
      const largest = reference[i].reduce((most, logit) => Math.max(most, Math.abs(logit)), 0);
      const logits = decoder.step(token);
      const difference = logits.reduce(
        (most, logit, j) => Math.max(most, Math.abs(logit - reference[i][j])),
        0,
      );
      expect(logits.length).toBe(reference[i].length);
      expect(difference / largest).toBeLessThan(1e-9);
    });
  });
});
