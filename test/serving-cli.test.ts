/** The commands on the tiny model as a server: documents, rows, tables, and refusals in one line. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CapacityDocument } from '../src/studies/capacity/table.js';
import { fleetTable, type FleetDocument } from '../src/studies/fleet/table.js';
import { servingTable } from '../src/studies/serve/table.js';
import type { ServingDocument } from '../src/report/serving-document.js';
import { wafersim } from './helpers/command-line.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const TINY = 'configs/serving-tiny.yaml';
// Two contexts are enough where the numbers themselves do not matter, and regions of few cores.
const TWO_CONTEXTS = ['--set', 'serving.tolerance=0.5', '--set', 'serving.minContext=200'];
const ROUGH = [
  ...TWO_CONTEXTS,
  ...['--set', 'placement.rows=6', '--set', 'placement.layerColumns=5'],
];

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'wafersim-'));
});
afterAll(() => rmSync(home, { recursive: true }));

describe('wafersim run with a serving workload', () => {
  let document: ServingDocument;
  let text: string;
  const target = () => join(home, 'run');
  beforeAll(async () => {
    const { status, stdout, stderr } = await wafersim(
      'run',
      TINY,
      ...TWO_CONTEXTS,
      '--json',
      '-o',
      target(),
    );
    if (status !== 0 || stderr !== '') throw new Error(`exit ${status}: ${stderr}`);
    text = stdout;
    document = JSON.parse(stdout) as ServingDocument;
  });

  it('has every field that scripts rely on', () => {
    const { serving, decode } = document;
    expect(decode.cyclesPerToken).toBeGreaterThan(0);
    const { arrived, completed, rejected, unfinished } = serving.requests;
    expect(arrived).toBe(500);
    expect(completed + rejected + unfinished).toBe(arrived);
    for (const metric of ['ttftMs', 'tpotMs', 'itlMs', 'e2elMs'] as const) {
      const { p50, p90, p99, mean } = serving[metric];
      expect(p50).toBeLessThanOrEqual(p90);
      expect(p90).toBeLessThanOrEqual(p99);
      expect(mean).toBeGreaterThan(0);
    }
    expect(serving.outputThroughput).toBeCloseTo(serving.outputTokens / serving.durationSeconds, 6);
    expect(serving.requestGoodput).toBeGreaterThan(0);
    expect(serving.reach).toEqual({ oneWafer: serving.kvTokens, wafersFor128k: null });
    expect(serving.distributions.ttftMs[10]).toBeCloseTo(serving.ttftMs.p50, 9);
    expect(serving.gpus[0]).toMatchObject({ kind: 'analytic', gpu: 'A100' });
    expect(serving.transportSources['requestWorkMs']).toMatch(/assumed/);
  });

  it('is the same outside host from run to run', async () => {
    const again = (await wafersim('run', TINY, ...TWO_CONTEXTS, '--json')).stdout;
    const outside = (json: string) => JSON.stringify({ ...JSON.parse(json), host: undefined });
    expect(outside(again)).toBe(outside(text));
  });

  it('writes one row per request whose parts add up, and the table that it prints', () => {
    const rows = readFileSync(join(target(), 'requests.ndjson'), 'utf8').trimEnd().split('\n');
    expect(rows).toHaveLength(500);
    const completed = rows
      .map((row) => JSON.parse(row) as Record<string, number> & { outcome: string })
      .filter(({ outcome }) => outcome === 'completed');
    expect(completed).toHaveLength(document.serving.requests.completed);
    for (const row of completed)
      expect(row['queueNs'] + row['transportNs'] + row['prefillNs'] + row['decodeNs']).toBe(
        row['e2elNs'],
      );
    const ttft = completed.map((row) => row['ttftNs'] / 1e6);
    const mean = ttft.reduce((a, b) => a + b, 0) / ttft.length;
    expect(document.serving.ttftMs.mean).toBeCloseTo(mean, 6);
    const table = servingTable(document.serving, { color: false });
    expect(readFileSync(join(target(), 'run.txt'), 'utf8')).toBe(table);
    expect(table).toContain('============ Serving Benchmark Result ============');
    expect(table).toMatch(/^Successful requests: +\d+$/m);
  });

  it('writes a page and a trace of what was served', () => {
    const page = readFileSync(join(target(), 'report.html'), 'utf8');
    const { serving, decode } = document;
    const shown = (value: number) =>
      value.toLocaleString('en-US', { minimumFractionDigits: 1, maximumFractionDigits: 1 });
    const header = page.slice(0, page.indexOf('</header>'));
    expect(header).toContain(`<dd>${shown(serving.outputSpeed.p50)}</dd>`);
    expect(header).toContain(`<dd>${shown(serving.outputThroughput)}</dd>`);
    expect(page).not.toContain(shown(decode.tokensPerSecondPerUser));
    const trace = JSON.parse(
      gunzipSync(readFileSync(join(target(), 'trace.json.gz'))).toString(),
    ) as {
      traceEvents: { name: string; cat?: string; dur: number }[];
    };
    const rows = readFileSync(join(target(), 'requests.ndjson'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((row) => JSON.parse(row) as Record<string, number>);
    const total = (key: string) => rows.reduce((sum, row) => sum + row[key], 0) / 1000;
    for (const [name, key] of [
      ['queue', 'queueNs'],
      ['prefill', 'prefillNs'],
      ['decode', 'decodeNs'],
    ]) {
      const spans = trace.traceEvents.filter(
        (event) => event.cat === 'part' && event.name === name,
      );
      expect(spans.reduce((sum, { dur }) => sum + dur, 0)).toBeCloseTo(total(key), 3);
    }
    expect(trace.traceEvents.filter(({ cat }) => cat === 'request')).toHaveLength(500);
  });

  it('puts two runs side by side by what they served, and refuses a damaged one', async () => {
    const other = join(home, 'fcfs');
    await wafersim('run', TINY, ...ROUGH, '--set', 'serving.policy=fcfs', '-o', other);
    const { stdout, status } = await wafersim('compare', target(), other);
    expect(status).toBe(0);
    const p50 = (path: string) =>
      (JSON.parse(readFileSync(join(path, 'run.json'), 'utf8')) as ServingDocument).serving.ttftMs
        .p50;
    const both = [target(), other].map((path) => p50(path).toFixed(2)).join(' +');
    expect(stdout).toMatch(new RegExp(`^Served\n(.*\n)+ +TTFT p50, ms +${both}\n`));
    expect(stdout).toContain('serving.policy: "latency-first" | "fcfs"');
    const broken = { ...document, serving: { ...document.serving, ttftMs: 3 } };
    writeFileSync(join(home, 'broken.json'), JSON.stringify(broken));
    const refused = await wafersim('compare', target(), join(home, 'broken.json'));
    expect(refused.stderr).toMatch(/^[^\n]*expected a whole run, found serving\.ttftMs: [^\n]*\n$/);
    expect(refused.status).toBe(3);
  });

  it('takes scenarios, each with what it sets, and the first as `serving`', async () => {
    const config = join(home, 'two.yaml');
    writeFileSync(
      config,
      `extends: ${join(ROOT, TINY)}\nscenarios:\n` +
        '  - { name: one, set: { transport.kind: http, transport.compare: false } }\n' +
        '  - { name: two, set: { workload.requests: 7 } }\n',
    );
    const { stdout } = await wafersim('run', config, ...ROUGH, '--json');
    const { serving, scenarios } = JSON.parse(stdout) as ServingDocument;
    expect(scenarios!.map(({ scenario }) => scenario)).toEqual(['one', 'two']);
    expect(serving).toEqual(scenarios![0]);
    expect(scenarios![1].requests.arrived).toBe(7);
    expect(scenarios![0].transport.kind).toBe('http');
    expect((await wafersim('run', config, ...ROUGH)).stdout).toMatch(
      /^Scenarios\n.*\n +one .*\n +two /,
    );
  });

  it('sorts a trace that is not in order and says so', async () => {
    const trace = join(home, 'late.csv');
    const row = (second: string) => `2023-11-16 18:15:${second},20,4\n`;
    writeFileSync(
      trace,
      `TIMESTAMP,ContextTokens,GeneratedTokens\n${row('47')}${row('46')}${row('48')}`,
    );
    const config = join(home, 'trace.yaml');
    const base = readFileSync(join(ROOT, 'configs/tiny.yaml'), 'utf8')
      .replaceAll('hardware/', `${ROOT}configs/hardware/`)
      .replaceAll('../models', `${ROOT}models`);
    writeFileSync(
      config,
      `${base}  kind: serving\n  trace: late.csv\nserving: { minContext: 20, tolerance: 0.5 }\n` +
        'placement: { rows: 6, layerColumns: 5 }\n',
    );
    const { stdout, status } = await wafersim('run', config);
    expect(stdout).toMatch(/note: .*late\.csv was not in the order of arrival and has been sorted/);
    expect(status).toBe(0);
    writeFileSync(trace, 'TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46,20\n');
    const damaged = await wafersim('run', config);
    expect(damaged.stderr).toMatch(/^[^\n]*late\.csv:2: GeneratedTokens: expected [^\n]*\n$/);
    expect(damaged.status).toBe(2);
    const none = await wafersim('run', config, '--set', 'workload.trace=nowhere.csv');
    expect(none.stderr).toMatch(/^[^\n]*expected the file [^\n]*nowhere\.csv[^\n]*\n$/);
    expect(none.status).toBe(2);
  });

  describe('with a trace of another maker and nothing else said of serving', () => {
    const own = () => {
      const trace = 'TIME,"in","out"\n1,20,4\n2,0,4\n2.5,30.0,5\n3,20,0\n';
      writeFileSync(join(home, 'own.csv'), trace);
      const columns = { arrival: 'TIME', input: 'in', output: 'out', unit: 's' };
      const workload = { kind: 'serving', context: 64, trace: { file: 'own.csv', ...columns } };
      const hardware = join(ROOT, 'configs/hardware/small.yaml');
      const model = { config: join(ROOT, 'models/tiny.json'), dtype: 'f32' };
      const placement = { rows: 6, layerColumns: 5 };
      const path = join(home, 'own.yaml');
      writeFileSync(path, JSON.stringify({ hardware, model, workload, placement }));
      return path;
    };
    const NOTE =
      /2 rows of .*own\.csv cannot be used and are left out; the first: .*own\.csv:3: in: expected .* found "0"/;

    it('serves with every default, and counts the rows that are left out', async () => {
      const { stdout, status } = await wafersim('run', own(), '--skip-invalid', '--json');
      const { serving, config } = JSON.parse(stdout) as ServingDocument;
      expect(status).toBe(0);
      expect(serving.requests).toMatchObject({ arrived: 2, completed: 2 });
      expect([serving.promptTokens, serving.outputTokens, serving.skippedRows]).toEqual([50, 9, 2]);
      expect(serving.notes).toEqual([expect.stringMatching(NOTE)]);
      expect(config).toMatchObject({
        serving: { policy: 'fcfs', maxUsers: 256, promptTokens: 256, minContext: 16 },
        transport: { kind: 'http', compare: false },
        workload: { skipInvalid: true },
      });
      expect(serving.policy).toBe('fcfs');
      expect(serving.transport.kind).toBe('http');
    });
    it('prints the count, in a table of requests and in one of capacity', async () => {
      expect((await wafersim('run', own(), '--set', 'workload.skipInvalid=true')).stdout).toMatch(
        NOTE,
      );
      const slo = ['--slo', 'ttft.p99<=1s', '--skip-invalid'];
      expect((await wafersim('capacity', own(), ...slo)).stdout).toMatch(NOTE);
      const never = await wafersim('capacity', own(), '--slo', 'ttft.p99<=1us', '--skip-invalid');
      expect(never.stdout).toMatch(/^no request rate meets ttft\.p99<=1us/);
      expect(never.stdout).toMatch(NOTE);
      const json = (await wafersim('capacity', own(), ...slo, '--json')).stdout;
      expect(JSON.parse(json)).toMatchObject({ skippedRows: 2 });
    });
    it('refuses the first such row unless asked to leave it out', async () => {
      const { stderr, status } = await wafersim('run', own());
      expect(stderr).toMatch(/^[^\n]*own\.csv:3: in: expected [^\n]*\n$/);
      expect(status).toBe(2);
    });
  });

  it.each([
    [['--skip-invalid'], /workload\.skipInvalid: expected with workload\.trace, found arrivals/],
    [['--set', 'workload.trace.fiel=x'], /workload\.trace\.fiel: .* did you mean file\?/],
    [
      ['--set', 'workload.trace.file=x', '--set', 'workload.trace.unit=h'],
      /workload\.trace\.unit: expected iso or s or ms/,
    ],
    [['--set', 'workload.trace.arrival=t'], /workload\.trace\.file: expected the path of a trace/],
    [['--set', 'serving.policy=fastest'], /serving\.policy: expected fcfs or latency-first/],
    [['--set', 'workload.trace=x.csv'], /workload: expected one of .* found trace and arrivals/],
    [['--set', 'transport.kind=pigeon'], /transport\.kind: expected http or websocket/],
    [['--set', 'serving.polcy=fcfs'], /did you mean policy\?/],
    [
      ['--set', 'workload.arrivals.rate=0.00001'],
      /workload: expected a run of at most 104 days, found \d+ days: /,
    ],
    [['--set', 'workload.requests=500000000'], /workload\.requests: expected/],
  ])('refuses %j in one line', async (args, message) => {
    const { stderr, status } = await wafersim('run', TINY, ...args);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^[^\n]+\n$/);
    expect(status).toBe(2);
  });
});

it('a decode run has no rows to leave out', async () => {
  const { stderr, status } = await wafersim('run', 'configs/tiny.yaml', '--skip-invalid');
  expect(stderr).toMatch(/^[^\n]*--skip-invalid: expected a serving workload[^\n]*\n$/);
  expect(status).toBe(2);
});

describe('wafersim capacity', () => {
  it('brackets the rate that meets the limits', async () => {
    const slo = ['--slo', 'ttft.p99<=40ms', '--slo', 'tpot.p99<=30ms'];
    const { stdout, status } = await wafersim('capacity', TINY, ...ROUGH, ...slo, '--json');
    expect(status).toBe(0);
    const { requestsPerSecond: rate, metrics, schema } = JSON.parse(stdout) as CapacityDocument;
    expect(schema).toBe('wafersim.capacity/1');
    expect(rate.breaks! / rate.meets).toBeLessThan(1.011);
    expect(rate.meets).toBeGreaterThan(200);
    expect(metrics!.ttftMs.p99).toBeLessThanOrEqual(40);
  });
  it('says of a preset that it is a what-if', async () => {
    const { stdout } = await wafersim('capacity', TINY, ...ROUGH, '--preset', 'mlperf-interactive');
    expect(stdout).toMatch(/ttft\.p99<=450ms, tpot\.p99<=40ms/);
    expect(stdout).toMatch(/note .*what-if.*no MLPerf result/);
  });
  it.each([
    [[TINY], /expected --slo or --preset/],
    [[TINY, '--slo', 'speed<=1ms'], /--slo: expected a limit such as/],
    [[TINY, '--preset', 'none'], /--preset: expected mlperf-server or mlperf-interactive/],
    [['configs/tiny.yaml', '--preset', 'mlperf-server'], /workload\.kind: expected serving/],
  ])('refuses %j', async (args, message) => {
    const { stderr, status } = await wafersim('capacity', ...args);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^[^\n]+\n$/);
    expect(status).toBe(2);
  });
});

describe('wafersim fleet', () => {
  it('divides the power by PUE and wafer, and counts users at the speed', async () => {
    const args = ['configs/tiny.yaml', '--megawatts', '1', '--pue', '1.25', '--speed', '50000'];
    const { stdout, status } = await wafersim('fleet', ...args, '--json');
    expect(status).toBe(0);
    const { rows } = JSON.parse(stdout) as FleetDocument;
    const [row] = rows;
    // A small wafer draws 20 W.
    expect(row.wafers).toBe(40_000);
    expect(row.users).toBe(row.replicas * row.usersPerReplica);
    expect(row.tokensPerSecondPerUser).toBeGreaterThanOrEqual(50_000);
    expect(row.tokensPerSecondPerUser).toBeLessThanOrEqual(row.tokensPerSecondAlone);
    const throughput = row.usersPerReplica * row.tokensPerSecondPerUser;
    expect(row.joulesPerToken).toBeCloseTo(20 / throughput, 12);
    expect(row.joulesPerTokenAtSite).toBeCloseTo(25 / throughput, 12);
    expect(row.tokensPerDay).toBeCloseTo(40_000 * throughput * 86_400, -3);
    // A megawatt for a day, over what it makes.
    expect(row.joulesPerTokenAtSite).toBeCloseTo((1e6 * 86_400) / row.tokensPerDay, 12);
  });
  it('places each scenario for its own steps', async () => {
    const path = join(home, 'fleet.yaml');
    const scenarios = [1, 400].map((tokens) => ({
      name: `${tokens} tokens`,
      set: { 'workload.tokens': tokens },
    }));
    writeFileSync(path, JSON.stringify({ extends: join(ROOT, 'configs/tiny.yaml'), scenarios }));
    const { stdout } = await wafersim('fleet', path, '--megawatts', '1', '--json');
    const { rows } = JSON.parse(stdout) as FleetDocument;
    // Room for longer caches takes wider regions.
    expect(rows[1].usersPerReplica).toBeLessThan(rows[0].usersPerReplica);
  });
  it('says which joules are of the wafers and which of the site', () => {
    const row = { wafersPerReplica: 2, wafers: 5, replicas: 2, usersPerReplica: 3, users: 6 };
    const speeds = { tokensPerSecondPerUser: 100, tokensPerSecondAlone: 150 };
    const rows = [
      { ...row, ...speeds, scenario: '', model: 'tiny', parameters: 1, context: 4096 },
      { ...row, ...speeds, scenario: 'small', model: 'tiny', parameters: 1, context: 8 },
    ].map((one, i) => ({
      ...one,
      boundBy: 'memory' as const,
      tokensPerDay: 51_840_000,
      tokensPerDayAtMost: 77_760_000,
      joulesPerToken: [153.333_3, 0.012_345][i],
      joulesPerTokenAtSite: [306.666_6, 0.024_69][i],
    }));
    const document = {
      schema: 'wafersim.fleet/1' as const,
      megawatts: 0.25,
      pue: 2,
      speed: 99.5,
      rows,
    };
    const lines = fleetTable(document, { color: false }).split('\n');
    expect(lines[0]).toBe('0.25 MW at PUE 2: users at 99.5 tokens/s each');
    expect(lines[1]).toMatch(/tokens\/day +J\/token, wafers +J\/token, site$/);
    expect(lines[2]).toMatch(/^ +tiny .* 0\.000 T +153\.33 +306\.67$/);
    expect(lines[3]).toMatch(/^ +small .* 0\.000 T +0\.0123 +0\.0247$/);
    expect(lines).toContain(
      '  J/token: of the wafers at their stated power; of the site, PUE 2 on top.',
    );
  });
  it('needs to know the power', async () => {
    expect((await wafersim('fleet', 'configs/tiny.yaml')).status).toBe(2);
    expect((await wafersim('fleet', 'configs/tiny.yaml', '--megawatts', '-3')).status).toBe(2);
  });
});
