/**
 * One decoder layer of a whole prompt as WaferLLM does prefill (OSDI 2025) on P x P cores: tokens are cut over the
 * rows, the model's dimensions over the columns. Projections and the MLP are products of matrices by cyclic
 * shifts (MeshGEMM). Scores are its transposed form: the keys of a block of tokens move along the columns, every
 * core multiplies its queries by them, and the row adds up the parts; the column of that block keeps the sum.
 * Norms and softmax reduce along the rows.
 *
 * Tiles lie element by element, each for all tokens of the core. Everything is computed in full.
 */
import { allReduce, routesOf, type LinePlace } from '../../kernels/collectives.js';
import { CHANNELS, stationsOf } from '../../kernels/line.js';
import { align, meshRoutes, shift, shiftAndMultiply } from '../../kernels/mesh-shifts.js';
import type { Mesh, Tile } from '../../kernels/mesh-shifts.js';
import { ringOf } from '../../kernels/ring.js';
import { headParts, waferllmShape, type HeadPart } from '../../mapping/waferllm-shape.js';
import { assemble, cell, fill, matmul, special, vector } from '../../program/builder.js';
import type { CoreCode, WaferSpec } from '../../program/builder.js';
import type { Program } from '../../program/program.js';
import { LEAST } from '../../numeric/types.js';
import { rotateHalves } from './attention.js';
import { waferllmLabels, type WaferllmLabel } from './core.js';
import { prefillBuffers, prefillShape, type PrefillOptions } from './prefill-shape.js';

/** Operators in the order of the program, which leaves no cache behind. */
function labelsOf(options: PrefillOptions): WaferllmLabel[] {
  return waferllmLabels(options).filter((name) => name !== 'kv append');
}

/** A core of the layer, and what its code depends on. */
interface PrefillCore {
  code: CoreCode;
  options: PrefillOptions;
  mesh: Mesh;
  row: LinePlace;
  /** Heads of which this core's column holds pairs. */
  parts: HeadPart[];
  /** Tokens of a core; elements of its slices. */
  tokens: number;
  dims: number;
  attention: number;
  pairs: number;
  inner: number;
}

/** The program of a layer; prefill-memory.ts fills its buffers. */
export function lowerPrefillLayer(o: PrefillOptions, wafer: WaferSpec): Program {
  const { P, dtype: type } = o;
  const { runtime, stack, attention, mlp } = wafer.core.codeBytes;
  const bytes = stack + runtime + attention + mlp;
  const buffers = prefillBuffers(o);
  const labels = labelsOf(o);
  const { program, station } = assemble('waferllm prefill', P, P, labels, bytes, buffers);
  const ring = ringOf(P, 'interleaved');
  const lines = stationsOf(P, o.groups);
  const { setup } = wafer.costs.transfer;
  const shape = waferllmShape(o);
  const color = CHANNELS.length;
  for (let y = 0; y < P; y++)
    for (let x = 0; x < P; x++)
      station(y * P + x, `core (${x}, ${y})`, (code) =>
        writeLayer({
          code,
          options: o,
          mesh: { ring, x, y, type, color, setup },
          row: { station: lines[x], axis: 'x', colors: CHANNELS },
          parts: headParts(o, shape, x),
          ...prefillShape(o),
        }),
      );
  return program;
}

function label({ code, options }: PrefillCore, name: WaferllmLabel): void {
  code.label = labelsOf(options).indexOf(name);
}

function writeLayer(core: PrefillCore): void {
  const { code, options, dims, attention, inner, tokens } = core;
  const { at } = code;
  code.routes = [...routesOf(core.row), ...meshRoutes(core.mesh, ['x', 'y'])];
  label(core, 'attention norm');
  normalise(core, at.attentionNorm);
  label(core, 'qkv');
  product(core, at.normed, dims, 'wQkv', 3 * attention, at.qkv);
  if (options.qkNorm) normaliseHeads(core);
  label(core, 'rope');
  for (const vectorAt of [at.qkv, at.qkv + attention * tokens])
    rotateHalves(code, options.dtype, core.pairs * tokens, vectorAt);
  label(core, 'scores');
  scores(core);
  label(core, 'softmax');
  softmax(core);
  label(core, 'values');
  weightedValues(core);
  label(core, 'attention out');
  product(core, at.attended, attention, 'wO', dims, at.projected);
  addResidual(core);
  label(core, 'mlp norm');
  normalise(core, at.mlpNorm);
  label(core, 'gate up');
  product(core, at.normed, dims, 'wGateUp', 2 * inner, at.gateUp);
  label(core, 'silu');
  const [gate, up] = [cell(at.gateUp), cell(at.gateUp + inner * tokens)];
  special(code, 'silu', 'scalar', options.dtype, gate.at, inner * tokens);
  vector(code, 'mul', options.dtype, inner * tokens, gate, gate, up);
  label(core, 'down');
  product(core, at.gateUp, inner, 'wDown', dims, at.projected);
  addResidual(core);
}

function addResidual({ code, options, dims, tokens }: PrefillCore): void {
  const x = cell(code.at.x);
  vector(code, 'add', options.dtype, dims * tokens, x, x, cell(code.at.projected));
}

/**
 * out = the `inner` elements at `a` of all columns, times a matrix whose tiles of `inner` rows lie turned in
 * `weights`.
 */
function product(
  { code, options, mesh, tokens }: PrefillCore,
  a: number,
  inner: number,
  weights: string,
  columns: number,
  out: number,
): void {
  const { at } = code;
  const left: Tile = { length: inner * tokens, now: a, next: at.spareLeft };
  const right: Tile = { length: inner * columns, now: at[weights], next: at.spareWeights };
  const type = options.dtype;
  align(code, mesh, 'x', left);
  fill(code, type, out, columns * tokens, 0);
  shiftAndMultiply(code, mesh, left, right, (a, b) =>
    matmul(code, { type, length: tokens, inner, columns, a, b, c: out }),
  );
}

/** normed = x / sqrt(mean(x^2) + epsilon) * weight, token by token. */
function normalise({ code, options, row, dims, tokens }: PrefillCore, weights: number): void {
  const { at } = code;
  const sum = cell(at.square);
  const slice = (buffer: number, i: number) => cell(buffer + i * tokens);
  fill(code, 'f32', at.square, tokens, 0);
  for (let i = 0; i < dims; i++)
    vector(code, 'fma', 'f32', tokens, sum, slice(at.x, i), slice(at.x, i), sum);
  allReduce(code, row, 'add', 'f32', at.square, tokens);
  toScale(code, at.square, tokens, options.dim, options.normEpsilon);
  for (let i = 0; i < dims; i++) {
    const normed = slice(at.normed, i);
    vector(code, 'mul', options.dtype, tokens, normed, slice(at.x, i), sum);
    vector(code, 'mul', options.dtype, tokens, normed, normed, cell(weights + i, 0));
  }
}

/** Sums of squares of `of` elements become 1 / sqrt(mean + epsilon). */
function toScale(code: CoreCode, at: number, count: number, of: number, epsilon: number): void {
  const mean = { constant: 1 / of };
  vector(code, 'fma', 'f32', count, cell(at), cell(at), mean, { constant: epsilon });
  special(code, 'rsqrt', 'scalar', 'f32', at, count);
}

/** Ranges of this core's attention elements, and their head. */
function rangesOf({ parts, pairs }: PrefillCore): HeadPart[] {
  return parts.flatMap(({ head, first, count }) => [
    { head, first, count },
    { head, first: pairs + first, count },
  ]);
}

/** RMSNorm of each query and key head, whose elements are spread over the columns. */
function normaliseHeads(core: PrefillCore): void {
  label(core, 'qk norm');
  const { code, options, row, attention, tokens } = core;
  const { at } = code;
  const { heads, dtype, headDim, normEpsilon } = options;
  const elements = [at.qNorm, at.kNorm].flatMap((weights, which) =>
    rangesOf(core).flatMap(({ head, first, count }) =>
      Array.from({ length: count }, (_, i) => ({
        x: cell(at.qkv + (which * attention + first + i) * tokens),
        scale: cell(at.headScale + (which * heads + head) * tokens),
        weight: cell(weights + first + i, 0),
      })),
    ),
  );
  const sums = 2 * heads * tokens;
  fill(code, 'f32', at.headScale, sums, 0);
  for (const { x, scale } of elements) vector(code, 'fma', 'f32', tokens, scale, x, x, scale);
  allReduce(code, row, 'add', 'f32', at.headScale, sums);
  toScale(code, at.headScale, sums, headDim, normEpsilon);
  for (const { x, scale, weight } of elements) {
    vector(code, 'mul', dtype, tokens, x, x, scale);
    vector(code, 'mul', dtype, tokens, x, x, weight);
  }
}

/**
 * Scores of this row's tokens with those of the column's block, [head][key][token]: in step k the keys are those
 * of the block k places on in the ring.
 */
function scores(core: PrefillCore): void {
  const { code, options, mesh, row, attention, tokens } = core;
  const { at } = code;
  const { ring, x, y } = mesh;
  const [type, all] = [options.dtype, options.heads * tokens * tokens];
  const keys: Tile = {
    length: attention * tokens,
    now: at.qkv + attention * tokens,
    next: at.spareKeys,
  };
  ring.order.forEach((_, step) => {
    fill(code, type, at.partial, all, 0);
    for (const { head, first, count: inner } of rangesOf(core)) {
      const [a, b] = [at.qkv + first * tokens, keys.now + first * tokens];
      const c = at.partial + head * tokens * tokens;
      matmul(code, { type, length: tokens, inner, columns: tokens, a, b, c });
    }
    allReduce(code, row, 'add', type, at.partial, all);
    const block = ring.order[(ring.position[y] + step) % ring.order.length];
    if (block === x) vector(code, 'move', type, all, cell(at.scores), cell(at.partial));
    if (step < ring.order.length - 1) shift(code, mesh, 'y', keys);
  });
  const scale = { constant: 1 / Math.sqrt(options.headDim) };
  vector(code, 'mul', type, all, cell(at.scores), cell(at.scores), scale);
  mask(core);
}

/** Keys after a token get the least score; those of padding come after every token of the prompt. */
function mask({ code, options, mesh, tokens }: PrefillCore): void {
  for (let head = 0; head < options.heads; head++)
    for (let j = 0; j < tokens; j++) {
      const key = mesh.x * tokens + j;
      const count = Math.max(0, Math.min(tokens, key - mesh.y * tokens));
      const at = code.at.scores + (head * tokens + j) * tokens;
      fill(code, options.dtype, at, count, LEAST[options.dtype]);
    }
}

function softmax({ code, options, row, tokens }: PrefillCore): void {
  const { at } = code;
  const { heads, dtype, exp = 'full' } = options;
  const all = heads * tokens;
  const lines = Array.from({ length: all }, (_, i) => ({
    scores: cell(at.scores + i * tokens),
    peak: cell(at.peak + Math.floor(i / tokens) * tokens),
    total: cell(at.total + Math.floor(i / tokens) * tokens),
  }));
  fill(code, 'f32', at.peak, all, LEAST.f32);
  for (const { scores, peak } of lines) vector(code, 'max', 'f32', tokens, peak, scores, peak);
  allReduce(code, row, 'max', 'f32', at.peak, all);
  for (const { scores, peak } of lines) vector(code, 'sub', dtype, tokens, scores, scores, peak);
  special(code, 'exp', exp === 'full' ? 'scalar' : exp, dtype, at.scores, all * tokens);
  fill(code, 'f32', at.total, all, 0);
  for (const { scores, total } of lines) vector(code, 'add', 'f32', tokens, total, scores, total);
  allReduce(code, row, 'add', 'f32', at.total, all);
  special(code, 'reciprocal', 'scalar', 'f32', at.total, all);
  for (const { scores, total } of lines) vector(code, 'mul', dtype, tokens, scores, scores, total);
}

/** The softmax's shares times the values, whose tiles are turned on the wafer first. */
function weightedValues(core: PrefillCore): void {
  const { code, options, mesh, attention, tokens } = core;
  const { at } = code;
  const type = options.dtype;
  const length = attention * tokens;
  const values: Tile = { length, now: at.qkv + 2 * length, next: at.spareKeys };
  const shares: Tile = {
    length: options.heads * tokens * tokens,
    now: at.scores,
    next: at.partial,
  };
  align(code, mesh, 'y', values);
  align(code, mesh, 'x', shares);
  fill(code, type, at.attended, length, 0);
  shiftAndMultiply(code, mesh, shares, values, (left, right) => {
    for (const { head, first, count: columns } of rangesOf(core))
      matmul(code, {
        ...{ type, length: tokens, inner: tokens, columns },
        a: left + head * tokens * tokens,
        ...{ b: right + first * tokens, bRowStride: 1, bStride: tokens },
        c: at.attended + first * tokens,
      });
  });
}
