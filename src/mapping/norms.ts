/** Norms of a layer: which there are, what they read, and what one region of a layer hands to the other. */
import type { GqaSpec } from '../model/attention-spec.js';
import type { LayerSpec } from '../model/model.js';
import type { MlpSpec } from '../model/mlp-spec.js';
import { hasAttention, hasMlp } from './mapping.js';
import type { LayerRegionKind } from './mapping.js';
import type { GqaShape } from './shapes.js';

type Normed = Pick<LayerSpec, 'norms' | 'mlp'>;

/**
 * Norms of a layer with weights: of its input and of the MLP's, and of what both give; where a dense MLP lies next
 * to the experts, of the experts' input, and of what each of the two gives.
 */
export type NormName =
  | ('attentionNorm' | 'mlpNorm' | 'expertsNorm' | 'attentionOutNorm')
  | ('parallelOutNorm' | 'expertsOutNorm' | 'mlpOutNorm');

/** Norms that a region of a layer computes; those before the MLP come with its attention. */
export function normsIn(layer: Normed, kind: LayerRegionKind): NormName[] {
  const [before, after] = [layer.norms !== 'post', layer.norms !== 'pre'];
  const apart = hasParallel(layer);
  return [
    ...only(hasAttention(kind) && before, 'attentionNorm', 'mlpNorm'),
    ...only(hasAttention(kind) && apart, 'expertsNorm'),
    ...only(hasAttention(kind) && after, 'attentionOutNorm'),
    ...only(hasMlp(kind) && apart, 'parallelOutNorm', 'expertsOutNorm'),
    ...only(hasMlp(kind) && after, 'mlpOutNorm'),
  ];
}

function only<const T>(when: boolean, ...items: T[]): T[] {
  return when ? items : [];
}

/** Is there a dense MLP next to the experts? */
export function hasParallel({ mlp }: Pick<LayerSpec, 'mlp'>): boolean {
  return mlp.kind === 'experts' && mlp.parallel !== undefined;
}

/**
 * Vectors whose squares a region adds up, in a cell each: the residual stream after attention once for all that
 * is made of it; those of a dense MLP and of the experts next to it lie side by side.
 */
export type Squared = 'input' | 'attentionOut' | 'stream' | 'parallelOut' | 'expertsOut' | 'mlpOut';

export function squaresIn(layer: Normed, kind: LayerRegionKind): Squared[] {
  const norms = normsIn(layer, kind);
  const of = (name: NormName, squared: Squared) => only(norms.includes(name), squared);
  return [
    ...of('attentionNorm', 'input'),
    ...of('attentionOutNorm', 'attentionOut'),
    ...only(hasAttention(kind) && normsStream(layer), 'stream'),
    ...of('parallelOutNorm', 'parallelOut'),
    ...of('expertsOutNorm', 'expertsOut'),
    ...of('mlpOutNorm', 'mlpOut'),
  ];
}

/** Is the residual stream normed before the MLP, for one of those who read it? */
export function normsStream({ norms, mlp }: Normed): boolean {
  return norms !== 'post' || (mlp.kind === 'experts' && (mlp.router.ownNorm || !!mlp.parallel));
}

/**
 * First of the cells of `choice`: the residual stream's lie before it, what a norm made of them, and what one of
 * the experts' own did.
 */
function choiceAt(layer: Normed, dims: number): number {
  return dims * (1 + (layer.norms === 'post' ? 0 : 1) + (hasParallel(layer) ? 1 : 0));
}

/**
 * Words that the attention of a layer hands over to its MLP, whose rows have `dims` elements of the
 * residual stream each: these, what the norms before it make of them, and the choice of experts.
 */
export function handedOver(layer: Normed, dims: number): number {
  return choiceAt(layer, dims) + choiceLength(layer.mlp);
}

/** Numbers of the chosen experts, then their weights. */
export function choiceLength(mlp: MlpSpec): number {
  return mlp.kind === 'experts' ? 2 * mlp.topK : 0;
}

/** Are all query heads normalised as one vector, and all key heads? */
export function normsWhole({ attention }: Pick<LayerSpec, 'attention'>): boolean {
  return attention.kind === 'gqa' && attention.qkNorm === 'whole';
}

/** Query and key heads, and value heads, of a column that are normalised by themselves. */
export function normedHeads(
  attention: GqaSpec,
  { queryHeads, headsPerColumn }: Pick<GqaShape, 'queryHeads' | 'headsPerColumn'>,
): { heads: number; values: number } {
  return {
    heads: normsHeads(attention) ? queryHeads + headsPerColumn : 0,
    values: attention.vNorm ? headsPerColumn : 0,
  };
}

/** Is each query and key head normalised by itself, before RoPE or after it? */
export function normsHeads({ qkNorm }: GqaSpec): boolean {
  return qkNorm === 'head' || qkNorm === 'head-after-rope';
}
