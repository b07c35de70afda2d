/** What has to be placed: the regions of a model in the order of a token's way, and what a run asks. */
import type { Part, RegionKind } from '../mapping/mapping.js';
import { MAPPINGS } from '../mapping/mappings.js';
import type { ModelSpec } from '../model/model.js';
import type { PlacementRequest } from './placement.js';

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
  columns: Partial<Record<RegionKind, number>>;
  /** Width of each layer, if they differ; `columns.layer` is then the least. */
  layers?: readonly number[];
}

/** Widths of the regions, in cores. */
export function widthsOf(parts: Part[], { columns, layers }: Sizes): number[] {
  return parts.map((of) => (of.kind === 'layer' && layers?.[of.layer]) || columns[of.kind]!);
}

export function partsOf(model: ModelSpec, { mapping }: Pick<SizedRequest, 'mapping'>): Part[] {
  return MAPPINGS[mapping].regions(model);
}

/** Kinds of regions that there are. */
export function kindsOf(parts: Part[]): RegionKind[] {
  return [...new Set(parts.map(({ kind }) => kind))];
}
