/** Words made up: as many as are asked for, from a seed and the prompt. */
import { seededRandom } from '../../../numeric/random.js';
import { countBytes } from './count.js';
import { listed } from './listed.js';
import type { Asked, TextSource, TextToken } from './source.js';
import { WORDS } from './words.js';

/** An answer that nothing cuts short has from so many words to so many. */
const SHORTEST = 256;
const LONGEST = 768;

/** Sentences begin with a capital in no vocabulary's one token, so there are none: words, each with its space. */
export function loremSource(seed: string, count: TextSource['count'] = countBytes): TextSource {
  return {
    name: 'lorem',
    count,
    answer(asked) {
      const random = seededRandom(`lorem ${seed} ${asked.seed ?? ''} ${keyOf(asked)}`);
      const own = SHORTEST + Math.floor(random() * (LONGEST - SHORTEST));
      const { maxTokens, ignoreEos = false } = asked;
      const words = ignoreEos ? maxTokens : Math.min(maxTokens, own);
      const tokens = Array.from({ length: words }, (): TextToken => {
        const id = Math.floor(random() * WORDS.length);
        return { id, text: ` ${WORDS[id]}` };
      });
      return listed(tokens, { ends: words === own && !ignoreEos });
    },
    close: async () => {},
  };
}

/** The same prompt has the same answers, each of several its own. */
function keyOf({ prompt, choice = 0 }: Asked): string {
  const { messages, ids = [] } = prompt;
  return JSON.stringify([messages, ids, choice]);
}
