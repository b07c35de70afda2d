/** What has to be placed: the regions of a model in the order of a token's way, and what a run asks. */
import type { ModelSpec } from '../model/model.js';
import type { Part, PlacementRequest } from './placement.js';

export type RegionKind = Part['kind'];
export type TableKind = Exclude<RegionKind, 'layer'>;

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

/** A tied table is one region, visited first and last; otherwise embedding and head have one each. */
export function partsOf(model: ModelSpec): Part[] {
  const table = (kind: TableKind): Part => ({ name: kind, kind });
  const layers = Array.from({ length: model.layers }, (_, layer): Part => {
    return { name: `layer ${layer}`, kind: 'layer', layer };
  });
  return model.tied
    ? [table('embedding+head'), ...layers]
    : [table('embedding'), ...layers, table('head')];
}

/** Kinds of regions that a model has. */
export function kindsOf(model: ModelSpec): RegionKind[] {
  return model.tied ? ['layer', 'embedding+head'] : ['layer', 'embedding', 'head'];
}
