/** Plans of small sweeps, and what their stores hold. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { count } from './full.js';

/** Settings that make a point of the tiny model quick: one step, without numbers, on few cores. */
export const QUICK = [
  'workload.tokens=1',
  'workload.data=false',
  'placement.growth=minimal',
  'placement.rows=4',
];

/** Thirty points: three strategies, three contexts, two batches, one zip and one exclusion; of one context ten. */
export const POINTS = count(10, 30);
export const PLAN = `
base: ${resolve('configs/tiny.yaml')}
set: [workload.tokens=1, workload.data=false]
axes:
  placement.strategy: [row-major, snake, greedy]
  workload.context: { log2: [4, ${count(4, 16)}] }
  workload.batch: [1, 2]
zip:
  - { placement.rows: [4, 8], placement.growth: [minimal, minimal] }
exclude:
  - { placement.strategy: greedy, placement.rows: 8 }
`;

export function planFile(folder: string, text: string): string {
  const path = join(folder, 'plan.yaml');
  writeFileSync(path, text);
  return path;
}

/** Every file of a store by its path, without what runs say of their hosts. */
export function storeOf(folder: string): Record<string, string> {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const files = paths.filter((path) => statSync(join(folder, path)).isFile());
  const textOf = (path: string) => readFileSync(join(folder, path), 'latin1');
  return Object.fromEntries(
    files.toSorted().map((path) => [path, withoutHost(textOf(path), path)]),
  );
}

function withoutHost(text: string, path: string): string {
  if (!path.endsWith('run.json')) return text;
  const { host, ...rest } = JSON.parse(text) as { host: object };
  if (typeof host !== 'object') throw new Error(`${path} says nothing of its host`);
  return JSON.stringify(rest);
}

/** Paths of the runs of a store, and when each was written. */
export function runsOf(folder: string): Record<string, number> {
  const points = readdirSync(join(folder, 'points'));
  return Object.fromEntries(
    points.map((key) => [key, statSync(join(folder, 'points', key, 'run.json')).mtimeMs]),
  );
}
