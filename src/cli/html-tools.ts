/** What pages are made with. */
import { createHash } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import type { HtmlTools } from '../report/html.js';

export const TOOLS: HtmlTools = {
  deflate: (bytes) => deflateSync(bytes, { level: 9 }),
  sha256: (text) => createHash('sha256').update(text).digest('base64'),
};
