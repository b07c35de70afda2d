/** What the code of a layer's core depends on in addition to the model: the core's places, and its row's cache. */
import type { CostTable } from '../hardware/wafer.js';
import type { GqaSpec } from '../model/attention-spec.js';
import type { DenseSpec } from '../model/mlp-spec.js';
import type { LayerSpec, ModelSpec } from '../model/model.js';
import type { LayerShape } from '../mapping/shapes.js';
import type { LinePlace } from '../kernels/collectives.js';
import type { CoreCode } from '../program/builder.js';

export interface LayerCore {
  model: ModelSpec;
  /** What operations cost, where there is more than one way to write something. */
  costs: CostTable;
  spec: LayerSpec;
  attention: GqaSpec;
  mlp: DenseSpec;
  shape: LayerShape;
  /** The core's place on the column, which is reduced along y. */
  column: LinePlace;
  /** The core's place on the whole row. */
  row: LinePlace;
  /** The core's place on the part of the row that shares a KV head; undefined for cores without attention. */
  group: LinePlace | undefined;
  /** Positions in this row's cache that the new token attends to, its own included. */
  positions: number;
  /** What queries are multiplied by at the token's position; 1 in most layers. */
  temperature: number;
  /** Where the new token's key and value go in this row's cache, or -1 if another row keeps them. */
  appendAt: number;
}

/** Operators of a layer in the order of the program; breakdowns are by these. */
export const LAYER_LABELS = [
  'position',
  'hand-off',
  'attention norm',
  'qkv',
  'qk norm',
  'rope',
  'kv append',
  'scores',
  'score cap',
  'softmax',
  'values',
  'attention out',
  'attention out norm',
  'mlp norm',
  'gate up',
  'silu',
  'gelu',
  'down',
  'mlp out norm',
] as const;

export type LayerLabel = (typeof LAYER_LABELS)[number];

export function layerLabel(label: LayerLabel): number {
  return LAYER_LABELS.indexOf(label);
}

/** Where the slice lies that attention and the MLP multiply: the stream's own where no norm comes before. */
export function inputAt({ at }: CoreCode, { spec }: LayerCore): number {
  return spec.norms === 'post' ? at.x : at.normed;
}

/** First cell of the cache of the KV head that serves a query head. */
export function cacheOf(shape: LayerShape, cache: number, queryHead: number): number {
  const kvHead = Math.floor(queryHead / (shape.queryHeads / shape.headsPerColumn));
  return cache + kvHead * 2 * shape.pairs * shape.slots;
}
