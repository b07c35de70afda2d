/**
 * How far the uncertain numbers of the hardware move a result: each is set to both ends of its stated
 * range, one at a time, then all at once to where each alone was slowest, and fastest. The model is
 * placed anew each time, as a user who knows the number would place it.
 */
import { lastStepOf } from '../../decode/positions.js';
import { configHash, loadConfig, type ResolvedConfig } from '../../config.js';
import type { GridWork } from '../steps/step-times.js';
import { withThreads } from '../steps/work.js';
import { MachineError } from '../../engine/engine.js';
import type { ProvenanceMap } from '../../config/hardware-file.js';
import { CapacityError } from '../../placement/placement.js';
import { runIdentity } from '../../identity.js';
import type { RunDocument, Sensitivity } from '../../report/document.js';
import { valueAt } from '../../report/format.js';
import type { Runner } from '../../decode/runner.js';
import type { KnownSteps } from '../../decode/known-steps.js';
import { placedOf, placementOf } from '../../decode/place.js';
import { agrees, watched } from '../../hardware/watched.js';
import type { Placement } from '../../placement/placement.js';
import type { SimulateOptions } from '../../decode/options.js';
import { costsAt, costsOfStep } from './cost-use.js';
import { cyclesOf, roundOf, turnsFor, type Cycles } from './cycles.js';

/** Hardware numbers that take no part in timing. */
const WITHOUT_EFFECT = new Set(['power']);

type Setting = [path: string, value: number];

/** Tokens per second of one user, plain and with drafted tokens, or why the simulated machine refuses. */
type Speed = Speeds | { refused: string };
interface Speeds {
  plain: number;
  speculative?: number;
}

/** Hardware numbers that state a range in which the truth may lie, by path, in base units. */
export function uncertainNumbers(provenance: ProvenanceMap): [string, [number, number]][] {
  return Object.entries(provenance).flatMap(([path, { range }]): [string, [number, number]][] =>
    range && !WITHOUT_EFFECT.has(path) ? [[path, range]] : [],
  );
}

/**
 * Varies the configuration of a finished run, which was loaded from `path` and `sets`. Several values
 * are simulated at once, on all threads; one that changes nothing that the cycles depend
 * on is not simulated.
 * @param isVaried leaves out other numbers, by their paths in the hardware file
 * @throws ConfigError, as `loadConfig`
 */
export async function sensitivityOf(
  run: RunDocument,
  path: string,
  sets: readonly string[],
  options: SimulateOptions,
  isVaried: (name: string) => boolean = () => true,
): Promise<Required<Pick<RunDocument, 'key' | 'sensitivity' | 'sensitivityBand'>>> {
  const config = loadConfig(path, sets);
  const numbers = uncertainNumbers(config.provenance).filter(([name]) => isVaried(name));
  return withThreads(options, async (work) => {
    const varied = await variations(run, config, path, sets, work);
    try {
      return await effectsOf(config, numbers, varied);
    } finally {
      await varied.close();
    }
  });
}

async function effectsOf(
  config: ResolvedConfig,
  numbers: ReturnType<typeof uncertainNumbers>,
  { speedOf, own: base }: Variations,
): Promise<Required<Pick<RunDocument, 'key' | 'sensitivity' | 'sensitivityBand'>>> {
  const valueOf = (name: string) => valueAt(config.resolved, `hardware.${name}`) as number;
  const differing = (settings: Setting[]) =>
    settings.filter(([name, value]) => value !== valueOf(name));
  const speedWith = async (settings: Setting[]): Promise<Speed> => {
    const changes = differing(settings);
    return changes.length === 0 ? base : speedOf(changes);
  };
  const tried = await Promise.all(
    numbers.map(async ([name, range]) => {
      const ends = range.map(async (value) => speedWith([[name, value]]));
      const speeds = (await Promise.all(ends)) as [Speed, Speed];
      return {
        name,
        range,
        speeds,
        ...extremes(range, speeds, valueOf(name), base),
      };
    }),
  );
  const drafted = (speeds: readonly Speed[]) => {
    const known = [base, ...speeds].flatMap((speed) =>
      'refused' in speed ? [] : (speed.speculative ?? []),
    );
    return known.length === 0 ? undefined : boundsOf(known);
  };
  const sensitivity = tried.map(({ name, range, slow, fast, speeds }): Sensitivity => {
    const refused = speeds.flatMap((speed) => ('refused' in speed ? speed.refused : []))[0];
    const speculative = drafted(speeds);
    return {
      parameter: `hardware.${name}`,
      range,
      tokensPerSecondPerUser: [slow[1], fast[1]],
      ...(speculative && { speculativeTokensPerSecondPerUser: speculative }),
      atEnds: [numberOf(speeds[0]), numberOf(speeds[1])],
      ...(refused !== undefined && { refused }),
    };
  });
  const [worst, best] = await Promise.all([
    speedWith(tried.map(({ name, slow }) => [name, slow[0]])),
    speedWith(tried.map(({ name, fast }) => [name, fast[0]])),
  ]);
  const speeds = sensitivity.flatMap((row) => row.tokensPerSecondPerUser);
  const oneAtATime = boundsOf([base.plain, ...speeds]);
  const speculative = drafted(tried.flatMap((one) => one.speeds));
  const allAtOnce: [number | null, number | null] = [numberOf(worst), numberOf(best)];
  const { key } = runIdentity(config, numbers);
  const band = { oneAtATime, ...(speculative && { speculativeOneAtATime: speculative }) };
  return { key, sensitivity, sensitivityBand: { ...band, allAtOnce } };
}

function boundsOf(numbers: readonly number[]): [number, number] {
  return [Math.min(...numbers), Math.max(...numbers)];
}

/** The values, of both ends and the middle, at which a number is slowest and fastest. */
function extremes(range: [number, number], speeds: [Speed, Speed], value: number, base: Speeds) {
  const all: [value: number, speed: Speed][] = [
    [value, base],
    [range[0], speeds[0]],
    [range[1], speeds[1]],
  ];
  const known = all.flatMap(([at, speed]): [number, number][] =>
    'refused' in speed ? [] : [[at, speed.plain]],
  );
  known.sort((a, b) => a[1] - b[1]);
  return { slow: known[0], fast: known.at(-1)! };
}

/** The speed of a configuration, and with some numbers changed; to be closed. */
interface Variations {
  own: Speeds;
  speedOf: (changes: Setting[]) => Promise<Speed>;
  close: () => Promise<void>;
}

/** A function that gives the speed with some numbers changed, simulating no cycles twice. */
async function variations(
  run: RunDocument,
  base: ResolvedConfig,
  path: string,
  sets: readonly string[],
  { progress: _, onProgress, ...options }: GridWork & { runner: Runner },
): Promise<Variations> {
  // A run's speed is that of its last step, and does not depend on what it computes.
  const lastStep = (config: ResolvedConfig) => lastStepOf(config, run.steps.length);
  const { context } = lastStep(base).workload;
  const seen = watched(base.wafer);
  const own = placementOf({ ...base, wafer: seen.wafer });
  // Most numbers change neither where regions lie nor a program.
  const planned: KnownSteps = [];
  const costs = await costsOfStep(base, own, context, options.runner, planned);
  const known = new Map<string, Promise<Cycles>>();
  const { decode, steps } = run;
  const given = decode.speculation?.expected?.tokensPerRound ?? decode.speculation?.tokensPerRound;
  const simulated = async (config: ResolvedConfig, placement: Placement): Promise<Cycles> =>
    cyclesOf(config, placement, options, planned);
  // The run has that of its last step, and of rounds that of its first one.
  const isKnown = given === undefined || steps.length === 1;
  const ownCycles: Cycles = isKnown
    ? { token: decode.cyclesPerToken, round: roundOf(decode) }
    : await simulated(lastStep(base), own);
  known.set(cyclesKey(base, own, costs), Promise.resolve(ownCycles));
  const speedsOf = ({ clockHz }: ResolvedConfig['wafer'], { token, round }: Cycles): Speeds => ({
    plain: clockHz / token,
    ...(given !== undefined && round !== undefined && { speculative: (given * clockHz) / round }),
  });
  const turns = turnsFor(own, options, { path, sets, steps: run.steps.length });
  let [done, total] = [0, 0];
  const speedOf = async (changes: Setting[]): Promise<Speed> => {
    const changed = changes.map(([name, value]) => `hardware.${name}=${value}`);
    // One model for all: what is known of its regions is.
    const { model } = base;
    const config = { ...lastStep(loadConfig(path, [...sets, ...changed])), model };
    const what = changes.length === 1 ? changes[0][0] : 'all of them';
    // Other threads are given work in the meantime.
    await options.runner.pause();
    try {
      const placement = agrees(seen.readings, config.wafer) ? own : placementOf(config);
      const key = cyclesKey(config, placement, costs);
      let cycles = known.get(key);
      if (cycles === undefined) {
        total++;
        cycles = turns.inTurn(
          async () => simulated(config, placement),
          turns.there?.(changed, placement),
        );
        known.set(key, cycles);
        void cycles.catch(() => {}).then(() => onProgress?.({ done: ++done, total, what }));
      }
      return speedsOf(config.wafer, await cycles);
    } catch (error) {
      if (error instanceof CapacityError || error instanceof MachineError)
        return { refused: error.message };
      throw error;
    }
  };
  return { own: speedsOf(base.wafer, ownCycles), speedOf, close: turns.close };
}

/** What the cycles of a configuration's step depend on, of all that may vary here. */
function cyclesKey(
  config: ResolvedConfig,
  { regions, wafers, draft }: Placement,
  paths: Set<string>,
): string {
  const { clockHz, io, fabric, costs } = config.wafer;
  return configHash({
    regions: placedOf(regions),
    fabric,
    costs: costsAt(costs, paths),
    ...(draft && { draft: placedOf(draft.placement.regions) }),
    // The path between two wafers, or to the host, takes seconds, not cycles.
    ...((wafers > 1 || asksHost(config)) && { clockHz, io }),
  });
}

/** The host looks drafted tokens up. */
function asksHost({ workload: { speculation } }: ResolvedConfig): boolean {
  return speculation?.draft.kind === 'ngram' && speculation.tokens > 1;
}

function numberOf(speed: Speed): number | null {
  return 'refused' in speed ? null : speed.plain;
}
