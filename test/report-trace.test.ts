/** The trace of a step: what Perfetto shows of it. */
import { describe, expect, it } from 'vitest';
import { chromeTrace } from '../src/report/trace.js';
import { reportRun } from './helpers/report-run.js';
import type { TraceEvent } from './helpers/trace-event.js';

type Event = TraceEvent<{ name: string; sort_index: number }>;

function eventsOf(name: string, wafers: number): Event[] {
  const { run, detail } = reportRun(name, wafers);
  return (JSON.parse(chromeTrace(run, detail)) as { traceEvents: Event[] }).traceEvents;
}

describe('a trace', () => {
  const events = eventsOf('layer', 2);
  const spans = (cat: string) => events.filter((event) => event.cat === cat);

  it('has a process per wafer and a track per region, in the order of the path', () => {
    const named = (kind: string) => events.filter(({ name }) => name === kind);
    expect(named('process_name').map(({ pid }) => pid)).toEqual([1, 2, 3]);
    expect(named('process_name')[2].args.name).toBe('counters');
    expect(named('process_name')[1].args.name).toContain('wafer 1');
    expect(named('thread_name').map(({ args }) => args.name)).toEqual([
      'layer 0',
      'layer 1',
      'layer 2',
      'layer 3',
    ]);
    expect(named('thread_name').map(({ pid }) => pid)).toEqual([1, 1, 2, 2]);
    expect(named('thread_sort_index').map(({ args }) => args.sort_index)).toEqual([0, 1, 2, 3]);
  });

  it('has every stage from its first to its last cycle, on its region', () => {
    expect(spans('stage').map(({ name, pid, tid, ts, dur }) => [name, pid, tid, ts, dur])).toEqual([
      ['layer 0', 1, 1, 0, 250],
      ['layer 1', 1, 2, 250, 250],
      ['layer 2', 2, 3, 500, 250],
      ['layer 3', 2, 4, 750, 250],
    ]);
  });

  it('has operators inside their stage, on its track', () => {
    expect(spans('operator')).toHaveLength(8);
    for (const { pid, tid, ts, dur } of spans('operator')) {
      const stage = spans('stage').find((one) => one.pid === pid && one.tid === tid)!;
      expect(ts).toBeGreaterThanOrEqual(stage.ts);
      expect(ts + dur).toBeLessThanOrEqual(stage.ts + stage.dur);
    }
    expect(spans('operator').reduce((sum, { dur }) => sum + dur, 0)).toBe(1_000);
  });

  it('says that its times are cycles', () => {
    const { run, detail } = reportRun('layer');
    const { otherData } = JSON.parse(chromeTrace(run, detail)) as { otherData: object };
    expect(otherData).toEqual({
      unit: '1 us is 1 cycle',
      cyclesPerToken: 1_000,
      configHash: 'a1b2c3',
    });
  });

  it('has an arrow from each stage to the next one, which both ends are in', () => {
    const arrows = events.filter(({ cat }) => cat === 'handOff') as (Event & { id: number })[];
    expect(arrows.map(({ ph, id }) => [ph, id])).toEqual([
      ...[1, 2, 3].flatMap((id) => [
        ['s', id],
        ['f', id],
      ]),
    ]);
    const stages = spans('stage');
    for (const { ph, id, ts, pid, tid } of arrows) {
      const stage = stages[ph === 's' ? id - 1 : id];
      expect([pid, tid]).toEqual([stage.pid, stage.tid]);
      expect(ts).toBeGreaterThanOrEqual(stage.ts);
      expect(ts).toBeLessThan(stage.ts + stage.dur);
    }
  });

  it('counts stages at work and tokens under way, and what the token’s time is spent on', () => {
    const { run, detail } = reportRun('layer');
    const later = (by: number) =>
      detail.stages.map(({ start, end }) => ({ start: start + by, end: end + by }));
    const others = [{ start: -600, end: 400, stages: later(-600) }];
    const trace = chromeTrace(run, { ...detail, others });
    const { traceEvents } = JSON.parse(trace) as {
      traceEvents: TraceEvent<Record<string, number>>[];
    };
    const counts = (name: string) =>
      traceEvents
        .filter((event) => event.ph === 'C' && event.name === name)
        .map(({ ts, args }) => [ts, args[name]]);
    // The other token's second stage lasts from -100 to 400.
    expect(counts('stages at work')).toEqual([
      [0, 2],
      [400, 1],
      [500, 1],
      [1_000, 0],
    ]);
    expect(counts('tokens under way')).toEqual([
      [0, 2],
      [400, 1],
      [1_000, 0],
    ]);
    const spent = traceEvents.filter(({ name }) => name.startsWith('the token’s time'));
    expect(spent).toHaveLength(400);
    expect(spent[0].args).toEqual({ compute: 60, communication: 40, waiting: 0 });
    const own = traceEvents.filter(({ cat }) => cat === 'token');
    expect(own.map(({ name, ts, dur }) => [name, ts, dur])).toEqual([
      ['layer 0', -600, 500],
      ['layer 1', -100, 500],
    ]);
  });

  it('has a track for each chosen core, with its operations and their set-up', () => {
    const { run, detail } = reportRun('layer');
    const operation = (x: number, from: number, setup: number) => ({
      ...{ wafer: 0, x, y: 2, stage: 'layer 0', operator: 'qkv', index: 3, kind: 'vector' },
      ...{ instruction: 'fmac', from, to: from + 20, setup, takes: 1, sends: 0 },
    });
    const operations = [operation(4, 0, 5), operation(4, 30, 0), operation(7, 10, 2)];
    const trace = chromeTrace(run, { ...detail, operations });
    const { traceEvents } = JSON.parse(trace) as { traceEvents: Event[] };
    const own = traceEvents.filter(({ cat }) => cat === 'operation');
    expect(own.map(({ name, tid, ts, dur }) => [name, tid, ts, dur])).toEqual([
      ['fmac', 1, 0, 20],
      ['set-up', 1, 0, 5],
      ['fmac', 1, 30, 20],
      ['fmac', 2, 10, 20],
      ['set-up', 2, 10, 2],
    ]);
    const [{ pid }] = own;
    const tracks = traceEvents.filter((event) => event.name === 'thread_name' && event.pid === pid);
    expect(tracks.map(({ args }) => args.name)).toEqual([
      'wafer 0, core 4, 2',
      'wafer 0, core 7, 2',
    ]);
  });

  it('shares a track between the visits of one region', () => {
    const { run, detail } = reportRun('layer');
    const again = { ...detail.stages[0], name: 'again', start: 1_000, end: 1_100, operators: [] };
    const twice = { ...detail, stages: [...detail.stages, again] };
    const { traceEvents } = JSON.parse(chromeTrace(run, twice)) as { traceEvents: Event[] };
    const at = (name: string) => traceEvents.find((event) => event.name === name)!;
    expect(at('again').tid).toBe(at('layer 0').tid);
    expect(traceEvents.filter(({ name }) => name === 'thread_name')).toHaveLength(2);
  });

  it('has the critical path on two tracks of its own: its operators, and what they are spent on', () => {
    const { run, detail } = reportRun('layer', 2);
    const entry = (operator: string, kind: 'compute' | 'flight', x: number, from: number) => ({
      ...{ operator, kind, wafer: 1, x, y: 3, from, to: from + 500, cycles: 500 },
    });
    const decode = {
      ...run.decode,
      criticalPath: [entry('down', 'flight', 7, 0), entry('down', 'compute', 9, 500)],
    };
    const trace = chromeTrace({ ...run, decode }, detail);
    const { traceEvents } = JSON.parse(trace) as { traceEvents: TraceEvent<object>[] };
    const path = traceEvents.filter(({ cat }) => cat === 'path');
    expect(path.map(({ name, pid, tid, ts, dur }) => [name, pid, tid, ts, dur])).toEqual([
      ['down', 3, 1, 0, 1_000],
      ['flight', 3, 2, 0, 500],
      ['compute', 3, 2, 500, 500],
    ]);
    expect(path[1].args).toEqual({ operator: 'down', wafer: 1, x: 7, y: 3 });
  });
});
