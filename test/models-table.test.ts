/** The table of models in README.md: what the suite of models measured, and what the benchmarks measure alike. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { bundled } from '../src/bundled.js';
import { readBaseline } from '../src/studies/bench/baseline.js';
import { readSuite } from '../src/studies/bench/suite.js';
import { partOf } from '../src/studies/documentation/markers.js';
import { modelsMarkdown } from '../src/studies/documentation/models-table.js';

const measured = readBaseline(bundled('bench/models/baseline.json')).cases;

it('is what was measured last, a row for each model', () => {
  const table = modelsMarkdown();
  expect(partOf(readFileSync(bundled('README.md'), 'utf8'), 'models').trim()).toBe(table.trim());
  const rows = table.trim().split('\n').slice(2);
  const models = readSuite(bundled('bench/models/suite.yaml')).filter(({ id }) =>
    id.endsWith('4k'),
  );
  expect(rows.length).toBe(models.length);
  const llama = rows.find((row) => row.includes('llama-3.1-8b'))!;
  expect(llama).toMatch(/\| 8\.03 B \| 8\.03 B \| 16 \| 1 \| 349,869 \| 2,501 \|/);
  const experts = rows.find((row) => row.includes('gpt-oss-120b'))!;
  expect(experts).toMatch(/\| 117 B \| 5\.71 B \| mxfp4 experts, rest 16 \| 4 \| 585,153 \|/);
});

it('has every case of its suite, with the numbers that the benchmarks have of the same configuration', () => {
  const ids = readSuite(bundled('bench/models/suite.yaml')).map(({ id }) => id);
  expect(measured.map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
  const benchmarks = readBaseline(bundled('bench/baseline.json')).cases;
  const known = new Map(benchmarks.map((each) => [each.configHash, each.metrics]));
  const both = measured.filter(({ configHash }) => known.has(configHash));
  expect(both.length).toBeGreaterThan(5);
  for (const { id, configHash, metrics } of both)
    expect(metrics, id).toEqual(known.get(configHash));
});
