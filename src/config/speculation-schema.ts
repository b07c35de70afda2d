/** The keys of a configuration that describe speculative decoding: who drafts, how much, how often it is right. */
import * as z from 'zod';
import { show } from '../model/errors.js';
import { count, expected } from './errors.js';
import { section } from './hardware-file.js';
import { modelKeys } from './model-schema.js';

/** Tokens of a round at most: beyond, all but the first ones are hardly ever accepted. */
export const MOST_TOKENS = 64;

const CHANCE = 'a chance, 0 to 1';
const chance = () =>
  z.number(expected(CHANCE)).min(0, expected(CHANCE)).max(1, expected(CHANCE)).describe(CHANCE);

const DRAFT = 'a model, or a mapping with config, mtp or ngram';

const { config, ...stored } = modelKeys;

/** One of three: a model of its own, a layer of the model, a look-up; a key of another one is refused. */
const draft = section(DRAFT, {
  config: config.exactOptional(),
  ...stored,
  wafers: count(1, 4096)
    .exactOptional()
    .describe("Wafers of its own; without it the model's if both fit there, or else its own"),
  mtp: z
    .literal([true, 'assumed'], expected('true or assumed'))
    .exactOptional()
    .describe(
      "The model's own layer that guesses the token after the next; assumed: one of the shape of its last layer",
    ),
  ngram: count(1, 64)
    .exactOptional()
    .describe(
      'The host looks the last so many tokens up in what came before, at its latency each way',
    ),
})
  .superRefine((found, context) => {
    const refuse = (key: string, message: string, input: unknown) =>
      context.addIssue({ code: 'custom', path: key === '' ? [] : [key], message, input });
    const { mtp, ngram, ...ofModel } = found;
    const given = Object.keys(ofModel);
    const other = mtp === undefined ? 'ngram' : 'mtp';
    if (mtp !== undefined && ngram !== undefined)
      refuse('ngram', 'expected none with mtp, as one of them drafts', ngram);
    else if (found[other] !== undefined && given.length > 0)
      refuse(given[0], `expected none with ${other}, which is no model of its own`, found);
    else if (found[other] === undefined && (found.config ?? found.weights) === undefined)
      refuse('', `expected ${DRAFT}, found neither`, found);
  })
  .describe('Who guesses the tokens that are verified');

export const speculation = section('a mapping with draft, tokens and acceptance', {
  draft,
  tokens: count(1, MOST_TOKENS).describe(
    'Tokens verified in a round: one certain, the rest drafted',
  ),
  acceptance: z
    .union(
      [chance(), z.array(chance()), z.literal('measured')],
      expected('a chance, 0 to 1, a list of them, or measured'),
    )
    .exactOptional()
    .describe(
      'Chance that a drafted token is right if those before it are: one for all, or one for each; measured where model and draft compute. An assumption, which has no default',
    ),
}).superRefine(({ tokens, acceptance }, context) => {
  const refuse = (message: string) =>
    context.addIssue({ code: 'custom', path: ['acceptance'], message, input: acceptance });
  if (acceptance === undefined && tokens > 1)
    refuse('expected a chance, 0 to 1, a list of them, or measured, found nothing');
  if (Array.isArray(acceptance) && acceptance.length !== tokens - 1) {
    const wanted = `${tokens - 1} ${tokens === 2 ? 'chance' : 'chances'}`;
    const found = `${show(acceptance)} of ${acceptance.length}`;
    refuse(`expected ${wanted}, one for each drafted token of ${tokens}, found ${found}`);
  }
});
