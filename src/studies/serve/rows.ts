/** Requests as rows of NDJSON; times in integer nanoseconds, so that parts add up exactly. */
import type { Served } from '../../serving/request.js';

/** Rows of a piece: many requests would be more text than one string holds. */
const PIECE = 10_000;

/** One row per request that arrived, with the times of its tokens where they are given, each ending with a line break, in pieces. */
export function* servingRows(
  scenario: string,
  served: readonly Served[],
  tokensNs?: readonly (readonly number[])[],
): Generator<string> {
  for (let i = 0; i < served.length; i += PIECE)
    yield served
      .slice(i, i + PIECE)
      .map((one) => `${rowOf(scenario, one, tokensNs?.[one.request.id])}\n`)
      .join('');
}

function rowOf(scenario: string, one: Served, tokensNs?: readonly number[]): string {
  const { request, outcome, reason, tokens, arrivalNs, firstTokenNs, lastTokenNs } = one;
  const { queueNs, transportNs, prefillNs, decodeNs } = one;
  return JSON.stringify({
    ...(scenario !== '' && { scenario }),
    id: request.id,
    ...(request.session !== undefined && { session: request.session }),
    outcome,
    ...(reason !== undefined && { reason }),
    promptTokens: request.promptTokens,
    outputTokens: request.outputTokens,
    tokens,
    arrivalNs,
    ttftNs: firstTokenNs - arrivalNs,
    e2elNs: lastTokenNs - arrivalNs,
    queueNs,
    transportNs,
    prefillNs,
    decodeNs,
    ...(tokensNs && { tokensNs }),
  });
}
