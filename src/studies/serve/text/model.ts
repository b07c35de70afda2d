/** Tokens that the simulated cores compute, and their text by the model's tokenizer. */
import { readTokenizer, type Tokenizer } from '../../../checkpoint/tokenizer.js';
import { ConfigError } from '../../../config/errors.js';
import { readText } from '../../../config/files.js';
import type { ResolvedConfig } from '../../../config.js';
import { createConversations, type Conversation } from '../../../decode/conversations.js';
import type { SimulateOptions } from '../../../decode/options.js';
import { ModelError } from '../../../model/errors.js';
import type { Deployment } from '../../steps/step-times.js';
import { counterOf, idsOf } from './count.js';
import { pieces } from './pieces.js';
import type { Answer, Asked, Prompt, TextSource, TextToken } from './source.js';

/**
 * @param maxContext positions of a prompt and its answer
 * @param files of the tokenizer; none: prompts are ids, and the text is that of the ids
 * @throws ConfigError without weights to compute with
 */
export async function modelSource(
  { config, placement }: Deployment,
  maxContext: number,
  files: readonly string[],
  options: SimulateOptions,
): Promise<TextSource> {
  if (config.weights === undefined)
    throw new ConfigError(
      '--text: expected lorem, echo or script:FILE without model.weights, found model',
    );
  const tokenizer = files.length > 0 ? readTokenizer(files) : undefined;
  const ends = endTokens(config);
  const conversations = await createConversations(config, placement, maxContext, options);
  return {
    name: 'model',
    count: counterOf(files),
    answer(asked) {
      const prompt = promptOf(asked.prompt, config, tokenizer);
      return answerOf(conversations.begin(prompt), prompt, asked, { ends, tokenizer });
    },
    close: () => conversations.close(),
  };
}

/** @throws ModelError on what is no prompt of the model */
function promptOf(
  prompt: Prompt,
  { model: { vocab, name } }: ResolvedConfig,
  tokenizer: Tokenizer | undefined,
): readonly number[] {
  if (prompt.ids === undefined && tokenizer === undefined)
    throw new ModelError(`expected a prompt of token ids, as ${name} has no tokenizer, found text`);
  const ids = tokenizer === undefined ? prompt.ids! : idsOf(prompt, tokenizer);
  if (ids.length === 0) throw new ModelError('expected a prompt of some tokens, found one of none');
  const wrong = ids.find((id) => !(Number.isInteger(id) && id >= 0 && id < vocab));
  if (wrong === undefined) return ids;
  throw new ModelError(`expected tokens of ${name}, 0 to ${vocab - 1}, found ${wrong}`);
}

/** The tokens after which the model says nothing, as its own file has them. */
function endTokens({ modelFile }: ResolvedConfig): ReadonlySet<number> {
  const file = JSON.parse(readText({ path: modelFile, from: 'model' })) as Record<string, unknown>;
  const own = file['eos_token_id'] ?? (file['text_config'] as typeof file)?.['eos_token_id'];
  return new Set([own].flat().filter((id): id is number => Number.isInteger(id)));
}

function answerOf(
  conversation: Conversation,
  prompt: readonly number[],
  { maxTokens, ignoreEos = false }: Asked,
  { ends, tokenizer }: { ends: ReadonlySet<number>; tokenizer: Tokenizer | undefined },
): Answer {
  const piece = tokenizer ? pieces(tokenizer, prompt) : (id: number) => ` ${id}`;
  let hasEnded = false;
  return {
    calls: [],
    async token(index): Promise<TextToken | undefined> {
      if (hasEnded || index >= maxTokens) return undefined;
      const id = await conversation.next();
      hasEnded = id === undefined || (ends.has(id) && !ignoreEos);
      return hasEnded ? undefined : { id: id!, text: piece(id!, index === maxTokens - 1) };
    },
    finish: () => (hasEnded ? 'stop' : 'length'),
    close: () => conversation.close(),
  };
}
