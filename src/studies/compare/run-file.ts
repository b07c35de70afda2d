/** A finished run, read back from its directory or its run.json. */
import * as z from 'zod';
import { isDeeper, MOST_LEVELS, parsed } from '../../config/json.js';
import { readText, type NamedFile } from '../../config/files.js';
import { existsSync, join, statSync } from '../../platform/node.js';
import type { RunDocument } from '../../report/document.js';
import { identityFields, IncomparableError } from '../incomparable.js';

const number = z.number();
const region = z.looseObject({
  name: z.string(),
  wafer: number,
  x: number,
  y: number,
  width: number,
  height: number,
});

const spread = z.looseObject({ mean: number, least: number, most: number });
const maybe = number.nullable();
const ends = z.looseObject({ p50: maybe, p99: maybe });
const served = z.looseObject({
  scenario: z.string(),
  requests: z.looseObject({ arrived: number, completed: number }),
  outputSpeed: z.looseObject({ p50: maybe }),
  outputThroughput: number,
  requestGoodput: number,
  ttftMs: ends,
  tpotMs: ends,
  e2elMs: ends,
  energy: z.looseObject({ joulesPerOutputToken: maybe }),
});

/** What a comparison reads of a run; the rest is taken as it is. */
const document = z.looseObject({
  schema: z.literal('wafersim.run/1'),
  ...identityFields,
  configHash: z.string(),
  config: z.looseObject({}),
  decode: z.looseObject({
    cyclesPerToken: number,
    tokensPerSecondPerUser: number,
    tokensPerSecond: number,
    routing: z
      .looseObject({
        source: z.enum(['uniform', 'skewed', 'trace', 'reference']),
        tokens: number,
        largestLoad: spread,
        cyclesPerToken: spread.exactOptional(),
        tokensPerSecondPerUser: spread.exactOptional(),
        imbalanceCycles: number.exactOptional(),
      })
      .exactOptional(),
    breakdown: z.record(z.string(), z.looseObject({ cycles: number })),
  }),
  placement: z.looseObject({
    strategy: z.string(),
    regions: z.array(region).min(1),
    coresUsed: number,
    sramUsedBytes: number,
    sramPeakBytesPerCore: number,
    coresAvailable: number.exactOptional(),
    wafers: number.exactOptional(),
  }),
  fabric: z.looseObject({ waveletHops: number, peakLinkUtilization: number }),
  serving: served.exactOptional(),
  scenarios: z.array(served).exactOptional(),
  check: z.looseObject({ passed: z.boolean().exactOptional() }).exactOptional(),
});

/**
 * Reads a run.
 * @param path its directory, or the file `run.json`
 * @throws IncomparableError one line, on a foreign or damaged file; ConfigError if it cannot be read
 */
export function readRun(path: string): RunDocument {
  return readRunFile(path).run;
}

/** The same, with the file as a comparison notes it: by the path given. */
export function readRunFile(path: string): { run: RunDocument; file: NamedFile } {
  const isDirectory = existsSync(path) && statSync(path).isDirectory();
  const file = isDirectory ? join(path, 'run.json') : path;
  const files: NamedFile[] = [];
  const json = parsed(readText({ path: file, from: 'compare', written: path }, files));
  if (isDeeper(json))
    throw new IncomparableError(`${path}: expected at most ${MOST_LEVELS} levels, found more`);
  const schema = (json as { schema?: unknown } | null | undefined)?.schema;
  if (schema !== 'wafersim.run/1') {
    const found = JSON.stringify(schema)?.slice(0, 60) ?? 'none';
    throw new IncomparableError(`${path}: expected a document wafersim.run/1, found ${found}`);
  }
  const { error } = document.safeParse(json);
  if (error === undefined) return { run: json as RunDocument, file: files[0] };
  const { path: where, message } = error.issues[0];
  const found = `${where.map(String).join('.')}: ${message}`;
  throw new IncomparableError(`${path}: expected a whole run, found ${found}`);
}
