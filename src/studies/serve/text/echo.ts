/** The last thing that the client said, again. */
import { countBytes } from './count.js';
import { listed, piecesOf } from './listed.js';
import type { Asked, Prompt, TextSource, TextToken } from './source.js';

export function echoSource(count: TextSource['count'] = countBytes): TextSource {
  return {
    name: 'echo',
    count,
    answer(asked) {
      const all = echoed(asked.prompt);
      const tokens = repeated(all, asked);
      return listed(tokens, { ends: !asked.ignoreEos && tokens.length === all.length });
    },
    close: async () => {},
  };
}

function echoed({ messages, ids }: Prompt): TextToken[] {
  if (ids !== undefined) return ids.map((id) => ({ id, text: ` ${id}` }));
  const last = messages.at(-1)?.text ?? '';
  const pieces = piecesOf(last === '' ? '.' : last);
  return pieces.map((text, id) => ({ id, text }));
}

/** What does not end by itself begins again. */
function repeated(all: readonly TextToken[], { maxTokens, ignoreEos = false }: Asked) {
  const length = ignoreEos ? maxTokens : Math.min(maxTokens, all.length);
  return Array.from({ length }, (_, i) => all[i % all.length]);
}
