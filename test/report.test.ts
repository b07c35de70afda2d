import { describe, expect, it } from 'vitest';
import { IDENTITY } from './helpers/identity.js';
import type { KernelDocument, RunDocument } from '../src/report/document.js';
import { bytes, ranges, share } from '../src/report/format.js';
import { kernelTable, runTable } from '../src/report/table.js';

const PLAIN = { color: false };

const layer = (n: number, x: number) => ({
  name: `layer ${n}`,
  wafer: 0,
  x,
  y: 0,
  width: 6,
  height: 8,
  sramBytesPerCore: 40_960,
});

const RUN: RunDocument = {
  schema: 'wafersim.run/1',
  ...IDENTITY,
  configHash: 'a1b2c3',
  config: {
    model: { spec: { name: 'ti\u001B\nny' } },
    hardware: { name: 'small' },
    workload: { context: 4_096, batch: 2 },
  },
  decode: {
    cyclesPerToken: 40_000,
    tokensPerSecondPerUser: 25_000,
    tokensPerSecond: 50_000,
    tpotMs: 0.04,
    perLayerCycles: [9_000, 9_500, 9_100],
    breakdown: {
      'q k v': { cycles: 30_000, compute: 10_000, communication: 20_000 },
      head: { cycles: 10_000, compute: 9_000, communication: 1_000 },
    },
    coreCycles: { compute: 600, setup: 100, waitInput: 200, waitOutput: 0, idle: 100 },
    specialShare: 0.125,
  },
  steps: [
    { cycles: 39_999, token: 7 },
    { cycles: 40_000, token: 11 },
  ],
  placement: {
    strategy: 'snake',
    regions: [
      { ...layer(0, 0), name: 'embedding', width: 3 },
      layer(0, 3),
      layer(1, 9),
      layer(2, 15),
    ],
    coresUsed: 168,
    coresAvailable: 200,
    sramUsedBytes: 6_881_280,
    sramPeakBytesPerCore: 45_056,
    sramBytesPerCore: 49_152,
  },
  fabric: { waveletHops: 123_456, peakLinkUtilization: 0.5 },
  reuse: {
    simulated: [{ region: 'embedding' }, { region: 'layer 0' }],
    reused: [
      { region: 'layer 1', as: 'layer 0' },
      { region: 'layer 2', as: 'layer 0' },
    ],
  },
  check: { logitsMaxRelativeError: 0.000_021, tolerance: 0.0001, passed: true },
  host: { engine: 'reference', shards: 1, wallSeconds: 1.5, peakRssBytes: 100 * 1024 * 1024 },
};

const KERNEL: KernelDocument = {
  schema: 'wafersim.kernel/1',
  ...IDENTITY,
  kernel: 'reduce',
  cycles: 2_087,
  breakdown: { reduce: { cycles: 2_087, compute: 500, communication: 1_587 } },
  config: { kernel: 'reduce', options: {}, hardware: { name: 'WSE-3' } },
  fabric: { waveletHops: 7_500, peakLinkUtilization: 0.25, routeHazards: 3 },
  host: { engine: 'fast', shards: 2, wallSeconds: 0.01, peakRssBytes: 1_000 },
};

const lineWith = (text: string, word: string) =>
  text.split('\n').find((line) => line.includes(word)) ?? '';

describe('the table of a run', () => {
  const text = runTable(RUN, PLAIN);

  it('says first how fast one user reads, and never the throughput for it', () => {
    expect(text.split('\n')[0]).toBe('25,000.0 tokens/s per user');
    expect(lineWith(text, 'throughput')).toContain('50,000.0 tokens/s');
    expect(lineWith(text, 'TPOT')).toContain('0.040 ms');
    expect(lineWith(text, 'per token')).toContain('40,000 cycles');
    expect(lineWith(text, 'config')).toMatch(/tiny, on small, context 4,096, batch 2, a1b2c3$/);
    expect(lineWith(text, 'per layer')).toContain('9,000 to 9,500 cycles, 3 layers');
  });

  it('lists the operators in program order with their share, and their sum', () => {
    expect(lineWith(text, 'q k v')).toMatch(/30,000\s+75\.0 %\s+10,000\s+20,000$/);
    expect(lineWith(text, ' head')).toMatch(/10,000\s+25\.0 %\s+9,000\s+1,000$/);
    expect(text.indexOf('q k v')).toBeLessThan(text.indexOf(' head'));
    expect(text).toMatch(/^ +all +40,000 +100\.0 %$/m);
  });

  it('gives every cause of a core-cycle its share', () => {
    expect(text).toMatch(/^ +compute +600 +60\.0 %$/m);
    expect(lineWith(text, 'set-up')).toMatch(/100\s+10\.0 %$/);
    expect(lineWith(text, 'wait for input')).toMatch(/200\s+20\.0 %$/);
    expect(lineWith(text, 'wait for output')).toMatch(/0\s+0\.0 %$/);
    expect(lineWith(text, 'idle')).toMatch(/100\s+10\.0 %$/);
    expect(lineWith(text, 'SiLU')).toContain('12.5 % of compute');
  });

  it('groups the layers of equal shape and says what a core holds of what it has', () => {
    expect(lineWith(text, 'layer 0 ..')).toMatch(
      /layer 0 \.\. 2\s+3\s+0\s+6 x 8\s+144\s+40\.0 KiB of 48\.0 KiB$/,
    );
    expect(lineWith(text, 'embedding ')).toMatch(/1\s+0\s+3 x 8\s+24/);
    expect(lineWith(text, 'fullest core')).toContain('168 of 200 cores');
    expect(lineWith(text, 'fullest core')).toContain('44.0 KiB of 48.0 KiB');
  });

  it('keeps regions of different memory apart', () => {
    const regions = RUN.placement.regions.map((r) =>
      r.name === 'layer 2' ? { ...r, sramBytesPerCore: 1_024 } : r,
    );
    const other = runTable({ ...RUN, placement: { ...RUN.placement, regions } }, PLAIN);
    expect(lineWith(other, 'layer 0, 1')).toContain('40.0 KiB');
    expect(lineWith(other, '1.0 KiB of')).toContain('layer 2');
  });

  it('says which regions were simulated, and which took over the result of which', () => {
    expect(text).toContain('simulated  embedding, layer 0\n');
    expect(text).toContain('reused     layer 0 as layer 1, 2\n');
    const reused = [...RUN.reuse.reused, { region: 'head', as: 'embedding' }];
    const both = runTable({ ...RUN, reuse: { ...RUN.reuse, reused } }, PLAIN);
    expect(both).toContain('reused     layer 0 as layer 1, 2\n  reused     embedding as head\n');
    expect(lineWith(text, 'engine')).toContain('reference engine, 1 shard: 1.50 s, 100.0 MiB');
  });

  it('reports the check of a run that computes, and leaves it out of one that does not', () => {
    expect(lineWith(text, 'logits')).toMatch(/2\.10e-5 .*1e-4: passed$/);
    const failed = { ...RUN, check: { ...RUN.check!, passed: false } };
    expect(lineWith(runTable(failed, PLAIN), 'logits')).toMatch(/FAILED$/);
    const { check: _, ...timed } = RUN;
    expect(runTable(timed, PLAIN)).not.toContain('logits');
  });

  it('shows the tokens of short runs and leaves out the middle of long ones', () => {
    expect(lineWith(text, 'steps')).toContain('2: 39,999 (token 7), 40,000 (token 11) cycles');
    const steps = Array.from({ length: 20 }, (_, i) => ({ cycles: 100 + i }));
    expect(lineWith(runTable({ ...RUN, steps }, PLAIN), 'steps')).toContain(
      '20: 100, 101, 102, 103, ..., 118, 119 cycles',
    );
  });

  it('has numbers of the hardware in full digits', () => {
    const range = (parameter: string, low: number, high: number) => ({
      ...{ parameter, range: [low, high] as [number, number] },
      ...{ tokensPerSecondPerUser: [1, 2] as [number, number] },
      atEnds: [1, 2] as [number, number],
    });
    const sensitivity = [
      range('hardware.clock', 7.5e8, 3e9),
      range('hardware.io.bandwidth', 1.2e12, 2.4e13),
      range('hardware.io.latency', 0.000002, 5e-7),
      range('hardware.costs.row', 3.5, 4.84),
    ];
    const shown = runTable({ ...RUN, sensitivity }, PLAIN);
    expect(lineWith(shown, 'hardware.clock')).toContain(' 750,000,000 to 3,000,000,000 ');
    expect(lineWith(shown, 'bandwidth')).toContain(' 1,200,000,000,000 to 24,000,000,000,000 ');
    expect(lineWith(shown, 'latency')).toContain(' 0.000002 to 0.0000005 ');
    expect(lineWith(shown, 'costs.row')).toContain(' 3.5 to 4.84 ');
    expect(shown.slice(shown.indexOf('Uncertain numbers'))).not.toMatch(/\de[+-]?\d/);
  });

  it('obeys no name, wherever it stands', () => {
    const evil = 'x\u001B[31m\nforged\u009B\u202E';
    const place = <T extends { name: string }>(of: T) => ({ ...of, name: evil });
    const regions = RUN.placement.regions.map(place);
    const shown = runTable(
      {
        ...RUN,
        config: { model: { spec: { name: evil } }, hardware: { name: evil } },
        decode: {
          ...RUN.decode,
          breakdown: { [evil]: { cycles: 40_000, compute: 1, communication: 39_999 } },
        },
        placement: { ...RUN.placement, strategy: evil, regions },
        reuse: { simulated: [{ region: evil }], reused: [{ region: evil, as: evil }] },
        host: { ...RUN.host, engine: evil },
      },
      PLAIN,
    );
    expect(shown.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
    expect(shown.match(/forged/g)!.length).toBeGreaterThan(6);
    const kernel = kernelTable(
      { ...KERNEL, kernel: evil, config: { ...KERNEL.config, hardware: { name: evil } } },
      PLAIN,
    );
    expect(kernel.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
    expect(kernel).not.toMatch(/^forged/m);
  });

  it('carries no colours unless asked for them', () => {
    expect(text).not.toContain('\u001B');
    expect(runTable(RUN, { color: true })).toContain('\u001B[1m25,000.0 tokens/s');
  });
});

describe('the table of a kernel', () => {
  const text = kernelTable(KERNEL, PLAIN);

  it('says its cycles, where they go, and what the fabric carried', () => {
    expect(text.split('\n')[0]).toBe('reduce: 2,087 cycles on WSE-3');
    expect(lineWith(text, ' reduce')).toMatch(/2,087\s+100\.0 %\s+500\s+1,587$/);
    expect(lineWith(text, 'hops')).toContain('7,500 wavelet-hops');
    expect(lineWith(text, 'busiest')).toContain('25.0 %');
    expect(lineWith(text, 'hazards')).toContain('3 route hazards');
    expect(lineWith(text, 'engine')).toContain('fast engine, 2 shards');
  });
});

describe('formats', () => {
  it('write memory in the largest unit that holds one', () => {
    expect([0, 1_023, 1_024, 44 * 1024 ** 3].map(bytes)).toEqual([
      '0 B',
      '1,023 B',
      '1.0 KiB',
      '44.0 GiB',
    ]);
  });

  it('write no share of nothing', () => {
    expect(share(0, 0)).toBe('-');
  });

  it('fold names only while their numbers rise by one', () => {
    expect(ranges(['a 0', 'a 1', 'a 2', 'a 4', 'a 5', 'b', 'b', 'a 6'])).toBe(
      'a 0 .. 2, 4, 5, b, b, a 6',
    );
    expect(ranges([])).toBe('');
  });
});
