/** What placement is asked for and answers: a request, the regions and their sizes, or a refusal. */
import { isOfLayer, keyOfPart } from '../mapping/mapping.js';
import type { LatentForm, LayerColumns, LayerForm, Part, PartKind } from '../mapping/mapping.js';
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
  /** Whether a layer is one region or two. */
  layers: LayerForm;
  /** What the caches of latent attention have, if there is some. */
  latent?: LatentForm | undefined;
  /** In the order of a token's path; a tied table is the first region and is visited again at the end. */
  regions: Region[];
  /** In use, those of a draft included. */
  wafers: number;
  /** With speculation by a model or a layer that drafts. */
  draft?: DraftPlacement;
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

/** Where the model lies that drafts tokens for another one. */
export interface DraftPlacement {
  model: ModelSpec;
  /** On the wafers of the other one, in the rows below it; or on its own, which are counted after those. */
  shared: boolean;
  placement: Placement;
}

/** What a run asks of the placement of its model. */
export interface PlacementRequest {
  strategy: string;
  growth: 'fill' | 'minimal' | 'search';
  mapping: MappingName;
  /** Longest context that the caches must hold: tokens before the first step + steps. */
  maxPositions: number;
  batch: number;
  /** Tokens of a user that follow each other before it is known which are accepted; 1 if not given. */
  inFlight?: number | undefined;
}

/** The model does not fit; the one-line message says what was asked, what there is and what would fit. */
export class CapacityError extends Error {
  override readonly name = 'CapacityError';
}

/** A placement request with sizes that the user has fixed; what is not given is chosen. */
export interface SizedRequest extends PlacementRequest {
  /** Height of every region, in cores. */
  rows?: number | undefined;
  /** Regions of a layer, or whichever takes the fewest wafers and then cycles; whole if not given. */
  layers?: LayerForm | 'auto' | undefined;
  layerColumns?: LayerColumns | undefined;
  /** What the cache of latent attention has, or what fits on fewer wafers, expanded if equal; expanded if not given. */
  latent?: LatentForm | 'auto' | undefined;
  /** KV groups for each KV head, or as many as are estimated to be fastest; 1 if not given. */
  kvReplicas?: number | 'auto' | undefined;
  /** Strips of columns with as many experts each, or as many as are estimated to be fastest; 1 if not given. */
  strips?: number | 'auto' | undefined;
  /** Groups of the all-reduces within a KV group, if they are given: it has no fewer columns where it has replicas. */
  headGroups?: number | undefined;
}

/** A request of one form. */
export type Formed = Omit<SizedRequest, 'layers' | 'latent'> & Form;

/** Regions of a layer, and what the cache of latent attention has. */
export interface Form {
  layers: LayerForm;
  latent?: LatentForm | undefined;
}

/** The request in every form that it leaves open; sizes asked for are those of one form of layers. */
export function formsOf(request: SizedRequest): Formed[] {
  const { layers = 'whole', layerColumns: asked, mapping, latent } = request;
  const open = (): LayerForm[] => {
    if (!MAPPINGS[mapping].takes.split) return ['whole'];
    if (asked === undefined) return ['whole', 'split'];
    return [typeof asked === 'number' || isPerLayer(asked) ? 'whole' : 'split'];
  };
  const forms = layers === 'auto' ? open() : [layers];
  const caches = latent === 'auto' ? (['expanded', 'latent'] as const) : [latent];
  return caches.flatMap((cache) =>
    forms.map((form) => ({ ...request, layers: form, latent: cache })),
  );
}

export function isPerLayer(columns: LayerColumns | undefined): columns is readonly number[] {
  return Array.isArray(columns);
}

/** Height of all regions and width of each kind, in cores. */
export interface Sizes {
  rows: number;
  /** Of each kind of parts, by `keyOfPart`. */
  columns: Readonly<Record<string, number>>;
  /** Of each layer, if they were asked for one by one. */
  layers?: readonly number[];
}

/** Widths of the parts' regions, in cores. */
export function widthsOf(parts: readonly Part[], sizes: Sizes): number[] {
  return widthsFor(parts)(sizes);
}

/** The same of many sizes. */
export function widthsFor(parts: readonly Part[]): (sizes: Sizes) => number[] {
  const keys = parts.map(keyOfPart);
  const numbers = parts.map((of) => (isOfLayer(of) ? of.layer : -1));
  return ({ columns, layers }) => {
    const widths = keys.map((key) => columns[key]);
    if (layers !== undefined)
      for (const [i, layer] of numbers.entries()) widths[i] = layers[layer] ?? widths[i];
    return widths;
  };
}

/** What has to be placed: the parts of a model in the order of a token's path; whole layers if not given. */
export function partsOf(
  model: ModelSpec,
  { mapping, layers = 'whole', latent }: Pick<SizedRequest, 'mapping'> & Partial<Form>,
): Part[] {
  return MAPPINGS[mapping].regions(model, { layers, ...(latent && { latent }) });
}

/** Kinds of regions that there are. */
export function partKindsOf(parts: Part[]): PartKind[] {
  const all = parts.map((of): [string, PartKind] => [keyOfPart(of), of]);
  return [...new Map(all.reverse()).values()].reverse();
}
