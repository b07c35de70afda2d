/**
 * WaferLLM's layer: the published one has the shape that was published, and the exact one computes
 * what a plain decoder computes.
 */
import seedrandom from 'seedrandom';
import { describe, expect, it } from 'vitest';
import { reference } from '../src/engine/reference/reference.js';
import { lowerWaferllmLayer } from '../src/lowering/waferllm.js';
import {
  setWaferllmToken,
  waferllmImages,
  waferllmResidual,
} from '../src/lowering/waferllm/memory.js';
import { waferllmOptions, widthOf } from '../src/mapping/waferllm-shape.js';
import type { ExpForm, WaferllmOptions } from '../src/mapping/waferllm-shape.js';
import { loadHardware } from '../src/config.js';
import type { ModelSpec } from '../src/model/model.js';
import type { Weights } from '../src/model/model-weights.js';
import { runKernel, type KernelOptions } from '../src/studies/kernel/kernel.js';
import { createPlainDecoder, embedded } from '../src/model/plain/decoder.js';
import { randomWeights } from '../src/model/weights.js';
import { regionBytes } from '../src/placement/budget.js';
import { sramBytesOf, type Operation, type Program } from '../src/program/program.js';
import { timeOf } from '../src/program/timing.js';
import { cases } from './helpers/full.js';
import { kernelWafer } from './kernel-programs.js';
import { model, qwen, resized } from './helpers/small-model.js';

const wafer = kernelWafer();
const LAYER = { kind: 'layer', layerKind: 0 } as const;

interface Shape {
  P: number;
  groups: number;
  width?: number;
  rowGroups?: number;
  exp?: ExpForm;
  spoil?: (program: Program) => void;
}

/** Logits of the token after `tokens`, the last of them simulated layer by layer on P x P cores. */
function simulate(spec: ModelSpec, weights: Weights, tokens: number[], { spoil, ...shape }: Shape) {
  const decoder = createPlainDecoder(spec, weights);
  for (const token of tokens.slice(0, -1)) decoder.step(token);
  const context = tokens.length - 1;
  const options = waferllmOptions(spec, { context, ...shape, exact: true });
  const keys = decoder.keys.map((layer) => [...layer]);
  const values = decoder.values.map((layer) => [...layer]);
  const token = tokens[context];
  let x: ArrayLike<number> = embedded(spec, weights, token);
  weights.layers.forEach((layer, number) => {
    const program = lowerWaferllmLayer(options, wafer);
    spoil?.(program);
    const cache = { keys: keys[number], values: values[number] };
    const memory = waferllmImages(options, spec, layer, cache);
    setWaferllmToken(options, spec, memory, x, context);
    reference({ program, wafer, memory });
    x = waferllmResidual(options, memory, number % widthOf(options));
  });
  return { logits: head(spec, weights, x), expected: decoder.step(token) };
}

/** Final norm and head in double precision: the host's part. */
function head(spec: ModelSpec, { finalNorm, head }: Weights, x: ArrayLike<number>): number[] {
  const square = Array.from(x, (v) => v * v).reduce((sum, v) => sum + v, 0);
  const scale = 1 / Math.sqrt(square / spec.dim + spec.normEpsilon);
  return Array.from({ length: spec.vocab }, (_, row) =>
    Array.from(x, (v, i) => v * scale * finalNorm[i] * head.values[row * spec.dim + i]).reduce(
      (sum, v) => sum + v,
      0,
    ),
  );
}

function relativeError({ logits, expected }: ReturnType<typeof simulate>): number {
  const largest = Math.max(...expected.map(Math.abs));
  return Math.max(...logits.map((logit, i) => Math.abs(logit - expected[i]))) / largest;
}

const TOKENS = [3, 17, 4, 4, 11, 8, 0, 12];

describe('an exact waferllm layer', () => {
  const weights = randomWeights(model, seedrandom.alea('waferllm'));

  it.each([
    { P: 5, groups: 2, length: 8 },
    { P: 7, groups: 3, length: 8 },
    { P: 3, groups: 1, length: 1 },
    { P: 1, groups: 1, length: 4 },
    { P: 9, groups: 4, length: 2 },
  ])('repeated for every layer gives the logits of the plain decoder: %o', (shape) => {
    const tokens = TOKENS.slice(0, shape.length);
    expect(relativeError(simulate(model, weights, tokens, shape))).toBeLessThan(1e-4);
  });

  it.each([
    { P: 3, width: 8, groups: 1, rowGroups: 3 },
    { P: 7, width: 2, groups: 3, rowGroups: 1 },
    { P: 4, width: 13, groups: 2, rowGroups: 4 },
    { P: 1, width: 6, groups: 1, rowGroups: 2 },
    { P: 6, width: 5, groups: 2, rowGroups: 2, exp: 'vector' as const },
  ])('gives them on a rectangle, with and without norms of heads: %o', (shape) => {
    expect(relativeError(simulate(model, weights, TOKENS, shape))).toBeLessThan(1e-4);
    const normed = randomWeights(qwen, seedrandom.alea('norms'));
    expect(relativeError(simulate(qwen, normed, TOKENS, shape))).toBeLessThan(1e-4);
  });

  it('with norms of heads is wrong if the products with them, or the roots, are left out', () => {
    const normed = randomWeights(qwen, seedrandom.alea('norms'));
    const [P, width, groups, rowGroups] = [5, 4, 2, 2];
    const labelled = (program: Program, op: Operation) => program.labels[op.label] === 'qk norm';
    const without = (left: (op: Operation) => boolean, count: number) => (program: Program) => {
      for (const role of program.roles) {
        const kept = role.operations.filter((op) => !(labelled(program, op) && left(op)));
        expect(role.operations.length - kept.length).toBeGreaterThanOrEqual(count);
        role.operations = kept;
      }
    };
    const isMul = (op: Operation) => op.kind === 'vector' && op.fn === 'mul';
    const isRoot = (op: Operation) => op.kind === 'special';
    for (const spoil of [without(isMul, 4), without(isRoot, 1)]) {
      const outcome = simulate(qwen, normed, TOKENS, { P, width, groups, rowGroups, spoil });
      expect(relativeError(outcome)).toBeGreaterThan(1e-3);
    }
  });

  it('with the published exp gives other logits, and those of its formula to the operation', () => {
    // Eight positions on four rows: no slot is empty, whose least score it would make the largest.
    const crude = simulate(model, weights, TOKENS, { P: 4, groups: 2, exp: 'crude' });
    expect(relativeError(crude)).toBeGreaterThan(1e-4);
    const at = (form: ExpForm) => {
      const rest = { context: 4, P: 2, groups: 1, exact: true, exp: form };
      const { roles } = lowerWaferllmLayer(waferllmOptions(model, rest), wafer);
      return roles[0].operations.flatMap((op) =>
        op.kind === 'special' && op.fn === 'exp' ? [op.form] : [],
      );
    };
    expect([at('crude'), at('vector'), at('full')]).toEqual([['crude'], ['vector'], ['scalar']]);
  });

  it('gives them in 16 bits within their precision', () => {
    const half: ModelSpec = { ...model, dtype: 'f16', weightBits: 16 };
    const rounded = randomWeights(half, seedrandom.alea('half'));
    const error = relativeError(simulate(half, rounded, TOKENS, { P: 5, groups: 2 }));
    expect(error).toBeLessThan(3e-2);
    expect(error).toBeGreaterThan(1e-6);
  });

  it('appends to its cache, token after token in the same memory', () => {
    const spec = resized(model, { layers: 1 });
    const [P, maxPositions] = [3, 5];
    const one = { ...weights, layers: weights.layers.slice(0, 1) };
    const decoder = createPlainDecoder(spec, one);
    const optionsAt = (context: number) =>
      waferllmOptions(spec, { context, maxPositions, P, groups: 1, exact: true });
    const memory = waferllmImages(optionsAt(0), spec, weights.layers[0], { keys: [], values: [] });
    TOKENS.slice(0, maxPositions).forEach((token, context) => {
      const options = optionsAt(context);
      const x = embedded(spec, weights, token);
      setWaferllmToken(options, spec, memory, x, context);
      reference({ program: lowerWaferllmLayer(options, wafer), wafer, memory });
      const logits = head(spec, weights, waferllmResidual(options, memory));
      const expected = decoder.step(token);
      expect(relativeError({ logits, expected })).toBeLessThan(1e-4);
    });
  });

  /** Breaks the first operation of a core for which `broken` gives another one. */
  const spoilFirst = (broken: (op: Operation) => Operation | undefined) => (program: Program) => {
    for (const role of program.roles) {
      const at = role.operations.findIndex((op) => broken(op) !== undefined);
      if (at < 0) continue;
      role.operations = role.operations.with(at, broken(role.operations[at])!);
      return;
    }
    throw new Error('nothing to break');
  };

  it.each([
    ['a multiplied vector', (op: Operation) => op.kind === 'matvec' && { ...op, x: op.x + 1 }],
    [
      'an addition',
      (op: Operation) => op.kind === 'vector' && op.fn === 'add' && { ...op, fn: 'max' },
    ],
    ['a sign', (op: Operation) => op.kind === 'vector' && op.fn === 'sub' && { ...op, fn: 'add' }],
    ['a function', (op: Operation) => op.kind === 'special' && { ...op, fn: 'reciprocal' }],
  ] as [string, (op: Operation) => Operation | false][])(
    'is wrong if one core breaks %s',
    (_, broken) => {
      const spoil = spoilFirst((op) => broken(op) || undefined);
      const outcome = simulate(model, weights, TOKENS, { P: 5, groups: 2, spoil });
      expect(relativeError(outcome)).toBeGreaterThan(1e-3);
    },
  );

  it('fails if one core does not move a route to the other axis', () => {
    const isTurn = (op: Operation) => op.kind === 'route' && op.inputs !== 0;
    const spoil = (program: Program) => {
      const role = program.roles.find((r) => r.operations.some(isTurn))!;
      const first = role.operations.findIndex(isTurn);
      role.operations = role.operations.toSpliced(first, 1);
    };
    const run = () => simulate(model, weights, TOKENS, { P: 5, groups: 2, spoil });
    expect(() => expect(relativeError(run())).toBeLessThan(1e-3)).toThrow();
  });
});

describe('the published waferllm layer', () => {
  const P = 12;
  const options = {
    dim: P * 5,
    ffn: P * 17,
    heads: 1,
    headDim: P * 5,
    normEpsilon: 1e-5,
    context: P * 4,
    P,
    groups: 3,
    dtype: 'f16' as const,
    exact: false,
  };
  const program = lowerWaferllmLayer(options, wafer);
  const operations = program.roles[program.roleOf[0]].operations;

  it('has ten all-reduces of the published lengths, two elements to a wavelet', () => {
    const times = operations.map((op) => timeOf(op, wafer.costs));
    // The corner core sends its part and takes the multicast of every all-reduce.
    const sent = times.filter(({ destination }) => destination >= 0).map((t) => t.wavelets);
    const [d, s, f] = [5, 4, 17];
    const elements = [1, 3 * d, s, 1, 1, d, d, 1, 2 * f, d];
    expect(sent).toEqual(elements.map((n) => Math.ceil(n / 2)));
    expect(times.filter(({ source }) => source >= 0)).toHaveLength(10);
  });

  it('moves its five colours to the other axis six times', () => {
    const turns = operations.filter((op) => op.kind === 'route');
    expect(turns).toHaveLength(6 * 5);
    expect(new Set(turns.map(({ color }) => color))).toEqual(new Set([0, 1, 2, 3, 4]));
  });

  it('has nine products a core, of the published sizes', () => {
    const sizes = operations
      .filter((op) => op.kind === 'matvec')
      .map(({ rows, length }) => `${rows}x${length}`);
    expect(sizes.join(' ')).toBe('5x5 5x5 5x5 5x4 4x5 5x5 5x17 5x17 17x5');
  });

  it('does SiLU for as many elements as it has residual elements, the exact one for all', () => {
    const silus = (exact: boolean) =>
      lowerWaferllmLayer({ ...options, exact }, wafer).roles[0].operations.flatMap((op) =>
        op.kind === 'special' && op.fn === 'silu' ? [op.length] : [],
      );
    expect(silus(false)).toEqual([5]);
    expect(silus(true)).toEqual([17]);
  });

  it('runs without a route hazard, and in the same cycles every time', () => {
    const first = reference({ program, wafer });
    expect(first.routeHazards).toBe(0);
    expect(reference({ program, wafer }).cycles).toBe(first.cycles);
  });

  it('takes the memory that the placement budgets for it', () => {
    const sizes = { dim: 100, ffn: 210, heads: 2, headDim: 50, dtype: 'f16' as const };
    const shaped = { ...options, ...sizes, context: 40, maxPositions: 41, P: 8, groups: 2 };
    const { roles } = lowerWaferllmLayer(shaped, wafer);
    const kept = { mapping: 'waferllm', maxPositions: 41, batch: 1 } as const;
    const budget = regionBytes(
      LAYER,
      resized(model, { ...sizes, weightBits: 16 }),
      wafer,
      kept,
      8,
      8,
    );
    for (const role of roles) expect(sramBytesOf(role)).toBe(budget);
  });

  it('keeps the Llama-3.1-8B layer and its cache in 48 KiB a core', () => {
    const sizes = { ...options, dim: 4096, ffn: 14336, headDim: 4096, context: 4096 };
    const { roles } = lowerWaferllmLayer({ ...sizes, P: 420, groups: 20 }, wafer);
    const bytes = Math.max(...roles.map(sramBytesOf));
    // Weights and cache alone: 4 d^2 + 3 d f + 2 d s elements of two bytes.
    expect(bytes).toBeGreaterThan(2 * (4 * 100 + 3 * 350 + 2 * 100));
    expect(bytes).toBeLessThan(48 * 1024);
  });
});

describe('the published layer on a rectangle', () => {
  const sizes = { dim: 96, ffn: 200, heads: 1, headDim: 96, normEpsilon: 1e-5, context: 50 };
  const as = { dtype: 'f16' as const, exact: false };
  const rectangle = { P: 5, width: 8, groups: 2, rowGroups: 3 };
  const opsOf = (more: Partial<WaferllmOptions> = {}) => {
    const program = lowerWaferllmLayer({ ...sizes, ...as, ...rectangle, ...more }, wafer);
    expect([program.width, program.height]).toEqual([8, 5]);
    return program.roles[program.roleOf[0]].operations;
  };

  it('has products of its own sizes: residual and positions over rows, the others over columns', () => {
    const sizesOf = opsOf().flatMap((op) =>
      op.kind === 'matvec' ? `${op.rows}x${op.length}` : [],
    );
    // 96/5 = 20 and 50/5 = 10 along the rows; 96/8 = 12 and 200/8 = 25 along the columns.
    expect(sizesOf.join(' ')).toBe('20x12 20x12 20x12 12x10 10x12 12x20 20x25 20x25 25x20');
  });

  it('has one more all-reduce with norms of heads, of two sums, and no more changes of routes', () => {
    const sent = (operations: Operation[]) =>
      operations
        .map((op) => timeOf(op, wafer.costs))
        .filter(({ destination }) => destination >= 0)
        .map(({ wavelets }) => wavelets);
    const routes = (operations: Operation[]) =>
      operations.filter((op) => op.kind === 'route').length;
    expect(sent(opsOf())).toEqual([1, 18, 5, 1, 1, 6, 10, 1, 25, 10]);
    expect(sent(opsOf({ qkNorm: true }))).toEqual([1, 18, 1, 5, 1, 1, 6, 10, 1, 25, 10]);
    expect([routes(opsOf()), routes(opsOf({ qkNorm: true }))]).toEqual([30, 30]);
  });

  it('is a square where both sides are equal', () => {
    const square = { ...sizes, ...as, P: 6, groups: 2 };
    const same = { ...square, width: 6, rowGroups: 2, qkNorm: false, exp: 'crude' as const };
    expect(lowerWaferllmLayer(same, wafer)).toEqual(lowerWaferllmLayer(square, wafer));
  });
});

describe.each(['wse2', 'wse3'])('the shape of the published layer on %s', (name) => {
  const machine = loadHardware(`configs/hardware/${name}.yaml`, []).wafer;
  const breakdown = async (options: KernelOptions) => {
    const host = { now: () => 0, rss: () => 0 };
    const layer = { dim: 256, ffn: 768, ...options };
    return (await runKernel('layer', layer, machine, 'fast', host)).breakdown;
  };
  const sum = (parts: { cycles: number }[]) => parts.reduce((all, { cycles }) => all + cycles, 0);
  const ATTENTION = ['qkv', 'rope', 'scores', 'softmax', 'values', 'attention out'];
  const FEED_FORWARD = ['mlp norm', 'gate up', 'silu', 'down'];

  it('is dearer along x: a wide rectangle takes longer than a tall one of as many cores', async () => {
    for (const more of cases([{}], [{ qkNorm: true }])) {
      const total = async (grid: string) =>
        sum(Object.values(await breakdown({ grid, seq: 2048, ...more })));
      expect(await total('32x16')).toBeGreaterThan(await total('16x32'));
      const wide = await total('32x8');
      expect(wide).toBeGreaterThan(await total('8x32'));
      expect(wide).toBeGreaterThan(await total('16x16'));
    }
  });

  it('has a feed-forward half that does not depend on the context, and a softmax that does most', async () => {
    const at = (seq: number, exp?: string) => breakdown({ grid: '16x32', seq, exp });
    const [short, long] = [await at(2048), await at(4096)];
    for (const part of FEED_FORWARD) expect(long[part]).toEqual(short[part]);
    const largest = ATTENTION.toSorted((a, b) => short[b].cycles - short[a].cycles);
    expect(largest[0]).toBe('softmax');
    const growth = ATTENTION.toSorted(
      (a, b) => long[b].cycles - short[b].cycles - (long[a].cycles - short[a].cycles),
    );
    expect(growth[0]).toBe('softmax');
  });

  it('spends less on exponentials by vector operations, and the same on crude and full scalar code', async () => {
    const softmax = async (exp: string) =>
      (await breakdown({ grid: '16x32', seq: 2048, exp })).softmax.cycles;
    const [crude, vector, full] = [
      await softmax('crude'),
      await softmax('vector'),
      await softmax('full'),
    ];
    const { scalar, vectorForm, setup, issue, elementsPerCycle } = machine.costs;
    const pass = setup.f16 + Math.ceil(64 / elementsPerCycle.fma.f16 + issue.f16);
    expect(crude - vector).toBe(64 * scalar.exp - vectorForm.exp * pass);
    expect(full).toBe(crude);
  });
});
