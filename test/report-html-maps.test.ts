/** A step core by core and operator by operator: it adds up to what the document says. */
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import type { RunDetail } from '../src/report/detail.js';
import type { RunDocument } from '../src/report/document.js';
import type { PathKind } from '../src/report/document.js';
import { mapData, pack, PACKED, QUANTITIES, valuesOf } from '../src/report/html-maps.js';
import { quantitiesOf } from '../src/report/html-map.js';
import { mapsOf, unpack } from '../src/report/page/unpack.js';
import { valueAt } from '../src/report/format.js';
import type { RunResult } from '../src/engine/engine.js';
import type { Program } from '../src/program/program.js';
import { simulate } from '../src/studies/run/run.js';
import { addToMap, emptyMap, setLinks } from '../src/decode/wafer-maps.js';

const SETS: Record<string, string[]> = {
  'one user': [],
  'three users': ['workload.batch=3', 'hardware.costs.programStart=40'],
  'two wafers': ['hardware.wafers=2', 'hardware.height=13'],
  'the published mapping': ['mapping=waferllm', 'placement.rows=12'],
};

async function runOf(sets: string[]): Promise<{ run: RunDocument; detail: RunDetail }> {
  const config = loadConfig('configs/tiny.yaml', ['workload.data=false', ...sets]);
  const details: RunDetail[] = [];
  const run = await simulate(config, {
    engine: 'fast',
    shards: 1,
    memo: true,
    now: () => 0,
    rss: () => 0,
    onDetail: (detail) => details.push(detail),
  });
  expect(details).toHaveLength(1);
  return { run, detail: details[0] };
}

const total = (values: Float64Array[]) =>
  values.reduce((all, one) => one.reduce((sum, value) => sum + value, all), 0);
const largest = (values: Float64Array[]) => Math.max(...values.flatMap((one) => [...one]));

describe.each(Object.entries(SETS))('the detail of a run with %s', (_, sets) => {
  let run: RunDocument;
  let detail: RunDetail;
  beforeAll(async () => {
    ({ run, detail } = await runOf(sets));
  });

  it('has the core-cycles of compute and set-up, and waits no longer than the document', () => {
    const { compute, setup, waitInput, waitOutput } = run.decode.coreCycles;
    const busy = total(detail.maps.map((map) => map.busy));
    // The document counts the ports between wafers too, which are no cores of any.
    const ports = detail.maps.length > 1 ? (compute + setup) * 0.001 : 0;
    expect(busy).toBeLessThanOrEqual(compute + setup);
    expect(busy).toBeGreaterThanOrEqual(compute + setup - ports);
    const waiting = total(detail.maps.map((map) => map.waiting));
    expect(waiting).toBeGreaterThan(0);
    expect(waiting).toBeLessThanOrEqual(waitInput + waitOutput);
  });

  it('has its busiest link where the document has it', () => {
    const busiest = largest(detail.maps.map(({ link }) => link));
    expect(busiest / run.decode.cyclesPerToken).toBe(run.fabric.peakLinkUtilization);
  });

  it('has memory in every region, and nothing outside', () => {
    let inside = 0;
    for (const { wafer, x, y, width, height } of run.placement.regions) {
      const map = detail.maps.find((one) => one.wafer === wafer)!;
      for (let row = y; row < y + height; row++)
        for (let column = x; column < x + width; column++) {
          expect(map.sram[row * map.width + column]).toBeGreaterThan(0);
          inside++;
        }
    }
    const filled = detail.maps.flatMap(({ sram }) => [...sram]).filter((bytes) => bytes > 0);
    expect(filled).toHaveLength(inside);
  });

  it('has the operators of the breakdown, one after the other', () => {
    const spent = new Map<string, { cycles: number; compute: number }>();
    let reached = 0;
    for (const { start, end, operators } of detail.stages) {
      expect(end).toBeGreaterThan(start);
      for (const operator of operators) {
        expect(operator.start).toBeGreaterThanOrEqual(Math.max(reached, start));
        reached = operator.end;
        expect(reached).toBeLessThanOrEqual(end);
        const { cycles, compute } = spent.get(operator.name) ?? { cycles: 0, compute: 0 };
        spent.set(operator.name, {
          cycles: cycles + operator.end - operator.start,
          compute: compute + operator.compute,
        });
      }
    }
    // What is no operator's: the way between wafers, and other users' turns.
    const others = ['between wafers', 'wait for a turn'];
    const expected = Object.entries(run.decode.breakdown)
      .filter(([name, { cycles }]) => cycles > 0 && !others.includes(name))
      .map(([name, { cycles, compute }]) => [name, { cycles, compute }] as const);
    expect(spent).toEqual(new Map(expected));
  });

  it('has the other users’ tokens that are under way, each after the one before', () => {
    const users = Number(valueAt(run.config, 'workload.batch'));
    const { others = [], cycles, stages } = detail;
    expect(others.length > 0).toBe(users > 1);
    for (const [i, other] of others.entries()) {
      expect(other.start).toBeLessThan(cycles);
      expect(other.end).toBeGreaterThan(0);
      expect(other.stages).toHaveLength(stages.length);
      for (const stage of other.stages) {
        expect(stage.start).toBeGreaterThanOrEqual(other.start);
        expect(stage.start).toBeLessThan(other.end);
        expect(stage.end).toBeGreaterThan(stage.start);
      }
      if (i > 0) expect(other.start).toBeGreaterThan(others[i - 1].start);
      // No two tokens are on a region at once: one is sent on before the next one is computed.
      const last = stages.at(-1)!;
      const apart = other.stages.at(-1)!.end - last.end;
      expect(Math.abs(apart)).toBeGreaterThan(0);
    }
  });

  it('names the stages of every region', () => {
    const regions = new Set(run.placement.regions.map(({ name }) => name));
    const visited = new Set(detail.stages.map(({ region }) => region));
    expect([...regions].filter((name) => !visited.has(name))).toEqual([]);
  });
});

describe('a stage that reaches beyond the edges of its wafer', () => {
  it('leaves on the map what its cores on the wafer do and hold, and nothing of its ports', () => {
    const four = () => Float64Array.of(1, 2, 3, 4);
    const [compute, setup, waitInput, waitOutput] = [four(), four(), four(), four()];
    const code = { routes: [], buffers: [], codeBytes: 100 };
    const change = { kind: 'route', label: 0, color: 0, inputs: 1, outputs: 2 } as const;
    const program: Program = {
      name: 'wide',
      width: 4,
      height: 1,
      roles: [{ ...code, name: 'works', operations: [change] }],
      roleOf: new Uint16Array(4),
      labels: ['label'],
    };
    const map = emptyMap(0, 2, 2);
    addToMap(map, {
      program,
      result: { compute, setup, waitInput, waitOutput } as RunResult,
      x0: -1,
      y0: 1,
      origin: 0,
      columns: 4,
      rows: 1,
      startUp: 1,
      times: 10,
    });
    expect([...map.busy]).toEqual([0, 0, 30, 50]);
    expect([...map.waiting]).toEqual([0, 0, 40, 60]);
    expect([...map.sram]).toEqual([0, 0, 100, 100]);
  });
});

describe('a stage that is visited twice, as a tied table is', () => {
  it('works twice, and holds its memory once', () => {
    const pair = (a: number, b: number) => Float64Array.of(a, b);
    const program: Program = {
      ...{ name: 'table', width: 2, height: 1, roleOf: Uint16Array.of(0, 1), labels: ['label'] },
      roles: [100, 300].map((codeBytes, i) => ({
        ...{ name: `core ${i}`, routes: [], buffers: [], codeBytes },
        operations: [{ kind: 'route', label: 0, color: 0, inputs: 1, outputs: 2 }],
      })),
    };
    const counts = { compute: pair(1, 2), setup: pair(3, 4), waitInput: pair(5, 6) };
    const result = { ...counts, waitOutput: pair(7, 8) } as RunResult;
    const where = { x0: 1, y0: 0, origin: 0, columns: 2, rows: 1, startUp: 0, times: 1 };
    const map = emptyMap(0, 3, 1);
    for (let visit = 0; visit < 2; visit++) addToMap(map, { program, result, ...where });
    expect([...map.busy]).toEqual([0, 8, 12]);
    expect([...map.waiting]).toEqual([0, 24, 28]);
    expect([...map.sram]).toEqual([0, 100, 300]);
  });
});

describe('the load of a core', () => {
  it('is that of the busiest of its four links, whichever it is', () => {
    const map = emptyMap(0, 2, 2);
    setLinks(map, Float64Array.of(9, 1, 2, 3, 4, 9, 5, 6, 7, 8, 9, 1, 2, 3, 4, 9));
    expect([...map.link]).toEqual([9, 9, 9, 9]);
    setLinks(map, new Float64Array(16));
    expect([...map.link]).toEqual([0, 0, 0, 0]);
  });
});

describe('a packed map', () => {
  it('is unpacked by the page to what it was', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 2 ** 52 })), async (numbers) => {
        const values = Float64Array.from(numbers);
        expect(await unpack(pack(values, deflateSync), values.length)).toEqual(values);
      }),
      { numRuns: 200 },
    );
  });

  it('is refused by the page if it is damaged', async () => {
    const text = pack(Float64Array.of(1, 2, 3), deflateSync);
    await expect(unpack(text, 4)).rejects.toThrow('damaged');
  });

  it('of a whole wafer of like regions stays small', () => {
    const [width, height] = [750, 1160];
    const perCore = (of: (x: number, y: number) => number) =>
      Float64Array.from({ length: width * height }, (_, i) => of(i % width, Math.floor(i / width)));
    const busy = perCore((x, y) => 7_000 + ((x % 187) % 7) * 31 + ((y % 128) % 13) * 17);
    const waiting = perCore((x, y) => 9_000 - ((x * 3) % 187) - ((y * 5) % 128));
    const links = new Float64Array(width * height * 4);
    for (let i = 0; i < links.length; i++)
      links[i] = (i % 4) * 100 + ((((i >> 2) % width) % 187) % 11) * 4;
    const map = {
      ...emptyMap(0, width, height),
      ...{ busy, waiting, sram: busy, link: waiting, links },
    };
    const { packed, path: none } = mapData(map, [], deflateSync);
    expect(none).toBeUndefined();
    expect(packed).toHaveLength(PACKED.length);
    expect(packed.join('').length).toBeLessThan(1_000_000);
  });

  it('has each link for itself, and of these the busiest', async () => {
    const links = Float64Array.of(1, 2, 3, 4, 8, 7, 6, 5);
    const map = {
      ...emptyMap(0, 2, 1),
      ...{ link: Float64Array.of(4, 8), links },
    };
    const mapOf = mapsOf(mapData(map, [], deflateSync), quantitiesOf(10));
    const of = async (name: (typeof QUANTITIES)[number]) => [
      ...(await mapOf(QUANTITIES.indexOf(name))),
    ];
    expect(await of('north')).toEqual([1, 8]);
    expect(await of('east')).toEqual([2, 7]);
    expect(await of('south')).toEqual([3, 6]);
    expect(await of('west')).toEqual([4, 5]);
    expect(await of('link')).toEqual([...valuesOf(map, 'link')]);
  });

  it('has where the critical path goes on it, in stretches between what is elsewhere', () => {
    const map = { ...emptyMap(1, 2, 2), links: new Float64Array(16) };
    const at = (wafer: number, x: number, y: number, kind: PathKind = 'flight') => ({
      ...{ operator: 'down', kind, wafer, x, y, from: 0, to: 1, cycles: 1 },
    });
    const path = [
      at(1, 5, 5, 'otherToken'),
      at(1, 0, 0),
      at(1, 0, 0),
      at(1, 1, 0),
      at(0, 1, 1),
      at(1, 0, 1),
    ];
    expect(mapData(map, [], deflateSync, path).path).toEqual([
      [0, 0, 1, 0],
      [0, 1],
    ]);
  });
});
