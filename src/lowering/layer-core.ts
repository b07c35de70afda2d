/** What the code of a layer's core depends on in addition to the model: the core's places, and its row's cache. */
import type { CostTable } from '../hardware/wafer.js';
import type { DeltaSpec, GqaSpec, LatentSpec } from '../model/attention-spec.js';
import type { DenseSpec, ExpertsSpec } from '../model/mlp-spec.js';
import type { LayerSpec, ModelSpec } from '../model/model.js';
import type { LayerMatrices } from '../mapping/matrices.js';
import type { DeltaShape } from '../mapping/delta.js';
import type { ExpertsShape } from '../mapping/experts.js';
import type { LatentShape } from '../mapping/latent.js';
import type { LayerRegionKind } from '../mapping/mapping.js';
import { hasParallel, squaresIn, type Squared } from '../mapping/norms.js';
import type { GqaShape } from '../mapping/shapes.js';
import type { GatherStation } from '../kernels/line-gather.js';
import type { LinePlace } from '../kernels/collectives.js';
import { appendOnce, type CoreCode, type Written } from '../program/builder.js';
import type { InFlight } from './in-flight.js';

export type LayerCore = AttendingCore | DeltaCore;

/** Of a layer that attends to positions. */
export type AttendingCore = GqaCore | LatentCore;

interface CommonCore {
  model: ModelSpec;
  /** What operations cost, where there is more than one way to write something. */
  costs: CostTable;
  /** What of the layer the core's region computes. */
  part: LayerRegionKind;
  spec: LayerSpec;
  mlp: DenseSpec | ExpertsCore;
  matrices: LayerMatrices;
  /** The core's place on the column, which is reduced along y. */
  column: LinePlace;
  /** The core's place on the whole row. */
  row: LinePlace;
  /** The core's place on the part of the row that shares a head of keys; undefined for cores without attention. */
  group: LinePlace | undefined;
  /** The token's place in its round, if it has several. */
  inFlight?: InFlight | undefined;
  /**
   * What was written of cores whose code differs only in what their columns hold, and in what their rows do: parts that
   * hang on the row alone (the place on the column, the row's cache), or on the column alone (the places on the row
   * and on the head's part of it).
   */
  written: { ofRow: Written; ofColumn: Written };
}

/** What the code depends on of its row's cache. */
export interface CacheOfRow {
  /** Positions in this row's cache that the new token attends to, its own included. */
  positions: number;
  /** What queries are multiplied by at the token's position; 1 in most layers. */
  temperature: number;
  /** Where the new token's key and value go in this row's cache, or -1 if another row keeps them. */
  appendAt: number;
  /** Positions of all rows that the new token does not attend to; none if not given. */
  leftOut?: number;
  /** Slots of this row, among those of `positions`, that keep none that the token attends to. */
  masked?: readonly { from: number; length: number }[];
}

interface CacheCore extends CommonCore, CacheOfRow {}

/** Of a layer with grouped queries. */
export interface GqaCore extends CacheCore {
  mixer: 'gqa';
  attention: GqaSpec;
  shape: GqaShape;
}

/** Of a layer with latent attention. */
export interface LatentCore extends CacheCore {
  mixer: 'latent';
  attention: LatentSpec;
  shape: LatentShape;
}

/** Of a layer with a gated delta net, whose code is the same at every position. */
export interface DeltaCore extends CommonCore {
  mixer: 'delta';
  attention: DeltaSpec;
  shape: DeltaShape;
}

/** What the code depends on in layers with experts. */
export interface ExpertsCore {
  kind: 'experts';
  spec: ExpertsSpec;
  shape: ExpertsShape;
  /** The core's place in the gather of scores along its row; undefined for columns without a router. */
  gather: GatherStation | undefined;
  rowIndex: number;
  /** Numbers of the experts whose places among all the core finds. */
  ranked: readonly number[];
  /** Which of the chosen experts, the best first, the core's column computes. */
  slots: readonly number[];
}

/** Appends a part that hangs on the row alone; the same operations where it was written for another column. */
export function onceForRow(
  core: CoreCode,
  layer: LayerCore,
  part: string,
  write: () => void,
): void {
  appendOnce(core, layer.written.ofRow, part, write);
}

/** Appends a part that hangs on the column alone; the same operations where it was written for another row. */
export function onceForColumn(
  core: CoreCode,
  layer: LayerCore,
  part: string,
  write: () => void,
): void {
  appendOnce(core, layer.written.ofColumn, part, write);
}

/** Operators of a layer in the order of the program; breakdowns are by these. */
export const LAYER_LABELS = [
  'position',
  'hand-off',
  'rollback',
  'join',
  'attention norm',
  'qkv',
  'latent down',
  'latent norm',
  'latent up',
  'absorb',
  'indexer',
  'selection',
  'qk norm',
  'rope',
  'kv append',
  'scores',
  'score cap',
  'softmax',
  'values',
  'values up',
  'output gate',
  'delta qkv',
  'conv',
  'decay',
  'state',
  'gated norm',
  'attention out',
  'attention out norm',
  'mlp norm',
  'router',
  'experts choice',
  'gate up',
  'experts gate up',
  'silu',
  'gelu',
  'down',
  'experts down',
  'mlp out norm',
  'layer scale',
] as const;

export type LayerLabel = (typeof LAYER_LABELS)[number];

export function layerLabel(label: LayerLabel): number {
  return LAYER_LABELS.indexOf(label);
}

/** Where the squares of a vector are added up: each of a region has a cell of its own. */
export function squareAt({ at }: CoreCode, { spec, part }: LayerCore, of: Squared): number {
  return at.square + squaresIn(spec, part).indexOf(of);
}

/** Where the slice lies that attention and the MLP multiply: the stream's own where no norm comes before. */
export function inputAt({ at }: CoreCode, { spec }: LayerCore): number {
  return spec.norms === 'post' ? at.x : at.normed;
}

/** Where the slice lies that the routed experts multiply. */
export function expertsInputAt(core: CoreCode, layer: LayerCore): number {
  return hasParallel(layer.spec) ? core.at.expertsInput : inputAt(core, layer);
}

/** The KV head of a column that serves one of its query heads. */
export function kvHeadOf(
  shape: Pick<GqaShape, 'queryHeads' | 'headsPerColumn'>,
  queryHead: number,
): number {
  return Math.floor(queryHead / (shape.queryHeads / shape.headsPerColumn));
}
