/** What a run directory holds: the document, the terminal's text, the page, the trace, and data for notebooks. */
import { gzipSync } from 'node:zlib';
import { npzOf, pageRequests, parquetOf, parquetPieces, servingTrace } from '../index.js';
import type { ServingDetail } from '../index.js';
import { corePlanes } from '../report/core-planes.js';
import { linksTables, operationsTable } from '../report/core-tables.js';
import { csvOf } from '../report/data-table.js';
import type { RunDetail } from '../report/detail.js';
import type { RunDocument } from '../report/document.js';
import type { Provenance } from '../report/html-provenance.js';
import { htmlReport } from '../report/html.js';
import { METRICS } from '../report/metrics.js';
import { operatorsTable, regionsTable, summaryTable } from '../report/run-tables.js';
import { scenariosOf } from '../report/serving-document.js';
import { chromeTrace } from '../report/trace.js';
import { json } from '../report/json.js';
import { TOOLS } from './html-tools.js';
import { type RunFiles } from './output.js';

export { provenanceFor } from './provenance.js';

/** What else a run has to write down. */
interface More {
  /** Its requests, if it served any. */
  served?: { rows: Iterable<string>; csv: Iterable<string>; detail: ServingDetail } | undefined;
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
  const tables = tablesOf(document);
  const trace = served
    ? servingTrace(document, detail, served.detail)
    : chromeTrace(document, detail);
  return {
    'run.json': json(document),
    'run.txt': text,
    'report.html': htmlReport(document, detail, text, TOOLS, {
      files: tables,
      ...(provenance && { provenance }),
      ...(served && { requests: requestsOf(document, served.detail) }),
    }),
    'trace.json.gz': gzipSync(trace),
    ...dataFiles(document, detail, tables),
    ...(served && { 'requests.ndjson': served.rows, 'requests.csv': served.csv }),
    ...(logits && { 'logits.safetensors': logits }),
  };
}

/** Small tables, which the page gives away too. */
function tablesOf(document: RunDocument) {
  return {
    'summary.csv': csvOf(summaryTable([document])),
    'operators.csv': csvOf(operatorsTable(document.decode)),
    'regions.csv': csvOf(regionsTable(document.placement)),
  };
}

/** See docs/data.md. */
export function dataFiles(
  document: RunDocument,
  detail: RunDetail,
  tables = tablesOf(document),
): Omit<RunFiles, 'run.json' | 'run.txt'> {
  const { operations } = detail;
  const wafers = METRICS.wafers.of(document)!;
  return {
    ...tables,
    'cores.npz': npzOf(corePlanes(detail, wafers)),
    'links.parquet': parquetPieces(linksTables(detail), { isDense: true }),
    ...(operations && { 'operations.parquet': parquetOf(operationsTable(operations)) }),
  };
}

/** Those of each scenario, as its page lists them. */
function requestsOf(document: RunDocument, { scenarios }: ServingDetail) {
  const limits = scenariosOf(document).map((one) => one.limits);
  return scenarios.map(({ served }, i) => pageRequests(served, limits[i] ?? {}, scenarios.length));
}
