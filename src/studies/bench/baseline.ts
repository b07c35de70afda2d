/**
 * The file that benchmarks are held against: a document `wafersim.bench/1` without what differs from
 * run to run, in an order and form that make a change of one number a change of one line.
 */
import * as z from 'zod';
import { isDeeper, MOST_LEVELS, parsed } from '../../config/json.js';
import { readText, type NamedFile } from '../../config/files.js';
import { identityOf } from '../../identity.js';
import { isDeepStrictEqual } from '../../platform/node.js';
import type { Identity } from '../../report/identity.js';
import type { BenchCase, BenchDocument } from './document.js';
import { identityFields, IncomparableError } from '../incomparable.js';

const metric = z.looseObject({
  value: z.number(),
  unit: z.string(),
  better: z.enum(['lower', 'higher']),
  kind: z.enum(['sim', 'host']),
});

const document = z.looseObject({
  schema: z.literal('wafersim.bench/1'),
  ...identityFields,
  cases: z.array(
    z.looseObject({
      id: z.string(),
      configHash: z.string(),
      metrics: z.record(z.string(), metric),
      breakdown: z.record(z.string(), z.number()).exactOptional(),
    }),
  ),
  host: z
    .looseObject({
      name: z.string(),
      cpu: z.string(),
      cores: z.number(),
      platform: z.string(),
      node: z.string(),
    })
    .exactOptional(),
});

const SCHEMA = /^wafersim\.bench\/(\d+)$/;

/**
 * Reads a baseline.
 * @throws IncomparableError one line, on a foreign, damaged or newer file; ConfigError if it
 *   cannot be read
 */
export function readBaseline(path: string): BenchDocument {
  const refuse = (expected: string, found: string): never => {
    throw new IncomparableError(`${path}: expected ${expected}, found ${found}`);
  };
  const json = parsed(readText({ path, from: '--baseline' }));
  if (json === undefined) return refuse('a baseline', 'no JSON');
  if (isDeeper(json)) return refuse(`at most ${MOST_LEVELS} levels`, 'more');
  const { schema } = (json ?? {}) as { schema?: unknown };
  const version = SCHEMA.exec(typeof schema === 'string' ? schema : '')?.[1];
  if (version === undefined)
    return refuse('a baseline wafersim.bench/1', JSON.stringify(schema)?.slice(0, 60) ?? 'none');
  if (version !== '1') return refuse('a baseline wafersim.bench/1', `version ${version}`);
  const { data, error } = document.safeParse(json);
  if (error) {
    const { path: where, message } = error.issues[0];
    return refuse('a whole baseline', `${where.map(String).join('.')}: ${message}`);
  }
  const ids = new Set(data.cases.map(({ id }) => id));
  if (ids.size < data.cases.length) return refuse('every case once', 'one twice');
  return data;
}

/**
 * What is kept as the baseline: simulated numbers, and those of the host if they are asked for. Cases
 * of `before` that `kept` names stay as they are.
 */
export function baselineOf(
  current: BenchDocument,
  withHost: boolean,
  before?: BenchDocument,
  kept: (id: string) => boolean = () => false,
): BenchDocument {
  const fresh = new Map(current.cases.map((each) => [each.id, strip(each, withHost)]));
  // The document names one host: what another one measured cannot stand under it.
  const sameHost = withHost && isDeepStrictEqual(before?.host, current.host);
  const old = (before?.cases ?? [])
    .filter(({ id }) => kept(id) && !fresh.has(id))
    .map((each) => strip(each, sameHost));
  const cases = [...fresh.values(), ...old]
    .filter(({ metrics }) => Object.keys(metrics).length > 0)
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  const { host, version, files = [] } = current;
  // Cases that are kept were measured with the files of then.
  const read = old.length > 0 ? [...files, ...(before?.files ?? [])] : files;
  return {
    schema: 'wafersim.bench/1',
    ...(version !== undefined && { ...benchIdentity(cases, read), version }),
    cases,
    ...(withHost && host && { host }),
  };
}

function strip(
  { id, configHash, metrics, breakdown, host }: BenchCase,
  withHost: boolean,
): BenchCase {
  const kept = Object.entries(metrics).filter(([, { kind }]) => withHost || kind === 'sim');
  return {
    id,
    configHash,
    metrics: Object.fromEntries(kept),
    ...(breakdown && { breakdown }),
    ...(withHost && host && { host }),
  };
}

/**
 * What a document of benchmarks is of: the configurations of its cases, in whatever order they ran. What
 * the host did as a whole is of no configuration.
 */
export function benchIdentity(cases: readonly BenchCase[], files: readonly NamedFile[]): Identity {
  const hashes = cases.map(({ id, configHash }): [string, string] => [id, configHash]);
  const inOrder = hashes.toSorted(([a], [b]) => (a < b ? -1 : 1));
  return identityOf(inOrder, files);
}
