/**
 * A lowering is the other half of a mapping (mapping/mapping.ts), under the same name: a decode step as
 * stages with their programs, and the memory of the cores of a run that computes.
 */
import type { WaferSpec } from '../hardware/wafer.js';
import type { ModelSpec } from '../model/model.js';
import type { Weights } from '../model/model-weights.js';
import type { DeltaState } from '../model/plain/delta.js';
import type { ChosenExperts, ChosenPositions } from '../model/plain/decoder.js';
import type { Placement, Region } from '../placement/placement.js';
import type { Place } from './places.js';
import type { Groups } from './lines.js';
import type { KeptCode } from './kept-code.js';
import type { InFlight } from './in-flight.js';
import type { Step } from './region.js';
import type { Source } from './core-writer.js';
import type { StageProgram } from './stage.js';
import type { LayerRegionKind } from '../mapping/mapping.js';
import type { MappingName } from '../mapping/mappings.js';
import { gqaMemory } from './images.js';
import { planToken } from './token.js';
import { planRepeated, waferllmMemory } from './waferllm.js';

/** What a stage does with a token: a port passes it on between wafers. */
export type StageKind = LayerRegionKind | 'embedding' | 'head' | 'port';

export interface StagePlan {
  name: string;
  kind: StageKind;
  /** The layer that it is of, if any. */
  layer?: number;
  /** Indices of the stage's place and of the one that sends, in the plan's places. */
  to: number;
  from: number;
  /** Cycles that what was sent takes between two wafers before it enters this stage's program. */
  crossing: number;
  /** What is sent: the chosen token, or rows; nothing in a plan whose stages start together. */
  source?: Source;
  /** Colours of the hand-off's channels on its path. */
  colors: number[];
  /** Equal keys mean equal programs but for these colours: everything the program depends on, apart from where it lies. */
  key: string;
  write(): StageProgram;
}

/** One decode step as stages, in the order of a token's path. */
export interface StepPlan {
  /** Whether a stage starts on all its cores at once, when the one before is over, or by what it receives. */
  together: boolean;
  places: Place[];
  stages: StagePlan[];
}

/** Groups of each region's trees. */
export type GroupsOf = (region: Region) => Groups;

/** What is lowered: a model, placed, with its groups chosen. */
export interface Lowered {
  model: ModelSpec;
  wafer: WaferSpec;
  exact: boolean;
  placement: Placement;
  groupsOf: GroupsOf;
  /** Code of cores that the steps before had. */
  kept?: KeptCode;
  /** By layer: its experts in the order in which they lie in strips; by number, if not given. */
  expertOrders?: ExpertOrders | undefined;
}

export type ExpertOrders = readonly (readonly number[] | undefined)[];

/** Keys (after RoPE) and values of earlier tokens of one layer, [position][kvHeads * headDim]. */
export interface LayerCache {
  keys: ArrayLike<number>[];
  values: ArrayLike<number>[];
  /** Keys of an indexer, after RoPE; none in other layers. */
  indexKeys?: ArrayLike<number>[];
  /** What a gated delta net keeps in place of a cache; none before the first token. */
  state?: DeltaState | undefined;
}

/** The memory of a run that computes, and what the host does for it. */
export interface Memory {
  /** By place of the plan: memory of its cores, row by row; the engine changes it. */
  images: Float32Array[][];
  /** Where the head computes. */
  head: 'wafer' | 'host';
  /**
   * Before a step's first stage, and around each stage: what no program brings to the cores.
   * @param inRound a token's place in its round; `accepted` if it is not the wafer itself that has verified the last one
   */
  begin(token: number, inRound?: InFlight & { accepted?: number | undefined }): void;
  enter?(stage: number, position: number): void;
  leave?(stage: number): void;
  /**
   * Before a step of a model whose first layer joins a hidden state to its token: that state.
   * @param number which of those of the verifying model that are kept it is; none of the layer's own
   */
  bring?(hidden: ArrayLike<number>, number?: number): void;
  /** After a step: what its head multiplies, the residual stream normed. */
  hidden?(): Float64Array;
  /** After the last token of a round: the certain token of the next one, and how many drafted tokens were accepted. */
  verified?(): { token: number; accepted: number };
  /** The experts that each core of a place has of its layer's choice, if it has one. */
  chosenAt?(place: number): { layer: number; choices: () => Iterable<number[]> } | undefined;
  /**
   * After a step's last stage: its logits, and the token that was chosen by them; and the experts that each
   * layer's token went through, if it has some; and the positions that each layer's indexer chose, if it chooses some.
   */
  outcome(): {
    logits: ArrayLike<number>;
    chosen: number;
    experts?: ChosenExperts;
    positions?: ChosenPositions;
  };
}

export interface Lowering {
  /** Stages of a step; throws CapacityError if there are not enough colours for the hand-offs. */
  plan: (of: Lowered, step: Step) => StepPlan;
  /** Memory before the first token of a run whose last step has the room of `step`, by the layers' caches. */
  images: (of: Lowered, step: Step, weights: Weights, caches: LayerCache[]) => Memory;
}

/** The lowerings by name; `MAPPINGS` (mapping/mappings.ts) has their regions and buffers under the same names. */
export const LOWERINGS: Record<MappingName, Lowering> = {
  gqa: { plan: planToken, images: gqaMemory },
  waferllm: { plan: planRepeated, images: waferllmMemory },
};
