/**
 * One workload under several placements, or finished runs, side by side. Equal floor plans are
 * simulated once: a run depends on its regions, not on the name of the strategy that laid them out.
 */
import type { NamedFile } from '../../config/files.js';
import type { ResolvedConfig, Source } from '../../config.js';
import { stepCache } from '../steps/step-cache.js';
import { isServing } from '../serve/serve.js';
import { serveAll } from '../serve/serve-all.js';
import { identityOf } from '../../identity.js';
import type { CompareDocument, CompareRow, ServedRow } from './document.js';
import type { RunDetail } from '../../report/detail.js';
import type { RunDocument } from '../../report/document.js';
import { leaves } from '../../report/format.js';
import { versionOf } from '../../report/identity.js';
import { COMPARED, METRICS } from '../../report/metrics.js';
import { scenariosOf, type AnyRun, type ServingResult } from '../../report/serving-document.js';
import type { SimulateOptions } from '../../decode/options.js';
import { IncomparableError } from '../incomparable.js';
import type { KnownDetail } from './page.js';
import { simulateTogether, type SimulatedRun } from './side-by-side.js';

/**
 * Configurations that differ in `placement.strategy` alone, simulated at once on `options.shards`
 * threads; stages that they have in common are simulated once.
 * @throws IncomparableError if they differ in anything else; what `simulate` throws, of the first
 *   configuration that fails
 */
export async function compareStrategies(
  configs: ResolvedConfig[],
  options: CompareOptions,
): Promise<CompareDocument> {
  const settings = differences(configs.map(({ resolved }) => ({ config: resolved })));
  const other = settings.find(({ path }) => path !== 'placement.strategy');
  if (other !== undefined)
    throw new IncomparableError(
      'expected configurations that differ in placement.strategy alone, found ' +
        `${other.path}: ${other.values.map(shown).join(', ')}`,
    );
  return compareAll(
    configs.map((config) => ({ name: config.placement.strategy, config })),
    options,
  );
}

/**
 * What stands in a column of a comparison: a configuration to simulate, or a finished run. `source`, the
 * file and the settings that a configuration was loaded from, is for its scenarios: with it a serving
 * workload is served, without it its decode steps are compared.
 */
export type Compared = { name: string } & (
  | { config: ResolvedConfig; source?: Source }
  | { run: RunDocument; file?: NamedFile; detail?: KnownDetail | undefined }
);

/** How several runs are simulated; with `onDetails` it is told what is known of their cores, once, in their order. */
export interface CompareOptions extends SimulateOptions {
  onDetails?: ((details: (KnownDetail | undefined)[]) => void) | undefined;
}

/**
 * Configurations, simulated at once with what they have in common simulated once, and finished runs,
 * side by side in the order given.
 * @throws IncomparableError, before anything is simulated, if they are not of the same model doing the
 *   same work; what `simulate` throws, of the first configuration that fails
 */
export async function compareAll(
  all: readonly Compared[],
  { onDetails, ...asked }: CompareOptions,
): Promise<CompareDocument> {
  const options = { ...asked, ...(onDetails && { onDetail: () => undefined }) };
  const names = all.map(({ name }) => name);
  const why = whyIncomparable(all.map(documentOf), names);
  if (why !== undefined) throw new IncomparableError(why);
  const served = await serveEach(all, options);
  const plain = all.flatMap((one) => ('config' in one && !isServed(one) ? [one] : []));
  const simulated = plain.length === 0 ? [] : await simulateTogether(plain, options);
  const rest = simulated.values();
  const found = all.map((one, i): SimulatedRun => {
    if ('run' in one) return one;
    return isServed(one) ? served[i]! : rest.next().value!;
  });
  onDetails?.(found.map(({ detail }) => detail));
  const files = all.flatMap((one) => {
    if ('config' in one) return one.config.files;
    return one.file === undefined ? one.run.files : [one.file];
  });
  const runs = found.map(({ run }) => run);
  const { rows, ...document } = comparison(runs, names, files);
  const withDefects = rows.map((row, i) => {
    const { defects } = found[i];
    return defects ? { ...row, defects } : row;
  });
  return { ...document, rows: withDefects };
}

/** What of a configuration may be compared, in place of its run. */
function documentOf(one: Compared): unknown {
  if ('run' in one) return one.run;
  const { resolved: config } = one.config;
  return { schema: 'wafersim.run/1', config, ...(isServed(one) && { serving: {} }) };
}

function isServed(one: Compared): boolean {
  return 'config' in one && one.source !== undefined && isServing(one.config);
}

/** Serving runs, one after the other: each keeps all threads busy; steps of earlier ones are known. */
async function serveEach(all: readonly Compared[], options: SimulateOptions) {
  const steps = stepCache();
  const found: (SimulatedRun | undefined)[] = [];
  for (const one of all) {
    if (!('config' in one) || !isServed(one)) found.push(undefined);
    else {
      const { path, sets } = one.source!;
      let detail: RunDetail | undefined;
      const onDetail = options.onDetail && ((last: RunDetail) => (detail = last));
      const within = { ...options, onDetail, steps };
      found.push({ run: (await serveAll(one.config, path, sets, within)).document, detail });
    }
  }
  return found;
}

/**
 * Puts runs side by side under these names; the first is what the others are held against.
 * @param files read for the comparison: those of the runs, if not given
 */
export function comparison(
  runs: RunDocument[],
  names: string[],
  files = runs.flatMap((run) => run.files ?? []),
): CompareDocument {
  const rows: CompareRow[] = [];
  const plans = runs.map(({ placement }) => JSON.stringify(placement.regions));
  for (const [i, run] of runs.entries()) {
    const twin = plans.indexOf(plans[i]);
    rows.push({
      ...numbersOf(run),
      name: names[i],
      version: versionOf(run),
      differenceCycles: run.decode.cyclesPerToken - runs[0].decode.cyclesPerToken,
      ...(run.decode.routing && { routing: run.decode.routing }),
      ...(run.decode.speculation && { speculation: run.decode.speculation }),
      ...servedOf(run),
      ...(twin < i && { sameFloorPlanAs: names[twin] }),
    });
  }
  // Documents from before they had keys are what they are of.
  const content = runs.map((run) => run.key ?? [run.configHash, run.decode, run.placement]);
  const identity = identityOf(content, files);
  return { schema: 'wafersim.compare/1', ...identity, runs, rows, settings: differences(runs) };
}

/**
 * Why two documents cannot be compared, in one line; undefined if they can. They must be runs of the
 * same model doing the same work; hardware and placement may differ.
 */
export function whyIncomparable(documents: unknown[], names: string[]): string | undefined {
  for (const [i, document] of documents.entries()) {
    const { schema } = (document ?? {}) as { schema?: unknown };
    if (schema !== 'wafersim.run/1')
      return `${names[i]}: expected a document wafersim.run/1, found ${JSON.stringify(schema) ?? 'none'}`;
  }
  const served = documents.map((document) => 'serving' in (document as object));
  const odd = served.findIndex((one) => one !== served[0]);
  if (odd > 0)
    return (
      `expected runs of the same work, found ${served[0] ? 'requests served' : 'decode steps alone'} ` +
      `in ${names[0]}, ${served[odd] ? 'requests served' : 'decode steps alone'} in ${names[odd]}`
    );
  const difference = differences(documents as RunDocument[]).find(
    ({ path }) =>
      // A model is named after its file, wherever that lies.
      path !== 'model.spec.name' && WORK.some((key) => path === key || path.startsWith(`${key}.`)),
  );
  if (difference === undefined) return undefined;
  const { path, values } = difference;
  const found = values.map((value, i) => `${shown(value)} in ${names[i]}`);
  return `expected runs of the same work, found ${path}: ${found.join(', ')}`;
}

/** Settings that make two runs different work. */
const WORK = [
  'model.spec',
  'mapping',
  'exact',
  'workload.context',
  'workload.batch',
  'workload.tokens',
  'workload.prompt',
  'workload.stop',
];

function servedOf(run: AnyRun): Pick<CompareRow, 'served'> {
  return run.serving === undefined ? {} : { served: scenariosOf(run).map(servedRow) };
}

/** Numbers that are none, those of no request, are null as in a document that was read back. */
function servedRow(result: ServingResult): ServedRow {
  const { scenario, requests, outputSpeed, outputThroughput, requestGoodput, energy } = result;
  const some = (value: number | null) => (value !== null && Number.isFinite(value) ? value : null);
  const ends = ({ p50, p99 }: { p50: number; p99: number }) => ({ p50: some(p50), p99: some(p99) });
  return {
    scenario,
    arrived: requests.arrived,
    completed: requests.completed,
    outputSpeedP50: some(outputSpeed.p50),
    outputThroughput,
    requestGoodput,
    ttftMs: ends(result.ttftMs),
    tpotMs: ends(result.tpotMs),
    e2elMs: ends(result.e2elMs),
    joulesPerOutputToken: some(energy.joulesPerOutputToken),
  };
}

/** In the order of the metrics, with what the strategy weighed before the wafers. */
function numbersOf(run: RunDocument): Omit<CompareRow, 'name' | 'version' | 'differenceCycles'> {
  const values = COMPARED.map((key) => [key, METRICS[key].of(run)]);
  const { wafers, ...numbers } = Object.fromEntries(values) as Record<
    (typeof COMPARED)[number],
    number
  >;
  const { estimate } = run.placement;
  return { ...numbers, ...(estimate && { estimate }), wafers };
}

function shown(value: unknown): string {
  return JSON.stringify(value) ?? 'nothing';
}

/** Settings in which the configurations differ, by path. */
function differences(runs: Pick<RunDocument, 'config'>[]): CompareDocument['settings'] {
  const settings = runs.map(({ config }) => new Map(leaves(config)));
  const paths = new Set(settings.flatMap((of) => [...of.keys()]));
  return [...paths]
    .map((path) => ({ path, values: settings.map((of) => of.get(path)) }))
    .filter(({ values }) => values.some((value) => value !== values[0]));
}
