/**
 * What is done to the query and key heads of a core between their projection and the scores: norms and
 * RoPE, over all of them at once.
 */
import { allReduce, type LinePlace } from '../kernels/collectives.js';
import { cell, ring, vector, type CoreCode } from '../program/builder.js';
import type { ModelSpec } from '../model/model.js';
import type { MemoryOperand } from '../program/program.js';
import { normsWhole } from '../mapping/norms.js';
import { kvGroupsOf } from '../mapping/shapes.js';
import { layerLabel, type AttendingCore, type GqaCore, type LayerCore } from './layer-core.js';
import { meanToScale } from './norm.js';

/** Query and key heads of a core. */
export function headsOf({ shape }: Pick<GqaCore, 'shape'>): number {
  return shape.queryHeads + shape.headsPerColumn;
}

/** (cos, sin) of each pair times (cos, sin) of one step, in 32 bits; then a copy for each of `heads` heads. */
export function advanceAngles(core: CoreCode, layer: AttendingCore, heads: number): void {
  advance(core, layer, core.at.angle);
  spreadAngles(core, layer, heads);
}

/** The pairs' angles at `first`, cosines and then sines, of the position after. */
export function advance(core: CoreCode, layer: AttendingCore, first: number): void {
  const n = layer.shape.pairs;
  const { at } = core;
  const cos = cell(first);
  const sin = cell(first + n);
  const stepCos = cell(at.angleStep);
  const stepSin = cell(at.angleStep + n);
  const sinSin = cell(at.angleWork);
  const cosSin = cell(at.angleWork + n);
  vector(core, 'mul', 'f32', n, sinSin, sin, stepSin);
  vector(core, 'mul', 'f32', n, cosSin, cos, stepSin);
  vector(core, 'mul', 'f32', n, cos, cos, stepCos);
  vector(core, 'sub', 'f32', n, cos, cos, sinSin);
  vector(core, 'fma', 'f32', n, sin, sin, stepCos, cosSin);
}

/** A copy of each pair's angle for each of `heads` heads, which their elements are multiplied by. */
export function spreadAngles(core: CoreCode, layer: AttendingCore, heads: number): void {
  const n = layer.shape.pairs;
  const { at } = core;
  const { dtype } = layer.model;
  for (let pair = 0; pair < n; pair++)
    for (const half of [0, 1])
      vector(
        core,
        'move',
        dtype,
        heads,
        cell(at.turn + (half * n + pair) * heads),
        cell(at.angle + half * n + pair, 0),
      );
  const copies = n * heads;
  vector(core, 'mul', dtype, copies, cell(at.turn + 2 * copies), cell(at.turn + copies), {
    constant: -1,
  });
}

/** A head's elements on this core. */
function elementsOf({ at }: CoreCode, layer: GqaCore, head: number): MemoryOperand {
  return cell(at.qkv + head, headsOf(layer));
}

/**
 * A 32-bit number of each head, as vectors of activations are combined with it: 16-bit operations take a copy
 * in 16 bits, which goes to `narrow`. Returns its first cell.
 */
export function perHead(
  core: CoreCode,
  { dtype }: ModelSpec,
  at: number,
  narrow: number,
  heads: number,
): number {
  if (dtype === 'f32') return at;
  vector(core, 'move', dtype, heads, cell(narrow), cell(at));
  return narrow;
}

/** First of the values that a core projects, [head][element], which follow its queries and keys. */
export function projectedValuesAt({ at }: CoreCode, layer: GqaCore): number {
  return at.qkv + 2 * layer.shape.pairs * headsOf(layer);
}

/**
 * RMSNorm of each query and key head, of each value head, or of all of them at once, whose elements are spread
 * over the group's columns. Values, and queries and keys after RoPE, have no weights.
 */
export function normaliseHeads(
  core: CoreCode,
  layer: GqaCore,
  group: LinePlace,
  of: { heads: boolean; values: boolean },
): void {
  const { model, shape, attention, costs } = layer;
  const { at } = core;
  const heads = of.heads ? headsOf(layer) : 0;
  const values = of.values ? shape.headsPerColumn : 0;
  const length = 2 * shape.pairs;
  const first = of.heads ? at.headScale : at.valueScale;
  const qk = cell(at.qkv);
  const squares = ring(first, heads);
  if (of.heads) vector(core, 'fma', 'f32', heads * length, squares, qk, qk, squares);
  const valueOf = (head: number) => cell(projectedValuesAt(core, layer) + head * length);
  for (let head = 0; head < values; head++) {
    const sum = cell(first + heads + head, 0);
    vector(core, 'fma', 'f32', length, sum, valueOf(head), valueOf(head), sum);
  }
  allReduce(core, group, 'add', 'f32', first, heads + values);
  meanToScale(core, costs, first, heads + values, attention.headDim, model.normEpsilon);
  const scales = perHead(core, model, first, at.headFactor, heads + values);
  for (let head = 0; head < values; head++) {
    const scale = cell(scales + heads + head, 0);
    vector(core, 'mul', model.dtype, length, valueOf(head), valueOf(head), scale);
  }
  if (!of.heads) return;
  vector(core, 'mul', model.dtype, heads * length, qk, qk, ring(scales, heads));
  if (attention.qkNorm !== 'head') return;
  for (let head = 0; head < heads; head++) {
    const x = elementsOf(core, layer, head);
    const weight = cell(head < shape.queryHeads ? at.qNorm : at.kNorm);
    vector(core, 'mul', model.dtype, length, x, x, weight);
  }
}

/** RMSNorm of all query heads as one vector, and of all key heads, which are spread over the whole row. */
export function normaliseWhole(core: CoreCode, layer: GqaCore): void {
  const { model, shape, attention, costs } = layer;
  const { at } = core;
  const heads = headsOf(layer);
  const length = 2 * shape.pairs;
  const scaleOf = (head: number) => cell(at.headScale + (head < shape.queryHeads ? 0 : 1), 0);
  for (let head = 0; head < heads; head++) {
    const x = elementsOf(core, layer, head);
    vector(core, 'fma', 'f32', length, scaleOf(head), x, x, scaleOf(head));
  }
  joinWholeNorm(core, layer);
  const { heads: all, headDim } = attention;
  meanToScale(core, costs, at.headScale, 1, all * headDim, model.normEpsilon);
  // Each key was added up once for each group that holds it.
  const keys = kvGroupsOf(attention, shape) * headDim;
  meanToScale(core, costs, at.headScale + 1, 1, keys, model.normEpsilon);
  for (let head = 0; head < heads; head++) {
    const x = elementsOf(core, layer, head);
    vector(core, 'mul', model.dtype, length, x, x, scaleOf(head));
  }
  const qk = cell(at.qkv);
  vector(core, 'mul', model.dtype, heads * length, qk, qk, cell(at.qkNorm));
}

/** Adds up over the row the squares that such a norm takes; a column without attention has none. */
export function joinWholeNorm(core: CoreCode, { spec, row }: LayerCore): void {
  if (!normsWhole(spec)) return;
  core.label = layerLabel('qk norm');
  allReduce(core, row, 'add', 'f32', core.at.headScale, 2);
}

/** RoPE: (a, b) becomes (a cos - b sin, b cos + a sin) for every pair of every query and key head. */
export function rotate(core: CoreCode, layer: GqaCore): void {
  const heads = headsOf(layer);
  turn(core, layer, { at: core.at.qkv, heads, copies: heads });
}

/** The same of `heads` heads that lie at a cell, with angles of which there are `copies` for each pair. */
export function turn(
  core: CoreCode,
  { model: { dtype }, shape }: AttendingCore,
  { at: first, heads, copies }: { at: number; heads: number; copies: number },
): void {
  const { at } = core;
  const n = shape.pairs * heads;
  const a = cell(first);
  const b = cell(first + n);
  const [cos, sin, minusSin] = [0, 1, 2].map((i) =>
    cell(at.turn + i * shape.pairs * copies, copies / heads),
  );
  vector(core, 'mul', dtype, n, cell(at.turned), a, sin);
  vector(core, 'mul', dtype, n, a, a, cos);
  vector(core, 'fma', dtype, n, a, b, minusSin, a);
  vector(core, 'fma', dtype, n, b, b, cos, cell(at.turned));
}
