/** A model's weights out of a checkpoint: every tensor is either one of the model's, or known to be none. */
import { ModelError, show } from '../model/errors.js';
import type { LayerWeights, Weights } from '../model/model-weights.js';
import { layerOf, type ModelSpec } from '../model/model.js';
import { attentionOf } from './attention.js';
import type { Checkpoint } from './checkpoint.js';
import { mlpOf } from './mlp.js';
import { namesOf, type Names } from './names.js';
import { createTensors, type Tensors } from './tensors.js';

/** Tensors that are read, and how many of the others are of what kind. */
export interface ReadWeights {
  weights: Weights;
  skipped: Partial<Record<Skipped, number>>;
}

/** What is no part of the text's decoder. */
export type Skipped = 'rotary tables' | 'vision and audio' | 'draft layers' | 'tied head';

/**
 * The numbers of a model, exactly as they are stored.
 * @param block rows and columns of a block of FP8 numbers, as `quantization_config.weight_block_size`
 * @throws ModelError that names the first tensor that is missing, of another shape, or unknown
 */
export function readWeights(
  checkpoint: Checkpoint,
  model: ModelSpec,
  block?: [number, number],
): ReadWeights {
  const tensors = createTensors(checkpoint, block);
  const { prefix } = tensors;
  const names = namesOf(model.family);
  const { vocab, dim, tied } = model;
  const embedding = tensors.matrix(`${prefix}embed_tokens.weight`, vocab, dim);
  const layers = model.layers.map((_, layer) =>
    layerWeights(tensors, `${prefix}layers.${layer}.`, model, layer, names),
  );
  const finalNorm = tensors.vector(`${prefix}norm.weight`, dim);
  const head = tied ? embedding : tensors.matrix(headName(tensors), vocab, dim);
  const skipped = skippedOf(tensors, model, checkpoint.files[0]);
  return { weights: { embedding, layers, finalNorm, head }, skipped };
}

/** Heads are outside of the model that the prefix is of. */
const HEADS = ['lm_head.weight', 'language_model.lm_head.weight'];

/** Of the head, which is not tied. */
export function headName(tensors: Tensors): string {
  return HEADS.find((name) => tensors.has(name)) ?? HEADS[0];
}

/** A layer's, whose names begin with `own`. */
export function layerWeights(
  tensors: Tensors,
  own: string,
  model: ModelSpec,
  layer: number,
  names: Names,
): LayerWeights {
  const { dim } = model;
  const { attention, mlp, norms, scaled } = layerOf(model, layer);
  const norm = (name = '') => tensors.vector(`${own}${name}.weight`, dim);
  return {
    ...(norms !== 'post' && { attentionNorm: norm(names.norms.attention) }),
    attention: attentionOf(tensors, own, attention, names, dim),
    ...(norms !== 'pre' && { attentionOutNorm: norm(names.norms.attentionOut) }),
    ...(norms !== 'post' && { mlpNorm: norm(names.norms.mlp) }),
    mlp: mlpOf(tensors, own, mlp, names, dim),
    ...(norms !== 'pre' && { mlpOutNorm: norm(names.norms.mlpOut) }),
    ...(scaled && { scalar: tensors.vector(`${own}layer_scalar`, 1)[0] }),
  };
}

const TOWERS =
  /^(model\.)?(vision_tower|vision_model|visual|audio_tower|audio_model|embed_vision|embed_audio|multi_modal_projector)\./;

/** Of the tensors that were not asked for, how many are known not to be needed. */
function skippedOf(tensors: Tensors, model: ModelSpec, file: string): ReadWeights['skipped'] {
  const skipped: ReadWeights['skipped'] = {};
  const unknown: string[] = [];
  for (const name of tensors.unused()) {
    const kind = kindOf(name, tensors, model);
    if (kind === undefined) unknown.push(name);
    else skipped[kind] = (skipped[kind] ?? 0) + 1;
  }
  if (unknown.length === 0) return skipped;
  const more = unknown.length > 1 ? `, and ${unknown.length - 1} more` : '';
  throw new ModelError(
    `${file}: expected the tensors of a ${model.family} of ${model.layers.length} layers, ` +
      `found also ${show(unknown[0])}${more}`,
  );
}

function kindOf(name: string, tensors: Tensors, model: ModelSpec): Skipped | undefined {
  if (name.endsWith('rotary_emb.inv_freq')) return 'rotary tables';
  if (TOWERS.test(name)) return 'vision and audio';
  if (/^(model\.)?mtp\./.test(name)) return 'draft layers';
  if (model.tied && HEADS.includes(name)) return 'tied head';
  const first = `${tensors.prefix}layers.`;
  const [layer] = name.slice(first.length).split('.');
  if (!name.startsWith(first) || !/^\d+$/.test(layer)) return undefined;
  // What joins the hidden state and the next token's embedding tells a draft layer from one too many.
  const joins = tensors.has(`${first}${layer}.eh_proj.weight`);
  return joins && Number(layer) >= model.layers.length ? 'draft layers' : undefined;
}
