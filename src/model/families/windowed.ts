/** The layers of a family that has windows, each kind of layer with a rotary embedding of its own. */
import type { GqaSpec, Rope } from '../attention-spec.js';
import type { LayerSpec } from '../model.js';
import type { Decoder } from './common.js';
import { maxContextOf } from './rope.js';
import { windowsOf, type WindowFields } from './spans.js';

/**
 * @param types the kind of each layer
 * @param ropes of each kind
 * @param of makes a layer of its positions and its rotary embedding
 */
export function windowedLayers(
  c: WindowFields & { max_position_embeddings: number },
  types: readonly string[],
  ropes: ReadonlyMap<string, Rope>,
  of: (own: Pick<GqaSpec, 'span'> & { rope: Rope }, layer: number) => LayerSpec,
): Pick<Decoder, 'maxContext' | 'layers'> {
  const maxContext = maxContextOf(c.max_position_embeddings, ropes.values());
  const layers = windowsOf(types, c, maxContext).map((span, layer) =>
    of({ span, rope: ropes.get(types[layer])! }, layer),
  );
  return { maxContext, layers };
}
