/** What benchmarks say of the host: processor time, whatever else the host does meanwhile. */
import { describe, expect, it } from 'vitest';
import { bench } from '../src/studies/bench/bench.js';
import { readSuite, SUITE } from '../src/studies/bench/suite.js';
import { host } from '../src/host.js';

const cases = readSuite(SUITE).filter(({ id }) => id === 'kernel/gemv');
const machine = { name: 'here', cpu: 'one', cores: 1, platform: 'test', node: '20' };
const options = { engine: 'fast', shards: 1, memo: true, rss: () => 5, machine } as const;

/** A processor whose every reading is a millisecond after the last, on a host that is so busy. */
async function measured(busy: number) {
  let reading = 0;
  const cpu = () => ++reading / 1000;
  const now = () => (busy * reading) / 1000;
  const [one, all] = (await bench(cases, { ...options, cpu, now })).cases;
  return { ...one.host!, time: one.metrics['time'].value, peak: all.metrics['peakRss'].value };
}

describe('the time of a case', () => {
  it('is its processor time over that of a loop, however long the clock on the wall says', async () => {
    for (const busy of [1, 10, 1000]) {
      const { wallSeconds, cpuSeconds, referenceSeconds, time, peak } = await measured(busy);
      expect(cpuSeconds).toBeCloseTo(0.001, 9);
      expect(referenceSeconds).toBeCloseTo(0.001, 9);
      expect(time).toBeCloseTo(1, 6);
      expect(wallSeconds).toBeCloseTo(busy / 1000, 6);
      expect(peak).toBe(5);
    }
  });

  it('is that of the clock where no processor time is given', async () => {
    let reading = 0;
    const now = () => ++reading;
    const [one] = (await bench(cases, { ...options, now })).cases;
    expect(one.host!.cpuSeconds).toBeGreaterThan(0);
    expect(one.metrics['time'].value).toBe(one.host!.cpuSeconds! / one.host!.referenceSeconds);
  });

  it('counts what this process computes, and not what it waits', async () => {
    const before = host.cpu();
    await new Promise((resolve) => setTimeout(resolve, 200));
    const waited = host.cpu() - before;
    let sum = 0;
    for (let i = 0; i < 1e8; i++) sum += i & 3;
    expect(sum).toBe(1.5e8);
    const worked = host.cpu() - before - waited;
    expect(waited).toBeLessThan(0.15);
    expect(worked).toBeGreaterThan(0.02);
  });
});
