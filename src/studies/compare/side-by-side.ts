/**
 * Several configurations simulated at once, with what they have in common simulated once: a run depends
 * on its regions, not on the name of the strategy that laid them out.
 */
import { proxy, type Remote } from 'comlink';
import type { ResolvedConfig } from '../../config.js';
import { runIdentity } from '../../identity.js';
import type { CompareRow } from './document.js';
import type { RunDetail } from '../../report/detail.js';
import type { RunDocument } from '../../report/document.js';
import { isOfLayer } from '../../mapping/mapping.js';
import { fewerThan } from '../../decode/run-document.js';
import { familyOf, sharedByFamily, sizesOnce } from '../../decode/sharing.js';
import { placementOf } from '../../decode/place.js';
import { simulatePlaced } from '../../decode/simulate.js';
import type { SimulateOptions } from '../../decode/options.js';
import type { Runner } from '../../decode/runner.js';
import type { Placement } from '../../placement/placement.js';
import type { KnownDetail } from './page.js';
import { withShape } from '../search/shaped.js';
import { costAt } from '../steps/run-cost.js';
import { createTurns } from '../steps/turns.js';
import { isForThreads, mostHere, startSimulations, withThreads } from '../steps/work.js';
import type { FoundRun, Simulations } from '../steps/worker.js';

/** A simulated run, the dead cores of its wafers, and what else is known of it where that is asked for. */
export interface SimulatedRun {
  run: RunDocument;
  defects?: CompareRow['defects'];
  detail?: KnownDetail | undefined;
}

/** A configuration, and the name under which its progress is reported. */
interface Asked {
  name: string;
  config: ResolvedConfig;
}

/**
 * Simulates configurations at once on `options.shards` threads; a shape that is searched, and stages, are
 * found once for all that have them in common, and equal floor plans are one run.
 * @throws what `simulate` throws, of the first configuration that fails
 */
export async function simulateTogether(
  asked: Asked[],
  options: SimulateOptions,
): Promise<SimulatedRun[]> {
  return withThreads(options, async ({ runner, signal }) => {
    await runner.pause();
    return sideBySide(asked, { ...options, runner, signal });
  });
}

async function sideBySide(
  asked: Asked[],
  options: SimulateOptions & { runner: Runner },
): Promise<SimulatedRun[]> {
  const shaped: Awaited<ReturnType<typeof withShape>>[] = [];
  // Under its strategy the first of each family searches a shape that serves all of it: what is
  // compared is where equal regions lie.
  const searched = new Map<string, (typeof shaped)[number]>();
  for (const { config } of asked) {
    const { strategy } = config.placement;
    const family = familyOf(config, { ...config.placement, strategy: '' });
    const first = searched.get(family) ?? (await withShape(config, options));
    searched.set(family, first);
    const placement = { ...first.config.placement, strategy };
    shaped.push({ ...first, config: { ...config, placement } });
  }
  const configs = shaped.map(({ config }) => config);
  const sizesOf = sizesOnce();
  const placements = configs.map((config, i) =>
    placementOf(config, {
      ...sizesOf(config),
      onProgress: (done, total) =>
        options.onProgress?.({ done, total, what: `placing: ${asked[i].name}` }),
    }),
  );
  // With other strips a layer's stages are others.
  const families = configs.map((config, i) => {
    const strips = placements[i].regions.map((region) => isOfLayer(region) && region.strips);
    return familyOf(config, [config.placement.groups, strips.find(Boolean) ?? 1]);
  });
  // Regions that are equal may hold other experts.
  const plans = placements.map(({ regions }, i) => {
    const { expertOrder } = configs[i].placement;
    return `${families[i]} ${expertOrder} ${JSON.stringify(regions)}`;
  });
  const distinct = [...configs.keys()].filter((i) => plans.indexOf(plans[i]) === i);
  const placed = distinct.map((i) => ({
    ...{ name: asked[i].name, config: configs[i], placement: placements[i], family: families[i] },
  }));
  const found = await runEach(placed, options);
  return configs.map(({ resolved, placement: { strategy } }, i): SimulatedRun => {
    const twin = plans.indexOf(plans[i]);
    const { run: whole, detail } = found[distinct.indexOf(twin)];
    const { placement, ...run } = whole;
    const { estimate = placement.estimate, defects } = placements[i];
    const { search } = shaped[i];
    const given = asked[i].config;
    const searching = search && { search, ...fewerThan(placements[i], given) };
    const own = { strategy, ...(estimate && { estimate }), ...searching };
    const identity = { ...runIdentity(given), config: resolved };
    const document = { ...run, ...identity, placement: { ...placement, ...own } };
    const costed = { ...document, ...costAt(document, given) };
    return { run: costed, ...(defects && { defects }), detail };
  });
}

/** A configuration that is simulated. */
interface Placed extends Asked {
  placement: Placement;
  /** Runs of one family share their stages. */
  family: string;
}

/** Cores of all runs at a time, at most: one takes about 450 bytes for each of its cores. */
const MOST_CORES = 2 ** 22;

/**
 * Processors that are left to the compiler and the collector of all threads, which take half as long as runs do: on two
 * processors two runs at a time take as long as one after the other, and a third more processor time.
 */
const LEFT = 1;

/**
 * Simulates each, on several threads where they are for that. Families have nothing in common, so they come one after
 * the other: the programs of one are in memory.
 * @throws what the first one that fails does, once all before it have ended
 */
async function runEach(
  placed: readonly Placed[],
  options: SimulateOptions & { runner: Runner },
): Promise<FoundRun[]> {
  const { signal, shards, onDetail } = options;
  // What is chosen on the way is not told by a thread.
  const isPlain = !options.onLogits && !options.onText && !options.traceCores;
  const isForOthers = placed.map(({ placement }) => isPlain && isForThreads(options, placement));
  const cores = Math.max(...placed.map(({ placement }) => coresOf(placement)));
  const most = isForOthers.includes(true)
    ? Math.max(1, Math.min(shards - LEFT, Math.floor(MOST_CORES / cores)))
    : mostHere(options);
  const turns = createTurns(most, () => startSimulations(options), signal);
  const progressOf = addedUp(placed.length, options.onProgress);
  const sharedOf = sharedByFamily();
  const begin = async (n: number): Promise<FoundRun> => {
    const { name, config, placement, family } = placed[n];
    const onProgress = progressOf(n, name);
    const here = async () => {
      let detail: RunDetail | undefined;
      const run = await simulatePlaced(config, placement, {
        ...options,
        onProgress,
        shared: sharedOf(family),
        onDetail: onDetail && ((found) => (detail = found)),
      });
      return { run, detail };
    };
    const how = { family, isDetailed: onDetail !== undefined };
    const there = async (thread: Remote<Simulations>) =>
      thread.run(config, placement, how, proxy(onProgress));
    return turns.inTurn(here, isForOthers[n] ? there : undefined);
  };
  const runs: Promise<FoundRun>[] = [];
  for (const family of new Set(placed.map((one) => one.family)))
    for (const [n, one] of placed.entries()) if (one.family === family) runs[n] = begin(n);
  try {
    for (const run of runs) run.catch(() => {});
    const found: FoundRun[] = [];
    for (const run of runs) found.push(await run);
    return found;
  } finally {
    await turns.close();
  }
}

function coresOf({ regions }: Placement): number {
  return regions.reduce((sum, { width, height }) => sum + width * height, 0);
}

/** Progress of several runs at once as that of one: what each has done adds up. */
function addedUp(runs: number, onProgress: SimulateOptions['onProgress']) {
  const doneBy = Array.from({ length: runs }, () => 0);
  return (run: number, name: string): NonNullable<SimulateOptions['onProgress']> =>
    ({ done, total, what }) => {
      doneBy[run] = done;
      const all = doneBy.reduce((a, b) => a + b);
      onProgress?.({ done: all, total: runs * total, what: `${name}, ${what}` });
    };
}
