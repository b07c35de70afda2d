/** Who may ask: those who send the key, if there is one. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { ApiError } from './api-error.js';

/** @throws ApiError (401) */
export function checkKey({ headers }: IncomingMessage, key: string | undefined): void {
  if (key === undefined) return;
  const given = /^Bearer\s+(.*)$/i.exec(headers.authorization ?? '')?.[1];
  if (given !== undefined && isEqual(given, key)) return;
  throw new ApiError(
    401,
    given === undefined
      ? "You didn't provide an API key: expected the header 'Authorization: Bearer KEY'."
      : 'Incorrect API key provided.',
    { code: 'invalid_api_key', headers: { 'www-authenticate': 'Bearer' } },
  );
}

/** In a time that does not tell how much of it is equal. */
function isEqual(one: string, other: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(one), hash(other));
}
