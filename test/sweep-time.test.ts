/** What a sweep costs on top of its points: the processor time of its threads, of its store and of starting it. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { FULL } from './helpers/full.js';
import { planFile, runsOf } from './helpers/sweeps.js';

const TINY = resolve('configs/tiny.yaml');
const home = mkdtempSync(join(tmpdir(), 'wafersim-sweep-time-'));
afterAll(() => rmSync(home, { recursive: true }));

/** Seconds of processor time of a process and of those that it started. */
function secondsOf(...args: string[]): number {
  const script = '"$@" > /dev/null && times';
  const { status, stdout } = spawnSync('bash', ['-c', script, 'bash', process.execPath, ...args], {
    encoding: 'utf8',
  });
  expect(status).toBe(0);
  const times = [
    ...stdout
      .trim()
      .split('\n')[1]
      .matchAll(/(\d+)m([\d.]+)s/g),
  ];
  return times.reduce(
    (sum, [, minutes, seconds]) => sum + 60 * Number(minutes) + Number(seconds),
    0,
  );
}

describe.runIf(FULL)('60 points of the tiny model', () => {
  it('take at most 1.5 times the processor time of a loop in one process', () => {
    const strategies = ['snake', 'greedy'];
    const plan = planFile(
      home,
      `base: ${TINY}
set: [workload.tokens=1]
axes: { placement.strategy: [${strategies.join(', ')}], workload.context: { range: [1, 30, 1] } }`,
    );
    const loop = join(home, 'loop.mjs');
    const library = pathToFileURL(resolve('dist/index.js')).href;
    writeFileSync(
      loop,
      `import { loadConfig, simulate } from '${library}';
for (const strategy of ${JSON.stringify(strategies)})
  for (let context = 1; context <= 30; context++) {
    const sets = ['workload.tokens=1', 'placement.strategy=' + strategy, 'workload.context=' + context];
    await simulate(loadConfig('${TINY}', sets), { shards: 1 });
  }`,
    );
    const sweep = secondsOf(resolve('dist/cli/main.js'), 'sweep', plan, '-o', join(home, 'store'));
    expect(Object.keys(runsOf(join(home, 'store')))).toHaveLength(60);
    expect(sweep / secondsOf(loop)).toBeLessThan(1.5);
  }, 900_000);
});
