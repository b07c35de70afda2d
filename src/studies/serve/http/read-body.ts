/** The body of a request as JSON, within the limits; anything else is an error of the API. */
import type { IncomingMessage } from 'node:http';
import { ApiError, badRequest } from './api-error.js';
import type { HttpLimits } from './limits.js';

export interface BodyReader {
  /** @throws ApiError; Gone if the client has closed before all of it had come */
  read(request: IncomingMessage): Promise<unknown>;
}

/** The client is no longer there: nothing more is to be said to it. */
export class Gone extends Error {}

export function bodyReader(limits: HttpLimits): BodyReader {
  let reading = 0;
  return {
    async read(request) {
      checkHeaders(request, limits);
      let bytes = 0;
      const count = (length: number) => {
        bytes += length;
        reading += length;
        if (bytes > limits.bodyBytes) throw tooLarge(limits.bodyBytes);
        if (reading > limits.allBodiesBytes)
          throw new ApiError(503, 'Too many large requests are being read.', {
            headers: { 'retry-after': '1' },
          });
      };
      try {
        return parseJson(await bytesOf(request, count), limits);
      } finally {
        reading -= bytes;
      }
    },
  };
}

/** All bytes of a request; where `count` throws, the rest is read and dropped, so that an answer can be sent. */
function bytesOf(request: IncomingMessage, count: (length: number) => void): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    request.on('data', function take(chunk: Buffer) {
      try {
        count(chunk.length);
        chunks.push(chunk);
      } catch (error) {
        request.off('data', take).resume();
        reject(error);
      }
    });
    request.on('end', () => resolve(Buffer.concat(chunks)));
    request.on('error', () => reject(new Gone()));
    request.on('close', () => reject(new Gone()));
  });
}

function checkHeaders({ headers }: IncomingMessage, { bodyBytes }: HttpLimits): void {
  const type = headers['content-type'] ?? 'application/json';
  if (!/^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(type))
    throw new ApiError(
      415,
      "Unsupported Media Type: expected the header 'content-type: application/json'.",
    );
  if ((headers['content-encoding'] ?? 'identity') !== 'identity')
    throw new ApiError(415, 'Unsupported content-encoding: expected a body as it is.');
  if (Number(headers['content-length'] ?? 0) > bodyBytes) throw tooLarge(bodyBytes);
}

function tooLarge(most: number): ApiError {
  return new ApiError(413, `The body is larger than ${most} bytes.`);
}

/** @throws ApiError (400) unless the bytes are JSON in UTF-8, nested no deeper than the limit */
export function parseJson(bytes: Uint8Array, { depth }: HttpLimits): unknown {
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    value = JSON.parse(text);
  } catch (error) {
    const why = error instanceof SyntaxError ? error.message : 'not UTF-8';
    throw badRequest(`We could not parse the JSON body of your request: ${why}`);
  }
  if (depthOf(text) > depth)
    throw badRequest(`The JSON body of your request is nested more than ${depth} deep.`);
  return value;
}

/** How deep lists and objects are nested in a text that is JSON. */
function depthOf(json: string): number {
  let [depth, deepest, inString] = [0, 0, false];
  for (let i = 0; i < json.length; i++) {
    const c = json.charCodeAt(i);
    if (inString) {
      if (c === BACKSLASH) i++;
      else if (c === QUOTE) inString = false;
    } else if (c === QUOTE) inString = true;
    else if (c === BRACE || c === BRACKET) deepest = Math.max(deepest, ++depth);
    else if (c === BRACE + 2 || c === BRACKET + 2) depth--;
  }
  return deepest;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const BRACKET = 0x5b;
const BRACE = 0x7b;
