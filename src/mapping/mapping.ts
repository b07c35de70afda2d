/**
 * A mapping is a value: into which regions a model is cut, what a core of each keeps, and which vectors
 * a token's program adds up over which lines of cores. It writes no programs: lowering does, under the
 * same name. Placement, the choice of groups and the closed estimate ask here.
 */
import type { FloatType } from '../numeric/types.js';
import type { WaferSpec } from '../hardware/wafer.js';
import type { Feature } from '../model/features.js';
import type { ModelSpec } from '../model/model.js';
import type { Buffer } from '../program/program.js';

/**
 * What the cores of a region hold: a layer of the model, its attention or its MLP; or a table that embeds,
 * chooses, or does both.
 */
export type Part = { name: string } & (({ layer: number } & LayerPart) | TablePart);

export interface LayerPart {
  kind: LayerRegionKind;
  /**
   * Which of the model's kinds of layers it is; of several kinds whose attention, or whose MLP, is the same,
   * the first.
   */
  layerKind: number;
  /** Of a part with attention: in how many KV groups each KV head is held; 1 if not given. */
  kvReplicas?: number;
  /** Of a part with experts: strips of columns with as many experts each; 1 if not given. */
  strips?: number;
  /** Of a part with latent attention: what its cache has; expanded if not given. */
  latent?: LatentForm;
}

/** What a cache of latent attention has: keys and values of all heads, or the vectors that these are made of. */
export type LatentForm = 'expanded' | 'latent';

/** How a part of a layer is cut, where there is more than one way. */
export type Held = Pick<LayerPart, 'kvReplicas' | 'latent' | 'strips'>;

interface TablePart {
  kind: TableKind;
}

/** What is the same for all parts that are cut alike. */
export type PartKind = LayerPart | TablePart;

export type TableKind = 'embedding' | 'head' | 'embedding+head';
/** A whole layer; or its attention, up to the norm before the MLP, and the MLP. */
export type LayerRegionKind = 'layer' | 'attention' | 'mlp';
export type RegionKind = LayerRegionKind | TableKind;

/** Regions of a layer: one for all of it, or one for its attention and one for its MLP. */
export type LayerForm = 'whole' | 'split';

/** Width of every region of layers, in cores; or one per layer; or those of attention and MLP. */
export type LayerColumns = number | readonly number[] | SplitColumns;

export interface SplitColumns {
  attention: number;
  mlp: number;
}

export function isOfLayer<T extends PartKind>(part: T): part is T & LayerPart {
  return isLayerKind(part.kind);
}

export function isLayerKind(kind: string): kind is LayerRegionKind {
  return hasAttention(kind) || hasMlp(kind);
}

/** Whether a region of this kind computes attention, and keeps a cache. */
export function hasAttention(kind: string): boolean {
  return kind === 'layer' || kind === 'attention';
}

export function hasMlp(kind: string): boolean {
  return kind === 'layer' || kind === 'mlp';
}

/** Parts with equal keys are cut alike. */
export function keyOfPart(part: PartKind): string {
  if (!isOfLayer(part)) return part.kind;
  const { kind, layerKind, latent, kvReplicas = 1, strips = 1 } = part;
  const cache = latent === undefined ? '' : ` ${latent}`;
  const held = kvReplicas === 1 ? '' : ` in ${kvReplicas}`;
  return `${kind} ${layerKind}${cache}${held}${strips === 1 ? '' : ` on ${strips} strips`}`;
}

/** A piece of a core's memory that has no address there yet. */
export type BufferShape = Omit<Buffer, 'at'>;

/** A part of a model cut over `rows` x `columns` cores, with room for `positions` tokens of each user. */
export interface Cut {
  model: ModelSpec;
  rows: number;
  columns: number;
  positions: number;
  /** 1 if not given. */
  users?: number;
  /** Tokens of a user that follow each other before it is known which are accepted; 1 if not given. */
  inFlight?: number;
  /** Of a mapping that takes `exact`. */
  exact?: boolean;
}

/** Lines of cores: a column, a whole row, or the part of a row that shares a head. */
export type Line = 'column' | 'row' | 'head';

export interface Vector {
  words: number;
  type: FloatType;
}

/** A vector of every core of a line of `cores` cores, whose sum or maximum is found over it. */
export interface Reduction extends Vector {
  line: Line;
  cores: number;
}

/** A reduction on a line; of the model's type if no other is given. */
export type On = (line: Line, words: number, type?: FloatType) => Reduction;

/** What a run asks for that a mapping may refuse. */
export interface Asked {
  model: ModelSpec;
  wafer: Pick<WaferSpec, 'defects'>;
  workload: {
    kind?: string;
    context: number;
    batch: number;
    data: boolean;
    prompt?: unknown;
    /** Whose choices experts in strips have; how many tokens are drawn, and how skewed. */
    routing?: string;
    routingDraws: number;
    routingSkew: number;
  };
  placement: { layerColumns?: LayerColumns; experts?: 'sliced' | 'strips' };
  exact: boolean;
  /** Of the whole run. */
  positions: number;
  /** What is simulated: decode steps as they are, or what serving and fleets make of them. */
  use: 'steps' | 'serving';
}

/** A key of the configuration, what would do, and what was found. */
export type Refusal = [key: string, expected: string, found: unknown];

/** A rule that results rest on, in words: its source, and how sure that is (see `explain`). */
export type Rule = [text: string, grade: 'A' | 'B' | 'C' | 'D' | 'assumed', source: string];

export interface Mapping {
  /** What layers may have beyond a plain Llama's (see model/features.ts). */
  computes: readonly Feature[];
  /**
   * What a configuration may choose with it: `exact`, a search of the shape, groups by kind of line, split layers,
   * replicas of KV heads, strips of experts, several tokens of a user at once.
   */
  takes: {
    exact: boolean;
    search: boolean;
    groupsByLine: boolean;
    split: boolean;
    replicas: boolean;
    strips: boolean;
    speculation: boolean;
  };
  /** What it cannot do of what is asked; undefined if it can do all. */
  refuse: (asked: Asked) => Refusal | undefined;
  /** The regions of a model, in the order of a token's path; whole layers where it takes no `split`. */
  regions: (model: ModelSpec, form: { layers: LayerForm; latent?: LatentForm }) => Part[];
  /** What every core of a region receives of a token. */
  received: (part: PartKind, of: Pick<Cut, 'model' | 'rows'> & Partial<Cut>) => Vector;
  /** One square of cores in place of regions of one height and several widths. */
  square: boolean;
  /** What the fullest core of a region keeps, in the order in which it lies in memory. */
  buffers: (part: PartKind, cut: Cut) => BufferShape[];
  /**
   * What a step adds up, in the order of the program, that attends to as many positions as any of a run of
   * `positions`: the last one, or where layers attend within chunks the end of the first chunk.
   */
  reductions: (part: PartKind, cut: Cut) => Reduction[];
  /**
   * One number of groups for all lines, by their length as published; other lengths take what is fastest
   * for these vectors. Without it each line has groups of its own, the fastest for its reductions.
   */
  published?: { groups: Record<number, number>; vectors: (cut: Cut) => Vector[] };
  /** The rules of a simulation that are the mapping's. */
  rules: (
    asked: Pick<Asked, 'model' | 'workload' | 'exact'> & Partial<Pick<Asked, 'placement'>>,
  ) => Rule[];
}

/** The source of a rule that is not published. */
export const OURS = "this simulator's choice";
