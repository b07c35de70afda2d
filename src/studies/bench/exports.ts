/** Benchmarks in the forms that CI services read: JUnit XML, and github-action-benchmark's JSON. */
import { failing as failingOf } from './document.js';
import type { BenchCase, BenchDifference, BenchDocument, BenchMetric } from './document.js';
import { differenceText } from './table.js';

/**
 * A test per case: it fails with its regressions, and is an error if the simulated machine failed. Times
 * are those of the host; `timestamp` says when the benchmarks began, in ISO 8601 (`2025-01-31T23:59:59`).
 * https://github.com/testmoapp/junitxml
 */
export function junit({ cases, comparison }: BenchDocument, timestamp?: string): string {
  const broken = new Set(cases.filter(({ failed }) => failed !== undefined).map(({ id }) => id));
  // A test has one outcome: that of a broken machine is an error.
  const failing = (comparison ? failingOf(comparison) : []).filter(({ id }) => !broken.has(id));
  const known = new Set(cases.map(({ id }) => id));
  // Cases that are gone have no test of their own otherwise.
  const gone = [...new Set(failing.map(({ id }) => id))].filter((id) => !known.has(id));
  const all: Pick<BenchCase, 'id' | 'failed' | 'host'>[] = [
    ...cases,
    ...gone.map((id) => ({ id })),
  ];
  const tests = all.map((each) => testCase(each, failing));
  const failures = new Set(failing.map(({ id }) => id)).size;
  const seconds = all.reduce((sum, { host }) => sum + (host?.wallSeconds ?? 0), 0);
  const counts =
    `tests="${all.length}" failures="${failures}" errors="${broken.size}" ` +
    `time="${seconds.toFixed(3)}"${timestamp === undefined ? '' : ` timestamp="${xml(timestamp)}"`}`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="wafersim bench" ${counts}>`,
    `  <testsuite name="wafersim bench" ${counts}>`,
    ...tests,
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

function testCase(
  { id, failed, host }: Pick<BenchCase, 'id' | 'failed' | 'host'>,
  failing: BenchDifference[],
): string {
  const seconds = (host?.wallSeconds ?? 0).toFixed(3);
  const open = `    <testcase classname="wafersim.bench" name="${xml(id)}" time="${seconds}"`;
  if (failed !== undefined)
    return `${open}>\n      <error message="${xml(failed)}"/>\n    </testcase>`;
  const own = failing.filter((difference) => difference.id === id);
  if (own.length === 0) return `${open}/>`;
  const lines = own.map(differenceText);
  const message = xml(lines[0]);
  return `${open}>\n      <failure message="${message}">${xml(lines.join('\n'))}</failure>\n    </testcase>`;
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Text inside elements and quoted attributes; characters that XML does not know are replaced. */
function xml(text: string): string {
  return text
    .replaceAll(/[^\t\n\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '\uFFFD')
    .replaceAll(/[&<>"]/g, (c) => ENTITIES[c]);
}

/**
 * Simulated metrics of which one direction is better, for the tool `customSmallerIsBetter` or
 * `customBiggerIsBetter`. https://github.com/benchmark-action/github-action-benchmark
 */
export function customBenchmark(
  { cases }: BenchDocument,
  direction: BenchMetric['better'],
): string {
  const entries = cases.flatMap(({ id, configHash, metrics }) =>
    Object.entries(metrics)
      .filter(([, { kind, better }]) => kind === 'sim' && better === direction)
      .map(([metric, { unit, value }]) => ({
        name: `${id}: ${metric}`,
        unit,
        value,
        extra: `configuration ${configHash}`,
      })),
  );
  return `${JSON.stringify(entries, null, 2)}\n`;
}
