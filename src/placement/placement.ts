import type { Part } from '../mapping/mapping.js';
import type { MappingName } from '../mapping/mappings.js';

/** Where a part of a model lies. */
export type Region = Part & {
  wafer: number;
  x: number;
  y: number;
  width: number;
  height: number;
  sramBytesPerCore: number;
};

export interface Placement {
  strategy: string;
  /** In the order of a token's way; a tied table is the first region and is visited again at the end. */
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

/** What a run asks of the placement beside the model. */
export interface PlacementRequest {
  strategy: string;
  growth: 'fill' | 'minimal' | 'search';
  mapping: MappingName;
  /** Longest context that the caches must hold: tokens before the first step + steps. */
  maxPositions: number;
  batch: number;
}
