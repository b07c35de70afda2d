/** What placement is asked for and answers: a request, the regions and their sizes, or a refusal. */
import type { Part, PartKind, TableKind } from '../mapping/mapping.js';
import { MAPPINGS, type MappingName } from '../mapping/mappings.js';
import type { ModelSpec } from '../model/model.js';

/** A part of a model, and where it lies. */
export type Region = Part & Located;

export interface Located {
  wafer: number;
  x: number;
  y: number;
  width: number;
  height: number;
  sramBytesPerCore: number;
}

export interface Placement {
  strategy: string;
  /** In the order of a token's path; a tied table is the first region and is visited again at the end. */
  regions: Region[];
  wafers: number;
  /**
   * Estimated cycles of all hand-offs (hand-off-cost.ts), which the strategy weighed; and, after an
   * exact search, the least that any layout may cost. Nothing that was simulated.
   */
  estimate?: { handOffCycles: number; bound?: number };
  /** On wafers with dead cores: how many, and the hops of the longest link that leads past some. */
  defects?: {
    repair: 'spares' | 'avoid';
    deadCores: number;
    longestLinkHops: number;
  };
}

/** What a run asks of the placement of its model. */
export interface PlacementRequest {
  strategy: string;
  growth: 'fill' | 'minimal' | 'search';
  mapping: MappingName;
  /** Longest context that the caches must hold: tokens before the first step + steps. */
  maxPositions: number;
  batch: number;
}

/** The model does not fit; the one-line message says what was asked, what there is and what would fit. */
export class CapacityError extends Error {
  override readonly name = 'CapacityError';
}

/** A placement request with sizes that the user has fixed; what is not given is chosen. */
export interface SizedRequest extends PlacementRequest {
  /** Height of every region, in cores. */
  rows?: number | undefined;
  /** Width of every layer's region, in cores; or one per layer. */
  layerColumns?: number | readonly number[] | undefined;
}

/** Height of all regions and width of each kind, in cores. */
export interface Sizes {
  rows: number;
  /** Of the tables. */
  columns: Partial<Record<TableKind, number>>;
  /** Of the model's kinds of layers. */
  kinds: readonly number[];
  /** Of each layer, if they were asked for one by one. */
  layers?: readonly number[];
}

/** Widths of the parts' regions, in cores. */
export function widthsOf(parts: Part[], { columns, kinds, layers }: Sizes): number[] {
  return parts.map((of) =>
    of.kind === 'layer' ? (layers?.[of.layer] ?? kinds[of.layerKind]) : columns[of.kind]!,
  );
}

/** What has to be placed: the parts of a model in the order of a token's path. */
export function partsOf(model: ModelSpec, { mapping }: Pick<SizedRequest, 'mapping'>): Part[] {
  return MAPPINGS[mapping].regions(model);
}

/** Kinds of regions that there are. */
export function partKindsOf(parts: Part[]): PartKind[] {
  const all = parts.map((of): [string, PartKind] => {
    return of.kind === 'layer' ? [`layer ${of.layerKind}`, of] : [of.kind, of];
  });
  return [...new Map(all.reverse()).values()].reverse();
}
