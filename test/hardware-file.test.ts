import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadHardware } from '../src/config.js';
import { readUnits } from '../src/config/quantity.js';

const PRESETS = ['cs4', 'wse2', 'wse3', 'small'];

/** Paths of numbers in a hardware file that do not say where they come from. */
function unsourced(node: unknown, path = ''): string[] {
  if (typeof node === 'string' && !/^[+-]?[\d.]/.test(node)) return [];
  if (typeof node !== 'object' || node === null) return [path];
  if (!('value' in node)) {
    const entries = Object.entries(node);
    return entries.flatMap(([key, child]) => unsourced(child, path ? `${path}.${key}` : key));
  }
  const { source, assumed, range } = node as Record<string, unknown>;
  const isAssumed = assumed === true && Array.isArray(range);
  return (typeof source === 'string' && assumed === undefined) || isAssumed ? [] : [path];
}

describe('a shipped hardware file', () => {
  it.each(PRESETS)('%s has a source next to every number, or says assumed and a range', (name) => {
    const file: unknown = parse(readFileSync(`configs/hardware/${name}.yaml`, 'utf8'));
    expect(unsourced(file)).toEqual([]);
  });

  it('without sources would be noticed', () => {
    const file = {
      name: 'x',
      extends: 'y.yaml',
      a: { value: 1, assumed: true, source: 's' },
      b: { c: 2 },
      d: '4 KiB',
      e: { value: 1 },
    };
    expect(unsourced(file)).toEqual(['a', 'b.c', 'd', 'e']);
  });

  it.each(PRESETS)('%s gives the provenance of every number of its wafer', (name) => {
    const { wafer, provenance } = loadHardware(`configs/hardware/${name}.yaml`);
    const numbers = JSON.stringify(wafer).match(/:-?[\d.]+/g)!;
    expect(Object.keys(provenance)).toHaveLength(numbers.length);
    for (const { source } of Object.values(provenance)) expect(source).not.toMatch(/\.yaml:\d/);
  });

  it('describes the published machines', () => {
    const wse2 = loadHardware('configs/hardware/wse2.yaml').wafer;
    const wse3 = loadHardware('configs/hardware/wse3.yaml').wafer;
    expect([wse2.width, wse2.height, wse3.width, wse3.height]).toEqual([750, 994, 750, 1160]);
    expect([wse2.core.sramBytes, wse3.core.sramBytes]).toEqual([49152, 49152]);
    expect([wse2.clockHz, wse3.clockHz]).toEqual([1.1e9, 0.875e9]);
    // Stack and a whole layer's code: 5 KiB and 14.5 KB.
    const { stack, runtime, attention, mlp } = wse3.core.codeBytes;
    expect([stack, runtime + attention + mlp]).toEqual([5120, 14500]);
  });

  it('says of every number of the announced CS-4 that it is a claim, or assumed in a range', () => {
    const { wafer, provenance } = loadHardware('cs4');
    for (const [path, { source, grade, range, assumed }] of Object.entries(provenance)) {
      const claim = source.startsWith('claim: ') && grade === 'C' && assumed === undefined;
      expect(
        claim || (assumed === true && grade === undefined && range![0] < range![1]),
        path,
      ).toBe(true);
    }
    const claims = Object.keys(provenance).filter((path) => provenance[path].grade === 'C');
    expect(claims).toEqual(['wafers', 'io.bandwidth', 'io.latency']);
    expect(wafer).toMatchObject({ name: 'CS-4', wafers: 3, clockHz: 1.75e9 });
    expect(wafer.io).toEqual({ bitsPerSecond: 2.4e12, latencySeconds: 2e-6 });
    expect(provenance['clock'].range).toEqual([0.875e9, 1.75e9]);
  });

  it('small has the costs and the fabric of the WSE-3', () => {
    const small = loadHardware('configs/hardware/small.yaml').wafer;
    const wse3 = loadHardware('configs/hardware/wse3.yaml').wafer;
    expect(small).toEqual({ ...wse3, name: 'small', width: 32, height: 24, powerWatts: 20 });
  });

  it('of the WSE-3 takes nothing over from the WSE-2 that it does not call assumed', () => {
    const { wafer, provenance } = loadHardware('wse3');
    expect([wafer.fabric.hopCycles, wafer.costs.matvec.granularity]).toEqual([2, { f16: 8 }]);
    const taken = Object.entries(provenance).filter(([, { source }]) =>
      source.includes('taken from WSE-2'),
    );
    expect(taken.length).toBeGreaterThan(4);
    for (const [path, { assumed, range }] of taken) expect(assumed && range, path).toBeTruthy();
  });

  it('may have one number of widening, as older ones: of 8-bit integers, the rest being those of the WSE-3', () => {
    const of = (...sets: string[]) => {
      const { wafer, provenance } = loadHardware('configs/hardware/wse3.yaml', sets);
      return { widen: wafer.costs.matvec.widenPerCycle, provenance };
    };
    const own = { i8: 4, fp8: 1, mxfp4: 1, int4: 1 };
    expect(of().widen).toEqual(own);
    const { widen, provenance } = of('hardware.costs.matvec.widenPerCycle=2');
    expect(widen).toEqual({ ...own, i8: 2 });
    expect(provenance['costs.matvec.widenPerCycle.mxfp4'].range).toEqual([0.25, 4]);
    expect(of('hardware.costs.matvec.widenPerCycle.fp8=0.31').widen).toEqual({ ...own, fp8: 0.31 });
    expect(() => of('hardware.costs.matvec.widenPerCycle.fp4=1')).toThrow(
      'widenPerCycle.fp4: expected a known key, found an unknown one; did you mean fp8?',
    );
  });

  it('keeps ranges in base units', () => {
    const { provenance } = loadHardware('configs/hardware/wse3.yaml');
    expect(provenance['clock']).toMatchObject({ grade: 'C', range: [0.75e9, 1.1e9] });
    expect(provenance['fabric.hopCycles']).toMatchObject({ grade: 'B', range: [1, 2] });
    expect(provenance['fabric.queueDepth']).toMatchObject({ assumed: true, range: [2, 16] });
  });
});

describe('a quantity', () => {
  it.each([
    ['48 KiB', 'memory', 49152],
    ['48 kB', 'memory', 48000],
    ['16 bit', 'memory', 2],
    ['1.1GHz', 'frequency', 1.1e9],
    ['875 MHz', 'frequency', 875e6],
    ['2.01 kB', 'memory', 2010],
    ['23 kW', 'power', 23000],
    ['2 cycles', 'cycles', 2],
    ['1 cycle', 'cycles', 1],
  ] as const)('%s of %s is %d in base units', (text, dimension, value) => {
    expect(readUnits(text, dimension)).toBe(value);
  });

  it.each([
    ['48 kHz', 'memory'],
    ['48 KiB/s', 'memory'],
    ['GHz', 'frequency'],
    ['1 ghz', 'frequency'],
    ['1', 'frequency'],
    ['23 kWh', 'power'],
    ['48 KiB', 'cycles'],
    ['3 cores', 'count'],
    ['', 'power'],
  ] as const)('%j is not one of %s', (text, dimension) => {
    expect(readUnits(text, dimension)).toBeUndefined();
  });
});
