/** Benchmarks against a baseline: what is a difference, what fails, what comes first. */
import { describe, expect, it } from 'vitest';
import type { BenchCase, BenchDocument, BenchMetric } from '../src/studies/bench/document.js';
import { customBenchmark, junit } from '../src/studies/bench/exports.js';
import { benchMarkdown, benchTable, differenceText } from '../src/studies/bench/table.js';
import { baselineOf } from '../src/studies/bench/baseline.js';
import { compareBench, EXACTLY } from '../src/studies/bench/compare.js';

const cycles = (value: number): BenchMetric => ({
  value,
  unit: 'cycles',
  better: 'lower',
  kind: 'sim',
});
const speed = (value: number): BenchMetric => ({
  value,
  unit: 'tokens/s',
  better: 'higher',
  kind: 'sim',
});
const time = (value: number): BenchMetric => ({
  value,
  unit: 'reference loops',
  better: 'lower',
  kind: 'host',
});
const HOST = { name: 'here', cpu: 'one', cores: 2, platform: 'linux x64', node: '20.0.0' };

function of(id: string, metrics: BenchCase['metrics'], rest: Partial<BenchCase> = {}): BenchCase {
  return { id, configHash: 'a', metrics, ...rest };
}
function documentOf(...cases: BenchCase[]): BenchDocument {
  return { schema: 'wafersim.bench/1', cases };
}
const compared = (before: BenchDocument, after: BenchDocument, limits = EXACTLY) =>
  compareBench(before, after, 'baseline.json', limits);

describe('simulated numbers', () => {
  it('that are equal are no difference', () => {
    const same = documentOf(of('a', { cycles: cycles(100), rate: speed(0.1 + 0.2) }));
    const { differences, passed, compared: count } = compared(same, structuredClone(same));
    expect(differences).toEqual([]);
    expect(passed).toBe(true);
    expect(count).toBe(2);
  });

  it('fail when worse by the smallest step, in the direction that is worse for them', () => {
    const before = documentOf(of('a', { cycles: cycles(1e9), rate: speed(1) }));
    const slower = documentOf(of('a', { cycles: cycles(1e9 + 1), rate: speed(1 - 2 ** -53) }));
    const faster = documentOf(of('a', { cycles: cycles(1e9 - 1), rate: speed(1 + 2 ** -52) }));
    expect(compared(before, slower)).toMatchObject({ passed: false });
    expect(compared(before, slower).differences.map(({ verdict }) => verdict)).toEqual([
      'regression',
      'regression',
    ]);
    expect(compared(before, faster)).toMatchObject({ passed: true });
    expect(compared(before, faster).differences.map(({ verdict }) => verdict)).toEqual([
      'better',
      'better',
    ]);
  });

  it('may be worse within a tolerance, and are reported all the same', () => {
    const before = documentOf(of('a', { cycles: cycles(1000) }));
    const limits = { ...EXACTLY, tolerance: 0.01 };
    const at = (value: number) =>
      compared(before, documentOf(of('a', { cycles: cycles(value) })), limits);
    expect(at(1010)).toMatchObject({ passed: true, differences: [{ verdict: 'worse' }] });
    expect(at(1011)).toMatchObject({ passed: false, differences: [{ verdict: 'regression' }] });
  });

  it('fail when exact is asked for with any change: better, new, and worse within a tolerance', () => {
    const before = documentOf(of('a', { cycles: cycles(1000), rate: speed(5) }));
    const exact = { ...EXACTLY, exact: true };
    const at = (metrics: BenchCase['metrics'], ...more: BenchCase[]) =>
      compared(before, documentOf(of('a', metrics), ...more), exact);
    const same = { cycles: cycles(1000), rate: speed(5) };
    expect(at(same)).toMatchObject({ exact: true, passed: true, differences: [] });
    for (const metrics of [
      { ...same, cycles: cycles(999) },
      { ...same, rate: speed(5.1) },
      { ...same, further: cycles(1) },
      { cycles: cycles(1000) },
    ]) {
      expect(at(metrics)).toMatchObject({ passed: false });
      const text = benchMarkdown({ ...documentOf(), comparison: at(metrics) });
      expect(text).toContain('### wafersim bench: 1 change\n');
    }
    expect(at(same, of('b', { cycles: cycles(1) }))).toMatchObject({ passed: false });
    expect(at(same, of('b', { time: time(1) }))).toMatchObject({ passed: true });
    const within = { ...exact, tolerance: 0.5 };
    const slower = documentOf(of('a', { ...same, cycles: cycles(1001) }));
    expect(compared(before, slower, within)).toMatchObject({ passed: false });
  });

  it('fail with a case whose machine failed, though no other number changed', () => {
    const same = documentOf(of('a', { cycles: cycles(1) }));
    const after = documentOf(...same.cases, { ...of('b', {}), failed: 'does not fit' });
    expect(compared(same, after)).toMatchObject({ differences: [], passed: false });
    expect(compared(same, same)).toMatchObject({ differences: [], passed: true });
  });

  it('of another configuration are compared, and the case is named', () => {
    const at = (a: string, b: string) =>
      documentOf(
        of('a', { cycles: cycles(1) }, { configHash: a }),
        of('b', { cycles: cycles(1) }, { configHash: b }),
      );
    const comparison = compared(at('x', 'y'), at('x', 'z'));
    expect(comparison).toMatchObject({ otherConfigurations: ['b'], differences: [], compared: 2 });
    const text = benchTable({ ...at('x', 'z'), comparison }, { color: false });
    expect(text).toMatch(/^other configuration than in the baseline: b$/m);
    expect(compared(at('x', 'y'), at('x', 'y')).otherConfigurations).toEqual([]);
    // What holds nothing that was compared has no configuration to speak of.
    const hostOnly = (hash: string) => documentOf(of('a', { time: time(1) }, { configHash: hash }));
    expect(compared(hostOnly('x'), hostOnly('y')).otherConfigurations).toEqual([]);
  });

  it('are listed worst first, with the operators that changed most', () => {
    const breakdown = (softmax: number) => ({ norm: 10, softmax, mlp: 30 });
    const before = documentOf(
      of('little', { cycles: cycles(1000) }),
      of('much', { cycles: cycles(100) }, { breakdown: breakdown(60) }),
      of('better', { cycles: cycles(100) }),
    );
    const after = documentOf(
      of('little', { cycles: cycles(1001) }),
      of('much', { cycles: cycles(150) }, { breakdown: breakdown(110) }),
      of('better', { cycles: cycles(10) }),
      of('added', { cycles: cycles(1) }),
    );
    const { differences } = compared(before, after);
    expect(differences.map(({ id }) => id)).toEqual(['much', 'little', 'better', 'added']);
    expect(differences[0].operators).toEqual([{ operator: 'softmax', before: 60, after: 110 }]);
    expect(differenceText(differences[0])).toBe(
      'regression much cycles: 100 -> 150 cycles (+50.00 %); softmax +50',
    );
  });

  it('that are no longer measured fail, case by case and metric by metric', () => {
    const before = documentOf(
      of('a', { cycles: cycles(1), rate: speed(1) }),
      of('b', { cycles: cycles(1) }),
    );
    const after = documentOf(of('a', { cycles: cycles(1) }));
    const { differences, passed } = compared(before, after);
    expect(passed).toBe(false);
    expect(differences.map(({ id, metric, verdict }) => [id, metric, verdict])).toEqual([
      ['a', 'rate', 'gone'],
      ['b', undefined, 'gone'],
    ]);
  });

  it('of cases left out on purpose are no loss', () => {
    const before = documentOf(of('a', { cycles: cycles(1) }), of('b', { cycles: cycles(1) }));
    const part = documentOf(of('a', { cycles: cycles(1) }));
    const { differences } = compareBench(before, part, '', EXACTLY, (id) => id === 'a');
    expect(differences).toEqual([]);
  });

  it('of a name that every object has are metrics like others', () => {
    const before = documentOf(of('a', { cycles: cycles(1) }));
    const after = documentOf(of('a', { cycles: cycles(1), constructor: cycles(2) }));
    const { differences } = compared(before, after);
    expect(differences).toMatchObject([{ metric: 'constructor', verdict: 'new' }]);
    expect(compared(after, before).differences).toMatchObject([{ verdict: 'gone' }]);
  });
});

describe('numbers of the host', () => {
  const at = (loops: number, host = HOST): BenchDocument => ({
    ...documentOf(
      of('a', { time: time(loops) }, { host: { wallSeconds: 1, referenceSeconds: 0.01 } }),
    ),
    host,
  });

  it('count beyond a threshold and a floor, in either direction', () => {
    expect(compared(at(1000), at(1490)).differences).toEqual([]);
    expect(compared(at(1000), at(1510)).differences).toMatchObject([{ verdict: 'regression' }]);
    expect(compared(at(1510), at(1000)).differences).toMatchObject([{ verdict: 'better' }]);
    // Three times as long, but by less than a second.
    expect(compared(at(40), at(120)).differences).toEqual([]);
  });

  it('know no tolerance: that is for simulated numbers', () => {
    const limits = { ...EXACTLY, tolerance: 1 };
    expect(compared(at(1000), at(1510), limits)).toMatchObject({
      passed: false,
      differences: [{ verdict: 'regression' }],
    });
    expect(compared(at(1000), at(1490), limits)).toMatchObject({ passed: true, differences: [] });
  });

  it('that are better beyond the noise are fine, exactly compared or not', () => {
    const exact = { ...EXACTLY, exact: true };
    expect(compared(at(1510), at(1000), exact)).toMatchObject({
      passed: true,
      differences: [{ verdict: 'better' }],
    });
    expect(compared(at(1000), at(1510), exact)).toMatchObject({ passed: false });
  });

  it('are not compared with those of another host, nor with none', () => {
    const elsewhere = compared(at(1000, { ...HOST, name: 'there' }), at(9000));
    expect(elsewhere).toMatchObject({ passed: true, differences: [], compared: 0 });
    expect(elsewhere.host).toContain('another host (there');
    const { host: _, ...none } = at(1000);
    expect(compared(none, at(9000)).host).toContain('holds none');
  });

  it('stay out of a baseline unless asked for', () => {
    const kept = JSON.stringify(baselineOf(at(1000), false));
    expect(kept).not.toMatch(/here|reference/);
    expect(baselineOf(at(1000), true)).toEqual(at(1000));
  });
});

describe('a baseline', () => {
  it('has its cases in order, and keeps those that were not measured', () => {
    const before = documentOf(of('b', { cycles: cycles(1) }), of('c', { cycles: cycles(1) }));
    const after = documentOf(of('d', { cycles: cycles(2) }), of('b', { cycles: cycles(2) }));
    const { cases } = baselineOf(after, false, before, (id) => id === 'c');
    expect(cases.map(({ id, metrics }) => [id, metrics['cycles'].value])).toEqual([
      ['b', 2],
      ['c', 1],
      ['d', 2],
    ]);
  });

  it('keeps the times of cases that were not measured if they are of the same host', () => {
    const [old, fresh] = [of('a', { time: time(7) }), of('b', { time: time(9) })];
    const updated = (name: string) =>
      baselineOf(
        { ...documentOf(fresh), host: HOST },
        true,
        { ...documentOf(old), host: { ...HOST, name } },
        (id) => id === 'a',
      ).cases.map(({ id }) => id);
    expect(updated('here')).toEqual(['a', 'b']);
    expect(updated('there')).toEqual(['b']);
  });
});

describe('reports', () => {
  const before = documentOf(of('a|<b>', { cycles: cycles(1) }), of('c', { cycles: cycles(1) }));
  const measured = documentOf(of('a|<b>', { cycles: cycles(2), rate: speed(3), time: time(9) }), {
    ...of('c', {}),
    failed: 'does not "fit" & more\u0001',
  });
  const document = { ...measured, comparison: compared(before, measured) };

  it('as JUnit have a failure per regression and an error per broken machine, escaped', () => {
    const text = junit(document);
    expect(text).toContain('tests="2" failures="1" errors="1"');
    // Both the suites and the suite have a time, the sum of their cases', and when they began.
    const timed = junit(
      {
        ...document,
        cases: document.cases.map((each, i) => ({
          ...each,
          host: { wallSeconds: 1.25 + i, referenceSeconds: 1 },
        })),
      },
      '2026-01-31T23:59:58',
    );
    const opened = / errors="1" time="3\.500" timestamp="2026-01-31T23:59:58">$/gm;
    expect(timed.match(opened)).toHaveLength(2);
    expect(timed).toContain('name="c" time="2.250"');
    expect(text).not.toContain('timestamp');
    expect(text).toContain('name="a|&lt;b&gt;"');
    expect(text).toContain('message="regression a|&lt;b&gt; cycles: 1 -&gt; 2 cycles (+100.00 %)"');
    expect(text).toContain('<error message="does not &quot;fit&quot; &amp; more\uFFFD"/>');
    expect(text).not.toContain('\u0001');
  });

  it('for github-action-benchmark have simulated numbers, one direction to a file', () => {
    const entries = (better: 'lower' | 'higher') =>
      (JSON.parse(customBenchmark(document, better)) as { name: string; value: number }[]).map(
        ({ name, value }) => [name, value],
      );
    expect(entries('lower')).toEqual([['a|<b>: cycles', 2]]);
    expect(entries('higher')).toEqual([['a|<b>: rate', 3]]);
  });

  it('as Markdown and as a table say the verdict and the differences', () => {
    const markdown = benchMarkdown(document);
    expect(markdown).toContain('### wafersim bench: 1 failed');
    expect(markdown).toContain('- regression a\\|\\<b\\> cycles: 1 -\\> 2 cycles');
    expect(markdown).toMatch(/^\| a\\\|\\<b\\> \| cycles \| 2 \| cycles \|/m);
    const table = benchTable(document, { color: false });
    expect(table).toContain('regression a|<b> cycles: 1 -> 2 cycles (+100.00 %)');
    expect(table).toContain('c: does not "fit"');
  });
});
