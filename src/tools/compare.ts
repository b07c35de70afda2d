/**
 * One workload under several placements, or finished runs, side by side. Equal floor plans are
 * simulated once: a run depends on its regions, not on the name of the strategy that laid them out.
 */
import { configHash, type ResolvedConfig } from '../config.js';
import type { CompareDocument, CompareRow } from '../report/compare-document.js';
import type { PlacementResult, RegionResult, RunDocument } from '../report/document.js';
import { placementOf, simulate, type SimulateOptions } from '../simulate.js';

/** Configurations that differ in `placement.strategy` alone; throws what `simulate` throws. */
export async function compareStrategies(
  configs: ResolvedConfig[],
  options: SimulateOptions,
): Promise<CompareDocument> {
  const known = new Map<string, RunDocument>();
  const runs: RunDocument[] = [];
  const defects: CompareRow['defects'][] = [];
  for (const config of configs) {
    const placement = placementOf(config);
    const plan = JSON.stringify(placement.regions);
    const { strategy } = config.placement;
    const onProgress: SimulateOptions['onProgress'] = ({ done, total, what }) =>
      options.onProgress?.({
        done: runs.length * total + done,
        total: configs.length * total,
        what: `${strategy}, ${what}`,
      });
    const run = known.get(plan) ?? (await simulate(config, { ...options, onProgress }));
    known.set(plan, run);
    defects.push(placement.defects);
    runs.push({
      ...run,
      configHash: configHash(config.resolved),
      config: config.resolved,
      placement: { ...run.placement, strategy },
    });
  }
  const { rows, ...document } = comparison(
    runs,
    runs.map((run) => run.placement.strategy),
  );
  return { ...document, rows: rows.map((row, i) => withDefects(row, defects[i])) };
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
  const difference = differences(documents as RunDocument[]).find(({ path }) =>
    WORK.some((key) => path === key || path.startsWith(`${key}.`)),
  );
  if (difference === undefined) return undefined;
  const { path, values } = difference;
  const found = values.map((value, i) => `${JSON.stringify(value) ?? 'nothing'} in ${names[i]}`);
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

/** Settings in which the configurations differ, by path. */
function differences(runs: RunDocument[]): CompareDocument['settings'] {
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
