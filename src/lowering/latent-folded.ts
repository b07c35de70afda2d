/**
 * What the latent form of latent attention does instead of making keys and values: a head's key matrix multiplies
 * its query, and its value matrix what was attended to. A row has a part of one head of each group, or several
 * heads, by numbers that are data; on a row without heads all parts are zeros.
 */
import { allReduce, type LinePlace } from '../kernels/collectives.js';
import type { Window } from '../mapping/latent-buffers.js';
import { queryDims } from '../mapping/latent.js';
import { cell, chosen, fill, vector, type CoreCode } from '../program/builder.js';
import type { Select } from '../program/program.js';
import { windowAt } from './latent-window.js';
import { layerLabel, type LatentCore } from './layer-core.js';
import { product, startProduct } from './product.js';

/** What a core can do before its token arrives. */
export function prepareFolded(core: CoreCode, { shape: s, matrices, model }: LatentCore): void {
  const { at } = core;
  const { queries, absorb, values } = matrices.latent!;
  startProduct(core, queries, { out: s.queryLatents > 0 ? at.queryRow : at.ownQueries });
  for (const [i, slice] of absorb.entries())
    startProduct(core, slice, { out: at.absorbed + i * s.still });
  for (const [i, slice] of values.entries())
    startProduct(core, slice, { out: at.valueRow + i * s.rowValues });
  // Rows have parts of a few heads, and nothing of the others.
  fill(core, model.dtype, at.queries, queryDims(s), 0);
  fill(core, model.dtype, at.attendedValues, s.queryHeads * s.values, 0);
}

/** From the queries' latent vector, or the column's part of them, to what is compared with the cache. */
export function foldQueries(core: CoreCode, layer: LatentCore, group: LinePlace): void {
  const { shape: s, matrices, model, column } = layer;
  const { dtype } = model;
  const { at } = core;
  const { queries, absorb } = matrices.latent!;
  const each = s.rowQueries + s.rowRotary;
  core.label = layerLabel('latent up');
  if (s.queryLatents > 0) product(core, layer, queries, { x: at.latents, out: at.queryRow });
  else for (let i = 0; i < s.headsPerRow; i++) takeOwn(core, layer, i, at.queryRow + i * each);
  allReduce(core, group, 'add', dtype, at.queryRow, s.headsPerRow * each);
  core.label = layerLabel('absorb');
  for (const [i, slice] of absorb.entries()) {
    const head = headAt(core, layer, i, 1);
    const [query, absorbed] = [at.queryRow + i * each, at.absorbed + i * s.still];
    product(core, layer, slice, { x: query, out: absorbed });
    const still = chosen(at.queries + s.turning * s.queryHeads, head, s.queryHeads);
    vector(core, 'move', dtype, s.still, still, cell(absorbed));
    const rotary = cell(query + s.rowQueries);
    vector(core, 'move', dtype, s.rowRotary, cell(at.rotaryStretch + s.turning), rotary);
    const window = windowAt(core, layer, 'rotary', i, s.rowRotary + s.turning);
    const turning = chosen(at.queries, head, s.queryHeads);
    vector(core, 'move', dtype, s.turning, turning, chosen(at.rotaryStretch, window));
  }
  allReduce(core, column, 'add', dtype, at.queries, queryDims(s));
}

/** Of the query of one of the row's heads what the column has of it, where the row has it. */
function takeOwn(core: CoreCode, layer: LatentCore, i: number, to: number): void {
  const { shape: s, model } = layer;
  const { dtype } = model;
  const { at } = core;
  const head = headAt(core, layer, i, s.turning + s.ownStill);
  const take = (
    name: Window,
    from: number,
    stretch: number,
    has: number,
    row: number,
    to: number,
  ) => {
    vector(core, 'move', dtype, has, cell(stretch + row), chosen(from, head));
    const window = windowAt(core, layer, name, i, has + row);
    vector(core, 'move', dtype, row, cell(to), chosen(stretch, window));
  };
  const { ownQueries, ownStretch, ownRotaryStretch } = at;
  take('ownQueries', ownQueries + s.turning, ownStretch, s.ownStill, s.rowQueries, to);
  take('rotaryRow', ownQueries, ownRotaryStretch, s.turning, s.rowRotary, to + s.rowQueries);
}

/** From the latent vectors that heads attended to, to these heads' values on columns. */
export function raiseValues(core: CoreCode, layer: LatentCore, group: LinePlace): void {
  const { shape: s, matrices, model, column } = layer;
  const { dtype } = model;
  const { at } = core;
  core.label = layerLabel('values up');
  for (const [i, slice] of matrices.latent!.values.entries()) {
    const own = chosen(at.attended, headAt(core, layer, i, s.still));
    vector(core, 'move', dtype, s.still, cell(at.headLatents), own);
    product(core, layer, slice, { x: at.headLatents, out: at.valueRow + i * s.rowValues });
  }
  allReduce(core, group, 'add', dtype, at.valueRow, s.headsPerRow * s.rowValues);
  for (let i = 0; i < s.headsPerRow; i++) {
    const row = cell(at.valueRow + i * s.rowValues);
    vector(core, 'move', dtype, s.rowValues, cell(at.valueStretch + s.values), row);
    const window = windowAt(core, layer, 'values', i, s.rowValues + s.values);
    const to = chosen(at.attendedValues, headAt(core, layer, i, s.values));
    vector(core, 'move', dtype, s.values, to, chosen(at.valueStretch, window));
  }
  allReduce(core, column, 'add', dtype, at.attendedValues, s.queryHeads * s.values);
}

/** Which of the column's heads one of the row's is, of which each takes `step` cells. */
function headAt({ at }: CoreCode, { shape }: LatentCore, i: number, step: number): Select {
  return { cell: at.rowHeads + i, step, count: shape.queryHeads };
}
