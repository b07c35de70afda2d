/**
 * The layer that guesses the token after the next (multi-token prediction) as a draft model: one decoder layer
 * between the model's embedding and head. It takes a token and a hidden state, each normed, and projects both to
 * one (`eh_proj`). https://arxiv.org/abs/2412.19437, section 2.2
 */
import { layerOf, type LayerSpec, type ModelSpec } from './model.js';

/**
 * @param assumed a layer of the shape of the model's last one, for a model that has none
 * @throws TypeError if the model has no such layer and none is assumed
 */
export function mtpModel(model: ModelSpec, assumed: boolean): ModelSpec {
  const layer = assumed ? layerOf(model, model.layers.length - 1) : model.mtp?.layer;
  if (layer === undefined)
    throw new TypeError(`${model.name} has no layer for the token after the next`);
  const { mtp: _, ...rest } = model;
  const kinds: LayerSpec[] = [{ ...layer, joins: true }];
  return { ...rest, name: `${model.name} MTP layer`, kinds, layers: [0] };
}
