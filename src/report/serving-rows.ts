/** Requests as rows of NDJSON; times in integer nanoseconds, so that parts add up exactly. */
import type { Served } from '../serving/request.js';

/** One row per request that arrived, each ending with a line break. */
export function servingRows(scenario: string, served: readonly Served[]): string {
  const rows = served.map((one) => {
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
    });
  });
  return rows.map((row) => `${row}\n`).join('');
}
