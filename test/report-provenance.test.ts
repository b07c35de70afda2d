/** Where a page says a result comes from, and the requests that it lists. */
import { afterEach, describe, expect, it } from 'vitest';
import { commandText, dateText, provenanceFor } from '../src/cli/provenance.js';
import { loadConfig } from '../src/config.js';
import { htmlReport } from '../src/report/html.js';
import { provenanceOf } from '../src/report/html-provenance.js';
import { pageRequests } from '../src/studies/serve/page-requests.js';
import { bearingOn } from '../src/studies/validate/bearing.js';
import { ttftMs } from '../src/serving/metrics.js';
import { reportRun, servingOf, TOOLS } from './helpers/report-run.js';
import { options, pipeline, request, serve } from './serving-helpers.js';

describe('the command of a page', () => {
  it('is one that a shell takes for the same words', () => {
    expect(commandText(['run', 'a b.yaml', '--set', 'workload.prompt="it\'s"'])).toBe(
      `wafersim run 'a b.yaml' --set 'workload.prompt="it'\\''s"'`,
    );
    expect(commandText(['run', 'configs/tiny.yaml', '--set', 'a.b=1'])).toBe(
      'wafersim run configs/tiny.yaml --set a.b=1',
    );
  });
});

describe('the date of a page', () => {
  const { SOURCE_DATE_EPOCH: before } = process.env;
  afterEach(() => {
    if (before === undefined) delete process.env['SOURCE_DATE_EPOCH'];
    else process.env['SOURCE_DATE_EPOCH'] = before;
  });

  it('is now, unless another one is set', () => {
    delete process.env['SOURCE_DATE_EPOCH'];
    expect(dateText()).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d UTC$/);
    process.env['SOURCE_DATE_EPOCH'] = '86400';
    expect(dateText()).toBe('1970-01-02 00:00 UTC');
  });
});

describe('the measurements that bear on a run', () => {
  it('are those of its machine, and of services with its model', () => {
    const ids = (wafer: string, model: string) => bearingOn(wafer, model).map(({ id }) => id);
    expect(ids('WSE-3', 'llama-3.1-8b')).toContain('service-llama3.1-8b');
    expect(ids('WSE-3', 'llama-3.1-8b')).not.toContain('service-llama3.1-70b');
    expect(ids('WSE-2', 'tiny')).toContain('reduce-two-phase-512x4096-s16');
    expect(ids('WSE-2', 'tiny').filter((id) => id.startsWith('service-'))).toEqual([]);
    expect(ids('small', 'tiny')).toEqual([]);
  });
});

describe('where a run comes from', () => {
  const { run, detail } = reportRun('layer');

  it('is version, key and hash alone, where nothing else is known', () => {
    const text = provenanceOf(run);
    expect(text).toContain(`<th scope="row">key</th><td>${run.key}</td>`);
    expect(text).not.toMatch(/command|date/);
  });

  it('has every number of the hardware with its source, and every rule', () => {
    const provenance = provenanceFor(loadConfig('configs/wse3.yaml'));
    const page = htmlReport(run, detail, 'text', TOOLS, { provenance });
    expect(page).toContain('<th scope="row">fabric.hopCycles</th><td>2');
    for (const { source } of provenance.numbers.slice(0, 5))
      expect(page).toContain(source.slice(0, 30).replaceAll("'", '&#39;'));
    expect(page).toContain('service-llama3.1-8b');
    expect(page).toContain('fitted: ');
    expect(provenance.assumptions.length).toBeGreaterThan(10);
  });
});

describe('the requests that a page lists', () => {
  const requests = Array.from({ length: 40 }, (_, id) => request(id, id * 2e6, 50 + id, 30));
  const { served } = serve(requests, options(pipeline(8, 10_000)));
  const column = (list: ReturnType<typeof pageRequests>, name: string) =>
    list.columns.find((one) => one.name === name)!.cells;

  it('have their latencies in ms, and say which meet the limits', () => {
    const all = pageRequests(served, {}, 1);
    expect(all.total).toBe(40);
    expect(column(all, 'ttftMs')).toEqual(served.map((one) => Math.round(ttftMs(one) * 1e6) / 1e6));
    const [first] = column(all, 'ttftMs') as number[];
    const limited = column(pageRequests(served, { ttftMs: first }, 1), 'good');
    expect(limited[0]).toBe(true);
    expect(limited).toEqual(served.map((one) => ttftMs(one) <= first));
    expect(column(all, 'good').every(Boolean)).toBe(true);
  });

  it('are the first of very many, and the page says so', () => {
    const many = Array.from({ length: 5_000 }, (_, i) => served[i % 40]);
    const list = pageRequests(many, {}, 2);
    expect(column(list, 'id')).toHaveLength(2_000);
    const { run, detail } = reportRun('layer');
    const page = htmlReport({ ...run, serving: servingOf('') }, detail, 'text', TOOLS, {
      requests: [list],
    });
    expect(page).toContain('The first 2,000 of 5,000; all are in requests.csv.');
  });
});
