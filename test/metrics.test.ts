/** The metrics: each number where the document has it, and every reader shows what the lists say. */
import { describe, expect, it } from 'vitest';
import { htmlReport } from '../src/report/html.js';
import {
  BENCHED,
  BENCHED_SERVED,
  COMPARED,
  HEADLINE,
  METRICS,
  SERVED,
  textOf,
  type MetricKey,
} from '../src/report/metrics.js';
import { markdownTable } from '../src/report/format.js';
import { runTable } from '../src/report/table.js';
import { comparison } from '../src/studies/compare/compare.js';
import { compareMarkdown, compareTable } from '../src/studies/compare/table.js';
import { reportRun, TOOLS } from './helpers/report-run.js';

const { run, detail } = reportRun('layer', 2);
const keys = Object.keys(METRICS) as MetricKey[];

describe('the metrics of a run', () => {
  it('are numbers of its document', () => {
    const { decode, placement, fabric } = run;
    const values = Object.fromEntries(keys.map((key) => [key, METRICS[key].of(run)]));
    expect(values).toEqual({
      cyclesPerToken: decode.cyclesPerToken,
      tokensPerSecondPerUser: decode.tokensPerSecondPerUser,
      tokensPerSecond: decode.tokensPerSecond,
      tpotMs: decode.tpotMs,
      // Two regions of 20 x 20 cores next to each other on each of two wafers: the only links are between these.
      handOffHops: 2,
      handOffCycles: 0,
      tokenCycles: 0,
      waveletHops: fabric.waveletHops,
      peakLinkUtilization: fabric.peakLinkUtilization,
      sramPeakBytesPerCore: placement.sramPeakBytesPerCore,
      sramUsedBytes: placement.sramUsedBytes,
      coresUsed: placement.coresUsed,
      wafers: 2,
      checkPassed: undefined,
    });
  });

  it('take hand-offs out of the breakdown, and a check as 1 or 0', () => {
    const spent = (cycles: number) => ({ cycles, compute: 0, communication: cycles });
    const breakdown = { 'hand-off': spent(70), token: spent(7) };
    const check = { logitsMaxRelativeError: 0, tolerance: 1e-4 };
    const one = {
      ...run,
      decode: { ...run.decode, breakdown },
      check: { ...check, passed: false },
    };
    expect(METRICS.handOffCycles.of(one)).toBe(70);
    expect(METRICS.tokenCycles.of(one)).toBe(7);
    expect(METRICS.checkPassed.of(one)).toBe(0);
    expect(METRICS.checkPassed.of({ ...one, check: { ...check, passed: true } })).toBe(1);
  });

  it('have a title each', () => {
    for (const metrics of [METRICS, SERVED]) {
      const titles = Object.values(metrics).map(({ title }) => title);
      expect(new Set(titles).size).toBe(titles.length);
    }
  });

  it('are shown as these lists say, which documents and baselines rely on', () => {
    const speeds = ['tokensPerSecondPerUser', 'tokensPerSecond'];
    expect(HEADLINE.map(([key]) => key)).toEqual([...speeds, 'tpotMs', 'cyclesPerToken']);
    expect(COMPARED).toEqual([
      ...['cyclesPerToken', ...speeds, 'handOffHops', 'handOffCycles', 'tokenCycles'],
      ...['waveletHops', 'peakLinkUtilization', 'sramPeakBytesPerCore', 'sramUsedBytes'],
      ...['coresUsed', 'wafers'],
    ]);
    expect(BENCHED).toEqual([
      ...['waveletHops', 'sramPeakBytesPerCore', 'wafers'],
      ...['cyclesPerRound', 'speculativeTokensPerSecondPerUser', 'checkPassed'],
    ]);
    expect(BENCHED_SERVED).toEqual([
      ...['outputSpeedP50', 'outputThroughput', 'ttftP99Ms', 'tpotP99Ms'],
    ]);
  });

  it('head the text and the page of a run', () => {
    const text = runTable(run, { color: false });
    const page = htmlReport(run, detail, text, TOOLS);
    for (const [key, before, after] of HEADLINE.slice(1))
      expect(text).toContain(`\n  ${before.padEnd(12)}${textOf(METRICS[key], run)}${after}\n`);
    for (const [key] of HEADLINE)
      expect(page).toContain(`<dt>${METRICS[key].title}</dt><dd>${textOf(METRICS[key], run)}</dd>`);
  });

  it('are the rows of a comparison, and the fields of its document', () => {
    const document = comparison([run], ['one']);
    const [text, markdown] = [compareTable(document, { color: false }), compareMarkdown(document)];
    for (const key of COMPARED) {
      const { title, of } = METRICS[key];
      expect(document.rows[0][key]).toBe(of(run));
      expect(text).toMatch(new RegExp(`^ *${title} +${textOf(METRICS[key], run)}$`, 'm'));
      expect(markdown).toContain(`| ${title} | ${textOf(METRICS[key], run)} |`);
    }
  });

  it('are shown as - where a document has none', () => {
    expect(textOf(METRICS.checkPassed, run)).toBe('-');
    const served = { ttftMs: { p50: NaN, p99: null } } as never;
    expect([textOf(SERVED.ttftP50Ms, served), textOf(SERVED.ttftP99Ms, served)]).toEqual([
      '-',
      '-',
    ]);
  });
});

describe('a table in Markdown', () => {
  it('has its columns to the left and to the right, and no cell that ends early', () => {
    expect(markdownTable(['a', 'b', 'c'], [['x|y', '1', '2']])).toBe(
      '| a | b | c |\n| :-- | --: | --: |\n| x\\|y | 1 | 2 |',
    );
    expect(markdownTable(['a', 'b'], [], 2)).toBe('| a | b |\n| :-- | :-- |');
    expect(markdownTable(['a', 'b'], [['1', '2']], ['--:', ':--'])).toContain('| --: | :-- |');
  });
});
