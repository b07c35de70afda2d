/** A layer's prefill on the wafer computes what a plain decoder computes token by token. */
import seedrandom from 'seedrandom';
import { describe, expect, it } from 'vitest';
import { fast } from '../src/engine/fast/fast.js';
import { reference } from '../src/engine/reference/reference.js';
import { lowerPrefillLayer } from '../src/lowering/waferllm/prefill.js';
import { prefillImages, prefillResidual } from '../src/lowering/waferllm/prefill-memory.js';
import type { PrefillOptions } from '../src/lowering/waferllm/prefill-shape.js';
import { createPlainDecoder, embedded, headLogits } from '../src/model/plain/decoder.js';
import type { ModelSpec } from '../src/model/model.js';
import { randomWeights } from '../src/model/weights.js';
import type { Operation, Program } from '../src/program/program.js';
import { kernelWafer } from './kernel-programs.js';
import {
  model as layers,
  qwen as layersWithNorms,
  resized,
  sizesOf,
} from './helpers/small-model.js';

const wafer = kernelWafer();

/** A prefill is of one layer. */
const [model, qwen] = [layers, layersWithNorms].map((of) => resized(of, { layers: 1 }));

const PROMPT = [3, 17, 4, 4, 11, 8, 0, 12, 5];

interface Shape {
  P: number;
  groups: number;
  tokens: number;
  exp?: 'vector' | 'crude';
}

function optionsOf(spec: ModelSpec, { P, groups, tokens, exp }: Shape): PrefillOptions {
  const { dim, ffn, heads, headDim, normEpsilon, dtype, qkNorm } = sizesOf(spec);
  const sizes = { dim, ffn, heads, headDim, normEpsilon, dtype, qkNorm };
  return { ...sizes, P, groups, tokens, context: tokens, exact: true, ...(exp && { exp }) };
}

/** Largest error over the logits of every token of the prompt, as a share of the largest logit. */
function errorOf(spec: ModelSpec, shape: Shape, spoil?: (program: Program) => void): number {
  const weights = randomWeights(spec, seedrandom.alea('prefill'));
  const options = optionsOf(spec, shape);
  const prompt = PROMPT.slice(0, shape.tokens);
  const residual = prompt.map((token) => embedded(spec, weights, token));
  const program = lowerPrefillLayer(options, wafer);
  spoil?.(program);
  const memory = prefillImages(options, spec, weights.layers[0], residual);
  const { routeHazards } = reference({ program, wafer, memory });
  expect(routeHazards).toBe(0);
  const decoder = createPlainDecoder(spec, weights);
  const after = prefillResidual(options, memory);
  return prompt.reduce((worst, token, i) => {
    const expected = decoder.step(token);
    const logits = headLogits(spec, weights, after[i]);
    const most = Math.max(...expected.map(Math.abs));
    const error = Math.max(...logits.map((logit, v) => Math.abs(logit - expected[v]))) / most;
    return Math.max(worst, error);
  }, 0);
}

describe('prefill of a layer', () => {
  it.each<Shape>([
    { P: 1, groups: 1, tokens: 4 },
    { P: 2, groups: 1, tokens: 9 },
    { P: 3, groups: 1, tokens: 9 },
    { P: 4, groups: 2, tokens: 7 },
    { P: 5, groups: 2, tokens: 3, exp: 'vector' },
  ])('gives the logits of every token: %o', (shape) => {
    expect(errorOf(model, shape)).toBeLessThan(1e-4);
    expect(errorOf(qwen, shape)).toBeLessThan(1e-4);
  });

  it('gives them in 16 bits within their precision', () => {
    const half: ModelSpec = { ...model, dtype: 'f16', weightBits: 16 };
    const error = errorOf(half, { P: 3, groups: 1, tokens: 9 });
    expect(error).toBeLessThan(3e-2);
    expect(error).toBeGreaterThan(1e-6);
  });

  const without = (left: (op: Operation, label: string) => boolean) => (program: Program) => {
    for (const role of program.roles)
      role.operations = role.operations.filter((op) => !left(op, program.labels[op.label]));
  };
  it.each([
    ['rope', (op: Operation) => op.kind === 'vector' && op.fn === 'sub'],
    ['the mask', (op: Operation, label: string) => label === 'scores' && isFill(op, -3.4e38)],
    ['the scale of scores', (op: Operation, label: string) => label === 'scores' && isScaled(op)],
    ['the largest score', (op: Operation) => op.kind === 'special' && op.fn === 'reciprocal'],
    ['a norm', (op: Operation) => op.kind === 'special' && op.fn === 'rsqrt'],
    ['SiLU', (op: Operation) => op.kind === 'special' && op.fn === 'silu'],
  ] as const)('is wrong without %s', (_, left) => {
    const spoil = without(left);
    expect(errorOf(model, { P: 3, groups: 1, tokens: 9 }, spoil)).toBeGreaterThan(1e-3);
  });

  it('has the operators that it does, each with an end', () => {
    for (const spec of [model, qwen]) {
      const program = lowerPrefillLayer(optionsOf(spec, { P: 2, groups: 1, tokens: 4 }), wafer);
      expect(program.labels.includes('qk norm')).toBe(sizesOf(spec).qkNorm);
      const { labelEnd } = fast({ program, wafer });
      expect([...labelEnd].every(Number.isFinite)).toBe(true);
      expect([...labelEnd]).toEqual([...labelEnd].toSorted((a, b) => a - b));
    }
  });

  it('takes the same cycles on both engines, and more for more tokens', () => {
    const cycles = (tokens: number) => {
      const program = lowerPrefillLayer(optionsOf(model, { P: 4, groups: 2, tokens }), wafer);
      const timed = reference({ program, wafer });
      expect(fast({ program, wafer }).cycles).toBe(timed.cycles);
      return timed.cycles;
    };
    expect(cycles(16)).toBeGreaterThan(cycles(8));
  });
});

function isFill(op: Operation, value: number): boolean {
  return op.kind === 'vector' && 'constant' in op.a && op.a.constant === value;
}

function isScaled(op: Operation): boolean {
  return op.kind === 'vector' && op.fn === 'mul' && op.b !== undefined && 'constant' in op.b;
}
