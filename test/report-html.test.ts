/** The page of a run as text: it needs nothing else, and no name in a configuration becomes markup. */
import { inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { htmlReport } from '../src/report/html.js';
import { escapeHtml, scriptJson } from '../src/report/html-escape.js';
import { SCRIPT } from '../src/report/page-script.js';
import { reportRun, servingOf, TOOLS } from './helpers/report-run.js';

function pageOf(name: string, wafers = 1): string {
  const { run, detail } = reportRun(name, wafers);
  return htmlReport(run, detail, `text of ${name}`, TOOLS);
}

/** Tags with their attributes; the measures of drawings apart, which depend on lengths of names. */
function tagsOf(page: string): string[] {
  const outside = page.replaceAll(/(<script[^>]*>)[\s\S]*?<\/script>/g, '$1</script>');
  return outside.match(/<[a-z/!][^>]*>/gi) ?? [];
}

const HOSTILE = [
  '<script>alert(1)</script>',
  '</script><script>alert(1)</script>',
  '</title></pre></svg><img src=x onerror=alert(1)>',
  '" onload="alert(1)" x="',
  "' autofocus onfocus='alert(1)",
  '<!--<script>',
  ']]><svg onload=alert(1)>',
  '&lt;b&gt; ${alert(1)} `',
  '__proto__',
  'a\u2028b\u0000c\u001B[31m',
];

describe('a report', () => {
  it.each(HOSTILE)('shows the name %j as text', (name) => {
    const page = pageOf(name);
    const harmless = pageOf('x'.repeat(name.length));
    expect(tagsOf(page)).toEqual(tagsOf(harmless));
    expect(page.match(/<script/g)).toHaveLength(2);
    expect(page.match(/<\/script/g)).toHaveLength(2);
    expect(page).not.toContain('<!--');
    expect(page).toContain(`<h1>${escapeHtml(`${name} on ${name}`)}</h1>`);
  });

  it.each(HOSTILE)('hands the name %j to its script as it is', (name) => {
    const json = /id="data">([\s\S]*?)<\/script>/.exec(pageOf(name))?.[1] ?? '';
    const { wafers } = JSON.parse(json) as { wafers: { regions: { name: string }[] }[] };
    expect(wafers[0].regions.map((region) => region.name)).toEqual([`${name} 0`, `${name} 1`]);
  });

  it('lets no script run but its own, and nothing be fetched', () => {
    const page = pageOf('layer');
    const policy = /Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1] ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain(`script-src 'sha256-${TOOLS.sha256(SCRIPT)}'`);
    expect(page).toContain(`<script>${SCRIPT}</script>`);
    expect(page).not.toMatch(/\bsrc=|https?:|url\(|@import|fetch\(|import\(/);
    expect([...page.matchAll(/href="([^"]*)"/g)].map(([, target]) => target)).toEqual(['data:,']);
  });

  it('writes no markup from its script', () => {
    expect(SCRIPT).not.toMatch(
      /innerHTML|outerHTML|insertAdjacent|document\.write|eval|Function\(/,
    );
  });

  it('shows the numbers, the breakdown, the configuration and the text of the run', () => {
    const page = pageOf('layer');
    for (const text of ['12,345.6', '24,691.2', '0.081 ms', 'a1b2c3', 'text of layer'])
      expect(page).toContain(text);
    expect(page).toContain(
      '>layer a</button></th><td>500</td><td>50.0 %</td><td>300</td><td>200</td>',
    );
    expect(page).toContain('<th scope="row">wait for input</th><td>30</td><td>3.0 %</td>');
    expect(page).toContain(escapeHtml('"layer": "layer"'));
  });

  it('carries its document and the files that it is given, deflated', () => {
    const { run, detail } = reportRun('layer');
    const files = { 'operators.csv': 'operator,cycles\na,1\n' };
    const page = htmlReport(run, detail, 'text', TOOLS, { files });
    const json = /id="data">([\s\S]*?)<\/script>/.exec(page)![1];
    const { downloads } = JSON.parse(json) as {
      downloads: { name: string; files: Record<string, string> };
    };
    const text = (name: string) =>
      inflateSync(Buffer.from(downloads.files[name], 'base64')).toString('utf8');
    expect(downloads.name).toBe('a1b2c3');
    expect(JSON.parse(text('run.json'))).toEqual(JSON.parse(JSON.stringify(run)));
    expect(text('operators.csv')).toBe(files['operators.csv']);
    for (const name of ['run.json', 'operators.csv'])
      expect(page).toContain(`<button data-file="${name}">${name}</button>`);
  });

  it('draws each region to scale on the floor plan of its wafer', () => {
    const page = pageOf('layer', 2);
    const plans = page.split('<text x="1" y="11">').slice(1);
    expect(plans).toHaveLength(2);
    expect(plans[0]).toContain('wafer 0: 40 x 30 cores');
    // 40 cores are 520 pixels.
    expect(plans[1]).toContain(
      '<title>layer 3: 20 x 20 cores at 20, 5</title><rect class="region" x="260" y="65" width="260" height="260"/>',
    );
    expect(plans[0]).not.toContain('<title>layer 3:');
  });

  it('draws each stage on the timeline from its start to its end, with its operators', () => {
    const page = pageOf('layer', 2);
    const timeline = page.slice(page.indexOf('Timeline of a token'));
    expect(timeline).toContain('layer 3: cycle 750 to 1,000, 250 cycles');
    expect(timeline).toContain(
      'layer 3: cycle 750 to 1,000, 250 cycles\nlayer a: 100 cycles, 60 of them compute',
    );
    const bar =
      /<title>layer 1: [^<]*<\/title><rect class="region" data-stage="1" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"/;
    const [, x, width] = bar.exec(timeline) ?? [];
    // A quarter of 942 pixels each, after 130 of names.
    expect([x, width]).toEqual(['365.5', '235.5']);
  });
});

describe('what goes into a page', () => {
  it('is escaped as text', () => {
    expect(escapeHtml(`<a href="x">'&'</a>\u0007\n`)).toBe(
      '&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;\uFFFD\n',
    );
  });

  it('is the same value as JSON in a script, without a character that ends one', () => {
    const value = { text: '</script><!-- &amp; \u2028\u2029' };
    expect(scriptJson(value)).not.toMatch(/[<>&\u2028\u2029]/);
    expect(JSON.parse(scriptJson(value))).toEqual(value);
  });
});

describe('the page of a serving run', () => {
  const page = (name: string) => {
    const { run, detail } = reportRun('layer');
    const serving = servingOf(name);
    return htmlReport({ ...run, serving, scenarios: [serving] }, detail, 'text', TOOLS);
  };

  it('says of every scenario how fast one user and all users together are', () => {
    const { outputSpeed, outputThroughput } = servingOf('one');
    const row = /<tr><th scope="row">one<\/th>.*<\/tr>/.exec(page('one'))![0];
    expect(row).toContain(`<td>${Math.round(outputSpeed.p50).toLocaleString('en-US')}</td>`);
    expect(row).toContain(`<td>${Math.round(outputThroughput).toLocaleString('en-US')}</td>`);
  });

  it('draws what happened when, and every latency by percentile, to its own scale', () => {
    const { series, distributions } = servingOf('one');
    const labels = [...page('one').matchAll(/aria-label="([^"]*): at most ([\d.,]+)"/g)].map(
      ([, title, most]) => [title, Number(most.replaceAll(',', ''))],
    );
    const most = (values: number[]) => {
      const value = Math.max(...values);
      return value < 1 ? Math.round(value * 1000) / 1000 : Math.round(value * 10) / 10;
    };
    expect(labels).toEqual([
      ['arrivals per second', most(series.arrived.map((n) => n / series.intervalSeconds))],
      ['requests in the system', most(series.inSystem)],
      ['output tokens/s, all users', most(series.outputTokensPerSecond)],
      ['TTFT, ms', most(distributions.ttftMs)],
      ['TPOT, ms', most(distributions.tpotMs)],
      ['E2EL, ms', most(distributions.e2elMs)],
    ]);
  });

  it.each(HOSTILE)('shows the scenario %j as text', (name) => {
    expect(tagsOf(page(name))).toEqual(tagsOf(page('x')));
    expect(page(name)).toContain(`<h3>${escapeHtml(name)}</h3>`);
  });

  it('is no part of a run that serves nothing', () => {
    expect(pageOf('layer')).not.toContain('Requests');
  });
});
