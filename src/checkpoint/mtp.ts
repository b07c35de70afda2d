/**
 * The weights of a layer for the token after the next (multi-token prediction) out of a checkpoint, as a model of one
 * layer: as DeepSeek-V3 and GLM-4.5 name them, after the model's last layer, or as Qwen3-Next does, in `mtp.`.
 * Embedding and head are the model's own.
 * https://huggingface.co/deepseek-ai/DeepSeek-V3/blob/main/README_WEIGHTS.md
 */
import type { Weights } from '../model/model-weights.js';
import type { ModelSpec } from '../model/model.js';
import { mtpModel } from '../model/mtp.js';
import type { Checkpoint } from './checkpoint.js';
import { namesOf } from './names.js';
import { createTensors } from './tensors.js';
import { headName, layerWeights } from './weights.js';

interface MtpNames {
  /** Before the names of the decoder layer. */
  layer: string;
  tokenNorm: string;
  hiddenNorm: string;
  project: string;
  finalNorm: string;
}

/**
 * @param model whose layer it is
 * @param block as of `readWeights`
 * @throws ModelError that names the first tensor that is missing or of another shape
 */
export function readMtpWeights(
  checkpoint: Checkpoint,
  model: ModelSpec,
  block?: [number, number],
): Weights {
  const tensors = createTensors(checkpoint, block);
  const { prefix } = tensors;
  const { vocab, dim, tied, layers, family } = model;
  const own = `${prefix}layers.${layers.length}.`;
  const names = tensors.has('mtp.fc.weight') ? QWEN : deepseekNames(own);
  const norm = (name: string) => tensors.vector(`${name}.weight`, dim);
  const embedding = tensors.matrix(`${prefix}embed_tokens.weight`, vocab, dim);
  const layer = layerWeights(tensors, names.layer, mtpModel(model, false), 0, namesOf(family));
  const join = {
    tokenNorm: norm(names.tokenNorm),
    hiddenNorm: norm(names.hiddenNorm),
    project: tensors.matrix(`${names.project}.weight`, dim, 2 * dim),
  };
  return {
    embedding,
    layers: [{ ...layer, join }],
    finalNorm: norm(names.finalNorm),
    head: tied ? embedding : tensors.matrix(headName(tensors), vocab, dim),
  };
}

const QWEN: MtpNames = {
  layer: 'mtp.layers.0.',
  tokenNorm: 'mtp.pre_fc_norm_embedding',
  hiddenNorm: 'mtp.pre_fc_norm_hidden',
  project: 'mtp.fc',
  finalNorm: 'mtp.norm',
};

function deepseekNames(layer: string): MtpNames {
  return {
    layer,
    tokenNorm: `${layer}enorm`,
    hiddenNorm: `${layer}hnorm`,
    project: `${layer}eh_proj`,
    finalNorm: `${layer}shared_head.norm`,
  };
}
