/** Step times for serving against simulating the very point, on the tiny model. */
import { setTimeout } from 'node:timers/promises';
import seedrandom from 'seedrandom';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { prepare, serveScenario, type GridCache } from '../src/studies/serve/serve.js';
import { stepTimeOf } from '../src/serving/step-time.js';
import { simulate } from '../src/studies/run/run.js';
import { simulateSteps } from '../src/decode/simulate.js';
import { stepCache } from '../src/studies/steps/step-cache.js';
import { deploymentOf, simulateGrid, type SimulatedGrid } from '../src/studies/steps/step-times.js';
import { withThreads } from '../src/studies/steps/work.js';
import { count } from './helpers/full.js';
import { OPTIONS } from './helpers/options.js';

const TINY = [
  'hardware.clock=1 GHz',
  'workload.data=false',
  'workload.context=256',
  'workload.tokens=1',
  // Regions of few cores, whose steps are simulated soon.
  'placement.rows=6',
  'placement.layerColumns=5',
];
const deployment = deploymentOf(loadConfig('configs/tiny.yaml', TINY));
const LONGEST = 500;
/** Steps of all grids, each simulated once. */
const STEPS = { ...OPTIONS, steps: stepCache() };
const SERVED = [
  ...TINY,
  'workload.kind=serving',
  'workload.requests=3',
  'workload.arrivals.process=closed',
  'workload.prompt.mean=256',
  'workload.output.mean=2',
  'serving.minContext=256',
  'serving.tolerance=0.5',
  'transport.tokenMicros=0',
];

/** The step of a run with all these users on the placement that serves. */
async function stepCycles(context: number, batch: number): Promise<number> {
  const { config, placement } = deployment;
  const workload = { ...config.workload, context, batch };
  const run = await simulateSteps({ ...config, workload }, placement, OPTIONS);
  return run.timing.cycles;
}

describe('step times between simulated steps', () => {
  let grid: SimulatedGrid;
  beforeAll(async () => {
    grid = await simulateGrid(deployment, 16, LONGEST, 0.005, STEPS);
  });

  const random = seedrandom.alea('points of the grid');
  const points = Array.from({ length: count(3, 6) }, () => ({
    context: 16 + Math.floor(random() * (LONGEST - 16)),
    users: 1 + Math.floor(random() * 6),
  }));
  it.each(points)(
    'are within 1 %% of a simulated one, context $context, users $users',
    async ({ context, users }) => {
      const contexts = { mean: context, max: context, total: context * users };
      const interpolated = stepTimeOf(grid)(users, contexts);
      // At 1 GHz a cycle is a nanosecond.
      const simulated = await stepCycles(context, users);
      expect(Math.abs(interpolated / simulated - 1)).toBeLessThan(0.01);
    },
  );

  it('are simulated steps at the contexts of the grid, and say how far off the middles are', () => {
    const stepTime = stepTimeOf(grid);
    grid.contexts.forEach((context, i) => {
      const contexts = { mean: context, max: context, total: context };
      expect(stepTime(1, contexts)).toBe(grid.aloneCycles[i]);
    });
    expect(grid.contexts.length).toBeGreaterThanOrEqual(3);
    expect(grid.middleError).toBeLessThanOrEqual(0.005);
  });

  it('are the same on several threads, whose progress adds up', async () => {
    const reported: { done: number; total: number }[] = [];
    const onProgress = ({ done, total }: { done: number; total: number }) =>
      reported.push({ done, total });
    const threaded = await withThreads({ ...OPTIONS, shards: 2, onProgress }, async (work) => {
      expect(work.runner.threaded).toBe(true);
      return simulateGrid(deployment, 16, LONGEST, 0.5, work);
    });
    expect(threaded).toEqual(await simulateGrid(deployment, 16, LONGEST, 0.5, STEPS));
    expect(threaded.contexts).toHaveLength(3);
    const dones = reported.map(({ done }) => done);
    expect(dones).toEqual(dones.toSorted((a, b) => a - b));
    expect(reported.at(-1)!.done).toBe(reported.at(-1)!.total);
  });

  it('are fewer with a wider tolerance, three contexts at least', async () => {
    const rough = await simulateGrid(deployment, 16, LONGEST, 0.5, STEPS);
    expect(rough.contexts).toEqual([16, 258, LONGEST]);
    const fine = await simulateGrid(deployment, 16, LONGEST, 1e-4, STEPS);
    expect(fine.contexts.length).toBeGreaterThan(3);
    expect(fine.contexts.length).toBeLessThanOrEqual(17);
  });

  it('say how far off they are where more contexts would have been needed', async () => {
    const { contexts, middleError } = await simulateGrid(deployment, 16, LONGEST, 1e-9, STEPS);
    expect(contexts).toHaveLength(17);
    expect(middleError).toBeGreaterThan(1e-9);
  });

  it.each([1, 2])('go no further once they are aborted, %i threads', async (shards) => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const reported: string[] = [];
    const onProgress = ({ what }: { what: string }) => {
      reported.push(what);
      controller.abort(reason);
    };
    const { signal } = controller;
    const steps = withThreads({ ...OPTIONS, shards, signal, onProgress }, (work) =>
      simulateGrid(deployment, 16, 17, 0.5, work),
    );
    await expect(steps).rejects.toBe(reason);
    // Both contexts may have one stage under way.
    expect(reported.length).toBeLessThanOrEqual(2);
  });

  it('are aborted when something else has failed', async () => {
    let reported = 0;
    const failing = withThreads({ ...OPTIONS, onProgress: () => reported++ }, async (work) =>
      Promise.all([
        simulateGrid(deployment, 16, LONGEST, 1e-4, work),
        Promise.reject(new Error('does not fit')),
      ]),
    );
    await expect(failing).rejects.toThrow('does not fit');
    const before = reported;
    await setTimeout(1000);
    expect(reported - before).toBeLessThanOrEqual(1);
  });

  it('of scenarios that differ in the groups of their trees are their own', async () => {
    const cache: GridCache = new Map();
    const alone = async (groups: number) => {
      const sets = [...SERVED, `placement.groups=${groups}`];
      const config = loadConfig('configs/tiny.yaml', sets);
      return (await prepare('', config, OPTIONS, cache)).grid.aloneCycles;
    };
    expect(await alone(1)).not.toEqual(await alone(4));
    expect(cache.size).toBe(2);
  });
});

describe('one user', () => {
  it('decodes in a served request as in a run with the same context', async () => {
    const config = loadConfig('configs/tiny.yaml', SERVED);
    const { decode } = await simulate(config, OPTIONS);
    const { result } = serveScenario(await prepare('', config, OPTIONS));
    expect(result.requests.completed).toBe(3);
    expect(result.tpotMs.p50).toBeCloseTo(decode.tpotMs, 9);
    expect(result.outputSpeed.p50).toBeCloseTo(decode.tokensPerSecondPerUser, 3);
  });
});

describe('the KV cache of a deployment', () => {
  it('holds as many positions as the fullest core has room for, and not one more', () => {
    const { config, kvTokens, placement } = deployment;
    const { height: rows, width: layerColumns } = placement.regions[1];
    const sizes = { ...config.placement, rows, layerColumns };
    const model = { ...config.model, maxContext: 10 * kvTokens };
    const holding = (context: number) =>
      deploymentOf({
        ...config,
        model,
        workload: { ...config.workload, context, tokens: 1 },
        placement: sizes,
      });
    expect(holding(kvTokens - 1).placement.regions[1].width).toBe(layerColumns);
    expect(() => holding(kvTokens)).toThrow(/needs/);
  });
});
