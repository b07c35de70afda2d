/** The plain decoder against logits, choices and text that another implementation made of the same files. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createPlainDecoder, greedy } from '../src/model/plain/decoder.js';
import type { Choice } from '../src/model/plain/router.js';
import {
  CHECKPOINTS,
  checkpointNames,
  jsonOf,
  loadCheckpoint,
  referenceOf,
} from './helpers/checkpoints.js';

/** Weights of experts are written with twelve digits. */
const WRITTEN = 1e-10;

function relativeError(found: Float64Array, expected: Float64Array): number {
  const largest = (of: Float64Array) => of.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  expect(found).toHaveLength(expected.length);
  return largest(found.map((logit, i) => logit - expected[i])) / largest(expected);
}

describe.skipIf(!existsSync(CHECKPOINTS))(
  'the plain decoder (skipped where ../shared/checkpoints is absent)',
  () => {
    it.each(checkpointNames())('computes the logits and the choices of %s', (name) => {
      const { model, weights } = loadCheckpoint(name);
      const reference = referenceOf(name);
      expect(reference.logits).toHaveLength(reference.tokens.length);
      const decoder = createPlainDecoder(model, weights, reference.tokens.length);
      let gap = Infinity;
      for (const [t, token] of reference.tokens.entries()) {
        const logits = decoder.step(token);
        expect(relativeError(logits, reference.logits[t])).toBeLessThan(1e-12);
        expect(greedy(logits)).toBe(reference.greedy[t]);
        decoder.choices.forEach((choice, layer) => {
          if (!choice) return expect(reference.experts?.[layer]).toBeUndefined();
          expectChoice(choice, reference.experts![layer][t], reference.expert_weights![layer][t]);
          gap = Math.min(gap, choice.gap);
        });
      }
      if (reference.router_least_margin === undefined) expect(gap).toBe(Infinity);
      else expect(gap).toBeCloseTo(reference.router_least_margin, 12);
    });

    it('notices the two numbers of one byte that change places in MXFP4', () => {
      const name = 'public-gpt_oss-mxfp4';
      const { model, weights } = loadCheckpoint(name);
      const { tokens, logits, experts } = referenceOf(name);
      const { mlp } = weights.layers[0];
      if (mlp.kind !== 'experts') throw new TypeError('expected experts, found a dense MLP');
      const [chosen] = experts![0][0];
      const { values } = mlp.experts[chosen].down;
      const at = values.findIndex((code, i) => i % 2 === 0 && code !== values[i + 1]);
      [values[at], values[at + 1]] = [values[at + 1], values[at]];
      const error = relativeError(createPlainDecoder(model, weights).step(tokens[0]), logits[0]);
      expect(error).toBeGreaterThan(1e-5);
    });

    it('writes the 260 tokens of a trained model', () => {
      const { model, weights } = loadCheckpoint('stories260k');
      const expected = jsonOf(join(CHECKPOINTS, 'stories260k'), 'expected.json');
      const decoder = createPlainDecoder(model, weights);
      const written: number[] = [];
      let [token] = expected['prompt'] as number[];
      while (written.length < 260) written.push((token = greedy(decoder.step(token))));
      expect(written).toEqual(expected['greedy']);
    });
  },
);

function expectChoice({ experts, weights }: Choice, chosen: number[], shares: number[]) {
  expect(experts).toEqual(chosen);
  expect(weights).toHaveLength(shares.length);
  weights.forEach((weight, i) => expect(Math.abs(weight - shares[i])).toBeLessThan(WRITTEN));
}
