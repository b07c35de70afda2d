/** The keys of a configuration that describe a model: its file, its weights, how they are stored. */
import * as z from 'zod';
import { FORMAT_NAMES, isGrouped } from '../model/formats.js';
import { choice, expected } from './errors.js';
import { section } from './hardware-file.js';

/** What a path may be instead; see bundled-files.ts. */
export const orName = (example: string) =>
  `or the name of a bundled one, such as ${example}; a file of that very name wins`;

/** `model.bits.*`: names, or `int4/N`. */
function format() {
  const what = expected(`${FORMAT_NAMES.join(' or ')} or int4/N, N inputs in a group`);
  const grouped = z.templateLiteral(['int4/', z.number()], what).refine(isGrouped, what);
  return z.union([z.literal(FORMAT_NAMES), grouped], what);
}

/** The keys of a model, and what they are in a draft too. */
export const modelKeys = {
  config: z
    .string(expected('the path of a Hugging Face config.json'))
    .describe(`Hugging Face config.json or its folder, ${orName('llama-3.1-8b')}`),
  weights: z
    .string(expected('the path of a folder, a file *.safetensors, or an index'))
    .exactOptional()
    .describe(
      'Checkpoint to compute with: a Hugging Face folder, a file *.safetensors, or its index; random weights without',
    ),
  dtype: choice('f16', 'f32').exactOptional().describe('Type of activations and of the KV cache'),
  weightBits: choice(32, 16, 8, 4)
    .exactOptional()
    .describe(
      'Bits of a stored weight, whatever the file says; 8 (one scale per matrix) and 4 (int4 in groups of 32) are widened on use',
    ),
  bits: section('a mapping with experts, attention, rest or tables', {
    experts: format()
      .exactOptional()
      .describe("Format of the routed experts' matrices; the file's without"),
    attention: format()
      .exactOptional()
      .describe("Format of attention's matrices; that of rest without"),
    rest: format()
      .exactOptional()
      .describe("Format of the layers' other matrices; routers stay as activations are"),
    tables: format().exactOptional().describe('Format of embedding and head; that of rest without'),
  })
    .exactOptional()
    .describe('Formats of matrices, in place of weightBits'),
  spec: z
    .record(z.string(), z.unknown(), expected('a mapping'))
    .exactOptional()
    .describe("What a result's configuration says of its model; it must be what the file says"),
  indexer: choice('select', 'dense')
    .exactOptional()
    .describe(
      'Sparse attention: the positions that an indexer chooses (select); dense: all of them, an upper bound',
    ),
};

export const model = section('the path of a config.json or a mapping', modelKeys);
