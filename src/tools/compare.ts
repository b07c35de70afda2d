/**
 * One workload under several placements, or finished runs, side by side. Equal floor plans are
 * simulated once: a run depends on its regions, not on the name of the strategy that laid them out.
 */
import { configHash, type ResolvedConfig } from '../config.js';
import type { CompareDocument, CompareRow, ServedRow } from '../report/compare-document.js';
import type { PlacementResult, RegionResult, RunDocument } from '../report/document.js';
import type { ServingDocument } from '../deployment/serve-all.js';
import type { ServingResult } from '../report/serving-document.js';
import { fewerThan } from '../run/run-document.js';
import { createShared } from '../run/sharing.js';
import { placementOf, simulatePlaced, withRunner, withShape } from '../simulate.js';
import type { SimulateOptions } from '../simulate.js';
import { IncomparableError } from './incomparable.js';

/**
 * Configurations that differ in `placement.strategy` alone, simulated at once on `options.shards`
 * threads; stages that they have in common are simulated once.
 * @throws IncomparableError if they differ in anything else; what `simulate` throws, of the first
 *   configuration that fails
 */
export async function compareStrategies(
  configs: ResolvedConfig[],
  options: SimulateOptions,
): Promise<CompareDocument> {
  const settings = differences(configs.map(({ resolved }) => ({ config: resolved })));
  const other = settings.find(({ path }) => path !== 'placement.strategy');
  if (other !== undefined)
    throw new IncomparableError(
      'expected configurations that differ in placement.strategy alone, found ' +
        `${other.path}: ${other.values.map(shown).join(', ')}`,
    );
  return withRunner(options, async (together) => {
    await together.runner.breathe();
    return sideBySide(configs, { ...together, shared: createShared() });
  });
}

async function sideBySide(
  given: ResolvedConfig[],
  options: SimulateOptions,
): Promise<CompareDocument> {
  // What is compared is where equal regions lie, so one search, under the first strategy, serves all.
  const { config: first, search } = await withShape(given[0], options);
  const configs = given.map((config) => {
    const { strategy } = config.placement;
    return { ...config, placement: { ...first.placement, strategy } };
  });
  const placements = configs.map((config) =>
    placementOf(config, {
      onProgress: (done, total) =>
        options.onProgress?.({ done, total, what: `placing: ${config.placement.strategy}` }),
    }),
  );
  const plans = placements.map(({ regions }) => JSON.stringify(regions));
  const distinct = [...configs.keys()].filter((i) => plans.indexOf(plans[i]) === i);
  const progressOf = addedUp(distinct.length, options.onProgress);
  const outcomes = await Promise.allSettled(
    distinct.map((i, n) => {
      const onProgress = progressOf(n, configs[i].placement.strategy);
      return simulatePlaced(configs[i], placements[i], { ...options, onProgress });
    }),
  );
  const runs = configs.map(({ resolved, placement: { strategy } }, i): RunDocument => {
    const outcome = outcomes[distinct.indexOf(plans.indexOf(plans[i]))];
    if (outcome.status === 'rejected') throw outcome.reason;
    const { placement, ...run } = outcome.value;
    const { estimate = placement.estimate } = placements[i];
    const found = search && { search, ...fewerThan(placements[i].wafers, given[i]) };
    const own = { strategy, ...(estimate && { estimate }), ...found };
    return {
      ...run,
      configHash: configHash(resolved),
      config: resolved,
      placement: { ...placement, ...own },
    };
  });
  const { rows, ...document } = comparison(
    runs,
    runs.map((run) => run.placement.strategy),
  );
  return { ...document, rows: rows.map((row, i) => withDefects(row, placements[i].defects)) };
}

/** Progress of several runs at once as that of one: what each has done adds up. */
function addedUp(runs: number, onProgress: SimulateOptions['onProgress']) {
  const doneBy = Array.from({ length: runs }, () => 0);
  return (run: number, name: string): SimulateOptions['onProgress'] =>
    ({ done, total, what }) => {
      doneBy[run] = done;
      const all = doneBy.reduce((a, b) => a + b);
      onProgress?.({ done: all, total: runs * total, what: `${name}, ${what}` });
    };
}

function withDefects(row: CompareRow, defects: CompareRow['defects']): CompareRow {
  return defects ? { ...row, defects } : row;
}

/** Puts runs side by side under these names; the first is what the others are held against. */
export function comparison(runs: RunDocument[], names: string[]): CompareDocument {
  const rows: CompareRow[] = [];
  for (const [i, run] of runs.entries()) {
    const twin = runs.findIndex((other) => samePlan(other.placement, run.placement));
    rows.push({
      ...numbersOf(run),
      name: names[i],
      differenceCycles: run.decode.cyclesPerToken - runs[0].decode.cyclesPerToken,
      ...servedOf(run),
      ...(twin < i && { sameFloorPlanAs: names[twin] }),
    });
  }
  return { schema: 'wafersim.compare/1', runs, rows, settings: differences(runs) };
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
  const difference = differences(documents as RunDocument[]).find(({ path }) =>
    WORK.some((key) => path === key || path.startsWith(`${key}.`)),
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
];

function servedOf(run: RunDocument & Partial<ServingDocument>): Pick<CompareRow, 'served'> {
  const { serving, scenarios } = run;
  return serving === undefined ? {} : { served: (scenarios ?? [serving]).map(servedRow) };
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

type Numbers = Omit<CompareRow, 'name' | 'differenceCycles'>;

function numbersOf({ decode, placement, fabric }: RunDocument): Numbers {
  return {
    cyclesPerToken: decode.cyclesPerToken,
    tokensPerSecondPerUser: decode.tokensPerSecondPerUser,
    tokensPerSecond: decode.tokensPerSecond,
    handOffHops: handOffHops(placement.regions),
    handOffCycles: decode.breakdown['hand-off']?.cycles ?? 0,
    tokenCycles: decode.breakdown['token']?.cycles ?? 0,
    waveletHops: fabric.waveletHops,
    peakLinkUtilization: fabric.peakLinkUtilization,
    sramPeakBytesPerCore: placement.sramPeakBytesPerCore,
    sramUsedBytes: placement.sramUsedBytes,
    coresUsed: placement.coresUsed,
    ...(placement.estimate && { estimate: placement.estimate }),
    wafers: placement.wafers ?? 1 + Math.max(...placement.regions.map((region) => region.wafer)),
  };
}

/** Links between the nearest cores of each region and the next, and of the last and the first. */
export function handOffHops(regions: RegionResult[]): number {
  if (regions.length < 2) return 0;
  return regions.reduce((sum, region, i) => {
    const next = regions[(i + 1) % regions.length];
    return sum + (region.wafer === next.wafer ? linksBetween(region, next) : 0);
  }, 0);
}

function linksBetween(a: RegionResult, b: RegionResult): number {
  const gap = (a0: number, aSize: number, b0: number, bSize: number) =>
    Math.max(0, b0 - (a0 + aSize - 1), a0 - (b0 + bSize - 1));
  return gap(a.x, a.width, b.x, b.width) + gap(a.y, a.height, b.y, b.height);
}

function samePlan(a: PlacementResult, b: PlacementResult): boolean {
  return JSON.stringify(a.regions) === JSON.stringify(b.regions);
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

function leaves(tree: unknown, path = ''): [string, unknown][] {
  if (typeof tree !== 'object' || tree === null) return [[path, tree]];
  return Object.entries(tree).flatMap(([key, value]) =>
    leaves(value, path === '' ? key : `${path}.${key}`),
  );
}
