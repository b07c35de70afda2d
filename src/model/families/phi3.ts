/**
 * phi3: Phi-3, Phi-3.5-mini, Phi-4. Hugging Face transformers,
 * src/transformers/models/phi3/configuration_phi3.py.
 */
import { z } from 'zod';
import { parse } from '../fields.js';
import { actOf, decoderFields, denseSpec, gqaSpec, headsOf, layerSpec, sizesOf } from './common.js';
import type { Family } from './common.js';
import { ropesOf } from './rope.js';
import { slidingIfGiven } from './spans.js';
import { windowedLayers } from './windowed.js';

const decoder = z.looseObject(decoderFields);

export const phi3: Family = {
  defaults: {
    max_position_embeddings: 4096,
    original_max_position_embeddings: 4096,
    rms_norm_eps: 1e-5,
  },
  sizes: {
    vocab_size: 32_064,
    hidden_size: 3072,
    intermediate_size: 8192,
    num_hidden_layers: 32,
    num_attention_heads: 32,
  },
  // The family's model has no biases, whatever a file says.
  fields: ['attention_bias'],
  read(fields, given) {
    const c = parse(decoder, fields);
    const heads = headsOf(c, given);
    const types = slidingIfGiven(c);
    const ropes = ropesOf(c, types, {
      headDim: heads.headDim,
      maxPositions: c.max_position_embeddings,
      theta: 10_000,
      part: 1,
      // Its first files had other names for it.
      alias: { su: 'longrope', yarn: 'longrope' },
    });
    const mlp = denseSpec(c.intermediate_size, actOf(c));
    const layers = windowedLayers(c, types, ropes, (own) =>
      layerSpec({ attention: gqaSpec({ ...heads, ...own }), mlp }),
    );
    return { ...sizesOf(c), ...layers };
  },
};
