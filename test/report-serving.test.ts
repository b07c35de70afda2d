/** What was served, as text, on a page and side by side: every line against the number that it shows. */
import { describe, expect, it } from 'vitest';
import { capacityTable } from '../src/studies/capacity/table.js';
import { compareMarkdown, compareTable } from '../src/studies/compare/table.js';
import { htmlReport } from '../src/report/html.js';
import { servingRows } from '../src/studies/serve/rows.js';
import { scenariosTable, servingTable } from '../src/studies/serve/table.js';
import type { Served } from '../src/serving/request.js';
import { compareRuns, IncomparableError } from '../src/index.js';
import { reportRun, TOOLS } from './helpers/report-run.js';
import { SERVED } from './helpers/served.js';

const PLAIN = { color: false };

describe('the text of a serving run', () => {
  const lines = servingTable(SERVED, PLAIN).split('\n');

  it('has the block that users of vLLM know, each number in its line', () => {
    expect(lines.slice(0, 36)).toEqual([
      'tiny on 2 wafers, azure trace x.csv, latency-first, websocket',
      '',
      '============ Serving Benchmark Result ============',
      'Successful requests:                    1,003',
      'Rejected requests:                      104',
      '    101: needs more positions',
      '    3: something else',
      'Unfinished requests:                    3',
      'Benchmark duration (s):                 12.35',
      'Total input tokens:                     210,987',
      'Total generated tokens:                 65,432',
      'Request throughput (req/s):             81.25',
      'Request goodput (req/s):                77.78',
      'Output token throughput (tok/s):        5,300.28',
      'Total Token throughput (tok/s):         22,391.17',
      '---------------Time to First Token----------------',
      'Mean TTFT (ms):                         11.11',
      'Median TTFT (ms):                       10.10',
      'P90 TTFT (ms):                          19.19',
      'P99 TTFT (ms):                          21.21',
      '-----Time per Output Token (excl. 1st token)------',
      'Mean TPOT (ms):                         0.313',
      'Median TPOT (ms):                       0.303',
      'P90 TPOT (ms):                          0.414',
      'P99 TPOT (ms):                          0.516',
      '---------------Inter-token Latency----------------',
      'Mean ITL (ms):                          0.616',
      'Median ITL (ms):                        0.708',
      'P90 ITL (ms):                           0.819',
      'P99 ITL (ms):                           0.920',
      '----------------End-to-end Latency----------------',
      'Mean E2EL (ms):                         131.31',
      'Median E2EL (ms):                       120.20',
      'P90 E2EL (ms):                          141.41',
      'P99 E2EL (ms):                          151.52',
      '==================================================',
    ]);
  });

  it('has what is the wafer’s own, and the simulated steps under another name', () => {
    expect(lines.slice(36)).toEqual([
      '',
      'On the wafer',
      '  output speed      3,297.1 tokens/s per user (p50), 1,810.4 for the slowest tenth',
      '  throughput        5,300.3 tokens/s, all users together',
      "  a request's time  queue 1.61 ms + transport 2.62 ms + prefill 3.63 ms + decode 4.64 ms (means)",
      '  KV cache          29,016 positions for all users; longest context 512',
      '  128k context      takes 7 wafers; one wafer holds at most 28,028',
      '  energy            8.680 J per output token at 46.01 kW',
      '',
      'Simulated steps (what serving is made of, not what was served)',
      expect.stringMatching(
        /^ +context +cycles, one user +tokens\/s, one user alone +cycles, 4 users +tokens\/s, 4 users together$/,
      ),
      expect.stringMatching(/^ +16 +7,238 +138,159.7 +14,552 +274,876.3$/),
      expect.stringMatching(/^ +259 +8,088 +123,640.1 +16,332 +244,918.2$/),
      '  a prompt streams in as fast as all users together decode; between contexts 0.13 % off at most where checked',
      '',
      '  note: 2 rows of x.csv cannot be used and are left out',
      '',
    ]);
  });

  it('says so where nothing is reached, and - where there is no number', () => {
    const none = { mean: NaN, p50: NaN, p90: NaN, p99: NaN };
    const reach = { oneWafer: 0, wafersFor128k: null };
    const text = servingTable({ ...SERVED, ttftMs: none, reach, wafers: 1 }, PLAIN);
    expect(text).toMatch(/^tiny on 1 wafer, /);
    expect(text).toMatch(/^Mean TTFT \(ms\): +-$/m);
    expect(text).toContain('fits no number of wafers; one wafer does not hold the model\n');
  });

  it('has GPUs in rows of their own, analytic, with their checks', () => {
    const check = {
      model: 'M',
      gpus: 8,
      published: 260.4,
      predicted: 236,
      error: -0.0937,
      source: '',
    };
    const gpu = {
      kind: 'analytic' as const,
      gpu: 'A100',
      gpus: 16,
      outputSpeed: { p10: 1, p50: 83.2, p90: 2 },
      outputThroughput: 1147.5,
      ttftMs: { mean: 3, p50: 33.4, p90: 4, p99: 5 },
      tpotMs: { mean: 6, p50: 7, p90: 8, p99: 9 },
      completed: 1001,
      energy: { watts: 10, joulesPerOutputToken: 0.0711 },
      checks: [check, { ...check, gpus: 1, published: 78.9, predicted: 80.1, error: 0.0152 }],
    };
    const text = servingTable({ ...SERVED, gpus: [gpu] }, PLAIN);
    expect(text).toMatch(/^ +wafers x 2 \(simulated\) +3,297\.1 +5,300\.3 +10\.1 +1,003 +8\.680$/m);
    expect(text).toMatch(/^ +A100 x 16 \(analytic\) +83\.2 +1,147\.5 +33\.4 +1,001 +0\.071$/m);
    expect(text).toContain('  check: M on 8 A100: 236.0 tokens/s, published 260.4 (-9.4 %)\n');
    expect(text).toContain('  check: M on 1 A100: 80.1 tokens/s, published 78.9 (+1.5 %)\n');
  });

  it('has what each parameter of the transport saves, and what would be needed', () => {
    const effect = {
      http: { perRoundTripMs: 95.34, perTokenMicros: 21, timeToFirstTokenMs: 96.09 },
      websocket: { perRoundTripMs: 33.34, perTokenMicros: 20, timeToFirstTokenMs: 34.08 },
      saved: { perRoundTrip: 0.65, perToken: 0.05, timeToFirstToken: 0.645 },
      published: { perRoundTrip: 0.8, perToken: 0.3, timeToFirstToken: 0.5 },
      explainedBy: [
        { parameter: 'round trips', perRoundTrip: 0.61, perToken: 0.02, timeToFirstToken: 0.63 },
      ],
      needed: {
        perRoundTrip: { 'http.requestWorkMs': 76.3, roundTripMs: null },
        perToken: { 'websocket.tokenMicros': 14 },
        timeToFirstToken: { 'http.requestWorkMs': null, roundTripMs: 2.1 },
      },
    };
    const text = servingTable({ ...SERVED, transportEffect: effect }, PLAIN);
    const tail = text
      .slice(text.indexOf('What a persistent'))
      .split('\n')
      .map((line) => line.trim().replaceAll(/ {2,}/g, ' | '));
    expect(tail.slice(0, 11)).toEqual([
      'What a persistent WebSocket saves',
      'per round trip | per token | time to first token (p50)',
      'HTTP | 95.34 ms | 21.0 us | 96.09 ms',
      'WebSocket | 33.34 ms | 20.0 us | 34.08 ms',
      'saved | 65.0 % | 5.0 % | 64.5 %',
      'by round trips | 61.0 % | 2.0 % | 63.0 %',
      'published | 80.0 % | 30.0 % | 50.0 %',
      'to save just the published share, one of these alone:',
      'per round trip: requestWorkMs of HTTP 76.3; roundTripMs of both at no value',
      'per token: tokenMicros of the WebSocket 14.0',
      'time to first token: requestWorkMs of HTTP at no value; roundTripMs of both 2.1',
    ]);
  });

  it('has a row for each scenario, and the notes of those that are not shown in full', () => {
    const other = { ...SERVED, scenario: 'two', parameters: 7000, wafers: 11, notes: ['late'] };
    const text = scenariosTable([{ ...SERVED, scenario: 'one' }, other], PLAIN);
    expect(text).toMatch(
      /^ +one +8\.0 B +2 +512 +138,160 to 123,640 +3,297 +1,810 +5,300 +10\.1 +120\.2 +8\.680$/m,
    );
    expect(text).toMatch(/^ +two +7,000 +11 /m);
    expect(text).toContain('with 16 and with 259 tokens in the cache.\n');
    expect(text).toMatch(/^ {2}note, two: late$/m);
    expect(text).not.toContain('x.csv cannot');
  });
});

describe('the rows of requests', () => {
  const served: Served = {
    request: { id: 7, arrivalNs: 11, promptTokens: 22, outputTokens: 33 },
    outcome: 'completed',
    arrivalNs: 1000,
    queuedNs: 1100,
    firstTokenNs: 1500,
    lastTokenNs: 2500,
    tokens: 32,
    queueNs: 1,
    transportNs: 2,
    prefillNs: 3,
    decodeNs: 4,
  };
  const rowsOf = (scenario: string, ...all: Served[]) =>
    [...servingRows(scenario, all)]
      .join('')
      .trimEnd()
      .split('\n')
      .map((row): unknown => JSON.parse(row));

  it('have times from the arrival on, and the scenario, session and reason if there is one', () => {
    const row = {
      id: 7,
      outcome: 'completed',
      promptTokens: 22,
      outputTokens: 33,
      tokens: 32,
      arrivalNs: 1000,
      ttftNs: 500,
      e2elNs: 1500,
      queueNs: 1,
      transportNs: 2,
      prefillNs: 3,
      decodeNs: 4,
    };
    expect(rowsOf('', served)).toEqual([row]);
    const turn = { ...served, request: { ...served.request, session: 5 }, reason: 'why' };
    expect(rowsOf('x', turn)).toEqual([{ ...row, scenario: 'x', session: 5, reason: 'why' }]);
  });
  it('are all there, in pieces', () => {
    const many = Array.from({ length: 10_001 }, () => served);
    expect([...servingRows('', many)]).toHaveLength(2);
    expect(rowsOf('', ...many)).toHaveLength(10_001);
  });
});

describe('the text of a capacity search', () => {
  const found = {
    schema: 'wafersim.capacity/1' as const,
    scenario: '',
    slos: ['ttft.p99<=22ms', 'tpot.p99<=1ms'],
    requestsPerSecond: { meets: 81.2, breaks: 82.0123 },
    tried: 17,
    metrics: SERVED,
    skippedRows: 2,
    notes: ['a note'],
  };
  it('has the bracket, and what clients see at its lower end', () => {
    expect(capacityTable(found, PLAIN).split('\n')).toEqual([
      '81.200 requests/s meet ttft.p99<=22ms, tpot.p99<=1ms',
      '  bracket       82.012 breaks them; 17 rates tried',
      '  TTFT          p50 10.10 ms, p99 21.21 ms',
      '  TPOT          p50 0.303 ms, p99 0.516 ms',
      '  output speed  3,297.1 tokens/s per user (p50)',
      '  throughput    5,300.3 tokens/s, all users together',
      '  note          a note',
      '',
    ]);
  });
  it('says when no rate breaks the limits, and when none meets them', () => {
    const rate = { meets: 81.2, breaks: null };
    expect(capacityTable({ ...found, requestsPerSecond: rate }, PLAIN)).toContain(
      '  bracket       no rate breaks them; 17 rates tried\n',
    );
    expect(capacityTable({ ...found, metrics: null }, PLAIN)).toBe(
      'no request rate meets ttft.p99<=22ms, tpot.p99<=1ms\n' +
        '  17 rates tried, down to almost none\n  note          a note\n',
    );
  });
});

describe('the page of a serving run', () => {
  const { run, detail } = reportRun('layer');
  const config = { ...(run.config as object), workload: { context: 4096, batch: 3 } };
  const page = (scenarios = [SERVED]) =>
    htmlReport(
      { ...run, config, serving: scenarios[0], ...(scenarios.length > 1 && { scenarios }) },
      detail,
      'the text',
      TOOLS,
    );
  const headline = (text: string) =>
    [...text.slice(0, text.indexOf('</header>')).matchAll(/<dt>(.*?)<\/dt><dd>(.*?)<\/dd>/g)].map(
      ([, name, value]) => [name, value],
    );

  it('has what was served as its headline, and nothing of a step', () => {
    expect(headline(page())).toEqual([
      ['tokens/s per user, p50', '3,297.1'],
      ['tokens/s, all users', '5,300.3'],
      ['TTFT, p50', '10.10 ms'],
      ['TPOT, p50', '0.303 ms'],
      ['requests completed', '1,003 of 1,110'],
      ['configuration', 'a1b2c3'],
    ]);
    // The step's own speed: 12,345.6 of one user, 24,691.2 of all, 0.081 ms.
    expect(page()).not.toMatch(/12,345|24,691|0\.081/);
  });

  it('says of which scenario the headline is', () => {
    const named = ['one', 'two'].map((scenario) => ({ ...SERVED, scenario }));
    expect(headline(page(named))[0]).toEqual(['scenario', 'one']);
  });

  it('says of the step that it is one, before any of it, and the notes', () => {
    const text = page();
    const note = text.indexOf(
      'a single decode step by itself, not what was served: 3 users with 4,096 tokens in the cache (workload.batch and workload.context), 1,000 cycles.',
    );
    expect(note).toBeGreaterThan(text.indexOf('<h2>Requests</h2>'));
    expect(note).toBeLessThan(text.indexOf('<h2>Every core</h2>'));
    expect(text).toContain('<p class="soft">2 rows of x.csv cannot be used and are left out</p>');
  });

  it('draws over time, from 0 to the end, by the second', () => {
    expect(page()).toContain('Over time, in intervals of 3.00 s:');
    expect(page()).toContain('arrivals per second: at most 200.0');
    expect(page()).toContain('requests in the system: at most 2.5');
    expect(page()).toContain('output tokens/s, all users: at most 9,000.0');
    expect(page().match(/text-anchor="end">12\.0 s</g)).toHaveLength(3);
    expect(page().match(/text-anchor="end">p100</g)).toHaveLength(3);
  });

  it('has a row for each scenario', () => {
    const cells = /<tr><th scope="row">tiny, azure trace x\.csv<\/th>(.*?)<\/tr>/.exec(page())![1];
    expect(cells.split('</td>').map((cell) => cell.replace('<td>', ''))).toEqual([
      '2',
      '1,003 of 1,110',
      '3,297',
      '5,300',
      '10.1 / 21.2',
      '0.303 / 0.516',
      '120.2 / 151.5',
      '8.680',
      '',
    ]);
  });
});

describe('serving runs side by side', () => {
  const { run } = reportRun('layer');
  const faster = {
    ...SERVED,
    outputSpeed: { p10: 1, p50: 5000.4, p90: 2 },
    tpotMs: { mean: NaN, p50: NaN, p90: NaN, p99: NaN },
  };
  const served = (serving = SERVED) => ({ ...run, serving });
  const document = compareRuns([served(), served(faster)], ['a', 'b']);
  const text = compareTable(document, PLAIN);

  it('have what was served first, number by number', () => {
    const table = text.slice(0, text.indexOf('\n\n')).split('\n');
    expect(table.map((line) => line.trim().replaceAll(/ {2,}/g, ' | '))).toEqual([
      'Served',
      'a | b',
      'completed | 1,003 of 1,110 | 1,003 of 1,110',
      'tokens/s per user, p50 | 3,297.1 | 5,000.4',
      'tokens/s, all users | 5,300.3 | 5,300.3',
      'goodput, requests/s | 77.78 | 77.78',
      'TTFT p50, ms | 10.10 | 10.10',
      'TTFT p99, ms | 21.21 | 21.21',
      'TPOT p50, ms | 0.303 | -',
      'TPOT p99, ms | 0.516 | -',
      'E2EL p50, ms | 120.20 | 120.20',
      'E2EL p99, ms | 151.52 | 151.52',
      'J per output token | 8.680 | 8.680',
    ]);
    expect(document.rows[0].served).toEqual([
      {
        scenario: '',
        arrived: 1110,
        completed: 1003,
        outputSpeedP50: 3297.1,
        outputThroughput: 5300.28,
        requestGoodput: 77.776,
        ttftMs: { p50: 10.101, p99: 21.212 },
        tpotMs: { p50: 0.3033, p99: 0.5155 },
        e2elMs: { p50: 120.202, p99: 151.515 },
        joulesPerOutputToken: 8.6797,
      },
    ]);
    expect(document.rows[1].served![0].tpotMs).toEqual({ p50: null, p99: null });
  });

  it('have the step under its own name, without its speed', () => {
    expect(text).toContain('\nOne decode step by itself, not what was served\n');
    expect(text).toMatch(/^ +cycles per token +1,000 +1,000$/m);
    expect(text).not.toMatch(/12,345|24,691/);
    const markdown = compareMarkdown(document);
    expect(markdown).toMatch(/^Served\n\n\| {2}\| a \| b \|\n/);
    expect(markdown).toContain('| tokens/s per user, p50 | 3,297.1 | 5,000.4 |\n');
    expect(markdown).not.toMatch(/12,345|24,691/);
  });

  it('have a table for each scenario, by name', () => {
    const of = (...names: string[]) => {
      const scenarios = names.map((scenario, i) => ({ ...SERVED, scenario, wafers: i }));
      return { ...run, serving: scenarios[0], scenarios };
    };
    const both = compareTable(compareRuns([of('x', 'y'), of('y')], ['a', 'b']), PLAIN);
    const tables = both.split('\n\n').slice(0, 2);
    expect(tables[0]).toMatch(/^Served: x\n.*\n +completed +1,003 of 1,110 +-\n/);
    expect(tables[1]).toMatch(/^Served: y\n.*\n +completed +1,003 of 1,110 +1,003 of 1,110\n/);
  });

  it('are not held against a run that served nothing, whose table is as ever', () => {
    const odd = () => compareRuns([run, served()], ['a', 'b']);
    expect(odd).toThrow(IncomparableError);
    expect(odd).toThrow(
      /^expected runs of the same work, found decode steps alone in a, requests served in b$/,
    );
    const plain = compareTable(compareRuns([run, run], ['a', 'b']), PLAIN);
    expect(plain).toMatch(/^Side by side\n/);
    expect(plain).toMatch(/^ +tokens\/s per user +12,345\.6 +12,345\.6$/m);
  });

  it('say so where strategies are compared, which serves nothing', () => {
    const serving = {
      ...run,
      config: { ...(run.config as object), workload: { kind: 'serving' } },
    };
    const table = compareTable(compareRuns([serving, serving], ['a', 'b']), PLAIN);
    expect(table).toMatch(/^One decode step by itself; no request is served\n/);
  });
});
