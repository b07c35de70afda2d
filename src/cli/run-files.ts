/** What a run directory holds: the document, the terminal's text, the page, the trace. */
import { createHash } from 'node:crypto';
import { deflateSync, gzipSync } from 'node:zlib';
import { pageRequests, servingTrace, type ServingDetail } from '../index.js';
import type { RunDetail } from '../report/detail.js';
import type { RunDocument } from '../report/document.js';
import type { Provenance } from '../report/html-provenance.js';
import { htmlReport, type HtmlTools } from '../report/html.js';
import { scenariosOf } from '../report/serving-document.js';
import { chromeTrace } from '../report/trace.js';
import { json } from '../report/json.js';
import { type RunFiles } from './output.js';

/** What pages are made with. */
export const TOOLS: HtmlTools = {
  deflate: (bytes) => deflateSync(bytes, { level: 9 }),
  sha256: (text) => createHash('sha256').update(text).digest('base64'),
};

/** What else a run has to write down. */
interface More {
  /** Its requests, if it served any. */
  served?: { rows: Iterable<string>; detail: ServingDetail } | undefined;
  /** What its page says of where it comes from. */
  provenance?: Provenance | undefined;
  /** The file of its logits, if it computed with weights or a prompt. */
  logits?: Iterable<Uint8Array> | undefined;
}

/** `text` is the run as the terminal shows it. */
export function runFiles(
  document: RunDocument,
  detail: RunDetail,
  text: string,
  { served, logits, provenance }: More = {},
): RunFiles {
  const trace = served
    ? servingTrace(document, detail, served.detail)
    : chromeTrace(document, detail);
  return {
    'run.json': json(document),
    'run.txt': text,
    'report.html': htmlReport(document, detail, text, TOOLS, {
      ...(provenance && { provenance }),
      ...(served && { requests: requestsOf(document, served.detail) }),
    }),
    'trace.json.gz': gzipSync(trace),
    ...(served && { 'requests.ndjson': served.rows }),
    ...(logits && { 'logits.safetensors': logits }),
  };
}

/** Those of each scenario, as its page lists them. */
function requestsOf(document: RunDocument, { scenarios }: ServingDetail) {
  const limits = scenariosOf(document).map((one) => one.limits);
  return scenarios.map(({ served }, i) => pageRequests(served, limits[i] ?? {}, scenarios.length));
}
