/** Sweeps that are ended in the middle, and several on one store: nothing is lost, and nothing half written. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import seedrandom from 'seedrandom';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cases, count, FULL } from './helpers/full.js';
import { QUICK, storeOf } from './helpers/sweeps.js';

const MAIN = resolve('dist/cli/main.js');
const ARGS = [
  ...[MAIN, 'sweep', resolve('configs/tiny.yaml'), '--jobs', count(1, 2).toString()],
  ...['--axis', 'placement.strategy=snake,greedy', '--axis', 'workload.context=4,5,6'],
  ...QUICK.flatMap((set) => ['--set', set]),
];

let home: string;
/** What a store has that was not disturbed, and how long that took. */
let whole: Record<string, string>;
let took: number;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'wafersim-sweep-kill-'));
  const begun = performance.now();
  if ((await start('whole').gone) !== 0) throw new Error('a sweep fails that nothing disturbs');
  took = performance.now() - begun;
  whole = storeOf(join(home, 'whole'));
});
afterAll(() => rmSync(home, { recursive: true }));

function start(name: string) {
  const child = spawn(process.execPath, [...ARGS, '-o', join(home, name)]);
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stdout.resume();
  const gone = new Promise<number | null>((done) => child.on('exit', (code) => done(code)));
  return { child, gone, said: () => said };
}

const namesIn = (...path: string[]) => {
  const folder = join(home, ...path);
  return existsSync(folder) ? readdirSync(folder) : [];
};

/** Until a point is whole. */
async function begun(name: string): Promise<void> {
  const isWhole = (key: string) => namesIn(name, 'points', key).includes('run.json');
  while (!namesIn(name, 'points').some(isWhole)) await setTimeout(5);
}

describe('a sweep that is killed', () => {
  it('at random moments, and begun again each time, has the store of one that was not', async () => {
    const random = seedrandom.alea('sweep');
    for (let i = 0; i < count(1, 10); i++) {
      const { child, gone } = start('killed');
      await Promise.race([gone, setTimeout(random() * took)]);
      child.kill('SIGKILL');
      await gone;
    }
    const last = start('killed');
    expect([await last.gone, last.said()]).toEqual([0, '']);
    expect(storeOf(join(home, 'killed'))).toEqual(whole);
  }, 240_000);

  it.each(
    cases([['SIGTERM', 143, 'terminated'] as const], [['SIGINT', 130, 'interrupted'] as const]),
  )(
    'by %s ends at once with a line, and leaves what it had to others',
    async (signal, code, says) => {
      const { child, gone, said } = start(signal);
      await Promise.race([gone, begun(signal)]);
      child.kill(signal);
      const ended = await gone;
      if (ended === 0) return;
      expect([ended, said()]).toEqual([code, `wafersim: ${says}\n`]);
      expect(namesIn(signal, '.work').filter((name) => name.startsWith('owner'))).toEqual([]);
      const again = start(signal);
      expect([await again.gone, again.said()]).toEqual([0, '']);
      expect(storeOf(join(home, signal))).toEqual(whole);
    },
    60_000,
  );
});

// Without processes: sweep-run.test.ts.
describe.runIf(FULL)('two sweeps at once', () => {
  it('on one store end with it, as one alone does', async () => {
    const both = [start('both'), start('both')];
    expect(await Promise.all(both.map(({ gone }) => gone))).toEqual([0, 0]);
    expect(both.map(({ said }) => said())).toEqual(['', '']);
    expect(storeOf(join(home, 'both'))).toEqual(whole);
  }, 60_000);
});
