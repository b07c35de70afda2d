/**
 * Several configurations simulated at once, with what they have in common simulated once: a run depends
 * on its regions, not on the name of the strategy that laid them out.
 */
import type { ResolvedConfig } from '../../config.js';
import { runIdentity } from '../../identity.js';
import type { CompareRow } from './document.js';
import type { RunDetail } from '../../report/detail.js';
import type { RunDocument } from '../../report/document.js';
import { isOfLayer } from '../../mapping/mapping.js';
import { fewerThan } from '../../decode/run-document.js';
import { createShared, familyOf, sizesOnce } from '../../decode/sharing.js';
import { placementOf } from '../../decode/place.js';
import { simulatePlaced } from '../../decode/simulate.js';
import { withRunner, type SimulateOptions } from '../../decode/options.js';
import type { KnownDetail } from './page.js';
import { withShape } from '../search/shaped.js';
import { costAt } from '../steps/run-cost.js';

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
  return withRunner(options, async (together) => {
    await together.runner.pause();
    return sideBySide(asked, together);
  });
}

async function sideBySide(asked: Asked[], options: SimulateOptions): Promise<SimulatedRun[]> {
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
  const shared = new Map(families.map((family) => [family, createShared()]));
  // Regions that are equal may hold other experts.
  const plans = placements.map(({ regions }, i) => {
    const { expertOrder } = configs[i].placement;
    return `${families[i]} ${expertOrder} ${JSON.stringify(regions)}`;
  });
  const distinct = [...configs.keys()].filter((i) => plans.indexOf(plans[i]) === i);
  const progressOf = addedUp(distinct.length, options.onProgress);
  const details: (RunDetail | undefined)[] = [];
  const simulated = (i: number) => {
    const n = distinct.indexOf(i);
    const onProgress = progressOf(n, asked[i].name);
    const onDetail = options.onDetail && ((detail: RunDetail) => (details[n] = detail));
    const own = { ...options, onProgress, onDetail, shared: shared.get(families[i])! };
    return simulatePlaced(configs[i], placements[i], own);
  };
  // Families have nothing in common: one after the other, so that the programs of one are in memory.
  const outcomes = new Map<number, PromiseSettledResult<RunDocument>>();
  for (const family of new Set(families)) {
    const own = distinct.filter((i) => families[i] === family);
    const ended = await Promise.allSettled(own.map(simulated));
    for (const [n, outcome] of ended.entries()) outcomes.set(own[n], outcome);
    shared.delete(family);
    throwFirst(distinct.map((i) => outcomes.get(i)));
  }
  return configs.map(({ resolved, placement: { strategy } }, i): SimulatedRun => {
    const twin = plans.indexOf(plans[i]);
    const { placement, ...run } = (outcomes.get(twin) as PromiseFulfilledResult<RunDocument>).value;
    const { estimate = placement.estimate, defects } = placements[i];
    const { search } = shaped[i];
    const given = asked[i].config;
    const found = search && { search, ...fewerThan(placements[i], given) };
    const own = { strategy, ...(estimate && { estimate }), ...found };
    const placed = { ...placement, ...own };
    const identity = { ...runIdentity(given), config: resolved };
    const whole = { ...run, ...identity, placement: placed };
    const document = { ...whole, ...costAt(whole, given) };
    return { run: document, ...(defects && { defects }), detail: details[distinct.indexOf(twin)] };
  });
}

/** Throws what the first one failed with, once all before it have ended. */
function throwFirst(outcomes: readonly (PromiseSettledResult<unknown> | undefined)[]): void {
  const first = outcomes.find((outcome) => outcome?.status !== 'fulfilled');
  if (first?.status === 'rejected') throw first.reason;
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
