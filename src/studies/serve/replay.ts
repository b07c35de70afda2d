/** A record served again: every token's time next to the one that was recorded. */
import type { ReplayResult } from '../../report/serving-document.js';
import type { RequestRecord } from '../../serving/recorded.js';

/**
 * @param tokensNs of every request, when its client sees each token
 */
export function replayOf(
  { tokens: recorded, endNs = Infinity }: RequestRecord,
  tokensNs: readonly (readonly number[])[],
): ReplayResult {
  let tokens = 0;
  let differing = 0;
  let first: ReplayResult['first'];
  for (const { request, tokensNs: then } of recorded) {
    // What was still on its way at the end of the record is not in it.
    const now = tokensNs[request].filter((ns) => ns <= endNs);
    const length = Math.max(then.length, now.length);
    tokens += length;
    for (let token = 0; token < length; token++) {
      if (then[token] === now[token]) continue;
      differing++;
      first ??= {
        request,
        token,
        recordedNs: then[token] ?? null,
        servedNs: now[token] ?? null,
      };
    }
  }
  return { requests: recorded.length, tokens, differing, ...(first && { first }) };
}
