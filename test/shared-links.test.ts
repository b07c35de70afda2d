/** Links on which tokens of two users meet: which, when, and what that costs. */
import { beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { meetingsOf } from '../src/decode/meetings.js';
import { partResults } from '../src/decode/part-results.js';
import type { Turn } from '../src/decode/ring.js';
import { fast } from '../src/engine/fast/fast.js';
import { reference } from '../src/engine/reference/reference.js';
import { EAST, NORTH, RAMP, SOUTH, WEST, portMask } from '../src/hardware/mesh.js';
import { joined, type Part } from '../src/lowering/joined.js';
import { sharedLinks, waveletsOf, pathsOf, type StageLinks } from '../src/lowering/shared-links.js';
import type { Operation, Role } from '../src/program/program.js';
import type { RunDocument } from '../src/report/document.js';
import { sharedLinksText } from '../src/report/shared-links-text.js';
import { runTable } from '../src/report/table.js';
import { simulate } from '../src/studies/run/run.js';
import { explain } from '../src/studies/explain/explain.js';
import { HOP_OF_ONE, prepare } from './monolith.js';
import { OPTIONS } from './helpers/options.js';

const { wafer } = loadConfig('configs/tiny.yaml', []);
const sorted = (links: number[]) => links.toSorted((a, b) => a - b);

describe('the paths of a hand-off', () => {
  const source = (region: { x: number; y: number; width: number; height: number }) =>
    ({ kind: 'rows', region, cell: 0, type: 'f16', length: 5 }) as const;

  it('of regions side by side go straight on, one per row', () => {
    const box = { x: 1, y: 0, width: 5, height: 2 };
    const paths = pathsOf(
      source({ x: 0, y: 0, width: 2, height: 2 }),
      { x: 4, y: 0, width: 2, height: 2 },
      box,
    );
    // From the core at x = 1 over 2, 3 and 4 to 5, in rows of five cores.
    expect(paths.map(sorted)).toEqual([
      [0, 1, 2, 3].map((core) => core * 4 + EAST),
      [5, 6, 7, 8].map((core) => core * 4 + EAST),
    ]);
    expect(waveletsOf(source(box))).toBe(3);
    expect(waveletsOf({ ...source(box), type: 'f32' })).toBe(5);
  });

  it('of regions one above the other turn into a column, and spread to both sides', () => {
    const box = { x: 0, y: 0, width: 3, height: 2 };
    const region = { x: 0, y: 1, width: 3, height: 1 };
    const paths = pathsOf(source({ x: 1, y: 0, width: 1, height: 1 }), region, box);
    expect(paths.map(sorted)).toEqual([[1 * 4 + SOUTH, 4 * 4 + EAST, 4 * 4 + WEST]]);
  });

  it('of rows that share a stream are one, with a link for each slice that passes it', () => {
    const box = { x: 0, y: 0, width: 2, height: 6 };
    const from = { ...source({ x: 0, y: 0, width: 1, height: 3 }), shares: true };
    const paths = pathsOf(from, { x: 0, y: 3, width: 2, height: 3 }, box);
    // All three rows lie over column 0: their slices come together, pass, and part again.
    const link = (y: number, port: number) => y * box.width * 4 + port;
    const south = [1, 2, 3, 2, 1].flatMap((slices, y) =>
      Array.from({ length: slices }, () => link(y, SOUTH)),
    );
    const spread = [3, 4, 5].map((y) => link(y, EAST));
    expect(paths.map(sorted)).toEqual([sorted([...south, ...spread])]);
    expect(
      pathsOf({ ...from, shares: false }, { x: 0, y: 3, width: 2, height: 3 }, box).length,
    ).toBe(3);
  });

  it('a token has one, to all cores', () => {
    const box = { x: 0, y: 0, width: 4, height: 2 };
    const token = { kind: 'token', core: { x: 3, y: 1 }, cell: 0, type: 'f32', length: 1 } as const;
    const paths = pathsOf(token, { x: 0, y: 0, width: 2, height: 2 }, box);
    const back = [7, 6, 5].map((core) => core * 4 + WEST);
    expect(paths.map(sorted)).toEqual([sorted([...back, 4 * 4 + NORTH, 5 * 4 + NORTH])]);
  });

  it.each([
    ['row-major', 6, 5],
    ['snake', 4, 5],
    ['row-major', 8, 3],
    ['hilbert', 12, 6, 1],
    ['hilbert', 8, 12, 2],
  ])(
    'carry what the simulated stages carry: %s, %i rows',
    async (strategy, rows, layers, columns = 5) => {
      const sets = [`placement.strategy=${strategy}`, `placement.rows=${rows}`];
      const tiny = await prepare([...sets, `placement.layerColumns=${columns}`], layers);
      // With one or two columns rows share streams.
      const sharing = tiny.plans.filter(({ source }) => source?.kind === 'rows' && source.shares);
      expect(sharing.length > 0).toBe(columns < 5);
      for (const [i, plan] of tiny.plans.entries()) {
        const { program, origin } = plan.write();
        const { width, height } = program;
        const place = tiny.placement.regions[plan.to];
        const [x, y] = [place.x - (origin % width), place.y - Math.floor(origin / width)];
        const result = await tiny.run(i, new Float64Array(width * height));
        const expected = new Float64Array(width * height * 4);
        for (const way of pathsOf(plan.source!, place, { x, y, width, height }))
          for (const link of way) expected[link] += waveletsOf(plan.source!);
        result.linkWavelets.forEach((wavelets, link) => {
          const column = ((link >> 2) % width) - (origin % width);
          const row = Math.floor((link >> 2) / width) - Math.floor(origin / width);
          const inside = column >= 0 && row >= 0 && column < place.width && row < place.height;
          // Inside there are the region's own wavelets too.
          if (inside) expect(wavelets).toBeGreaterThanOrEqual(expected[link]);
          else expect(wavelets, `${plan.name}, link ${link}`).toBe(expected[link]);
        });
      }
    },
  );
});

describe('tokens meet', () => {
  /** A turn of two stages: [first, cycles of the hand-off, cycles until all are done]. */
  const turn = (...stages: [number, number, number][]) =>
    ({
      visits: stages.map(([first, received, cycles]) => ({
        first,
        end: first + cycles,
        start: { result: { labelEnd: Float64Array.of(-Infinity, received) } },
      })),
    }) as unknown as Turn;
  const latersOf = (turns: Turn[], period: number, handOff: number, stage: number) => {
    const { list, most } = meetingsOf(turns, period, [1, 1])(handOff, stage);
    return { laters: list.map(({ later }) => later).toSorted((a, b) => a - b), most };
  };

  it('when the work of one begins before the hand-off of the other has arrived, and ends after', () => {
    // Alone on the ring: the next turn comes when this one is over.
    const one = [turn([0, 10, 100], [90, 10, 60])];
    expect(latersOf(one, 150, 0, 1)).toEqual({ laters: [], most: 0 });
    // Every 100 cycles another token: its hand-off [0, 10) meets the work [90, 150) - 100.
    expect(latersOf(one, 100, 0, 1)).toEqual({ laters: [-10], most: 1 });
    // The hand-off [90, 100) meets no work [100, 200) but, were it a cycle longer, it would.
    expect(latersOf(one, 100, 1, 0)).toEqual({ laters: [], most: 0 });
    expect(latersOf([turn([0, 10, 100], [90, 11, 60])], 100, 1, 0).laters).toEqual([10]);
    // Work that is over in the cycle in which the hand-off begins does not meet it.
    expect(latersOf([turn([0, 10, 100], [40, 10, 60])], 100, 0, 1).laters).toEqual([]);
    expect(latersOf([turn([0, 10, 100], [40, 10, 61])], 100, 0, 1).laters).toEqual([-60]);
  });

  it('in one stage, when a token comes while the one before is still there; never itself', () => {
    expect(latersOf([turn([0, 10, 100])], 100, 0, 0).laters).toEqual([]);
    expect(latersOf([turn([0, 10, 100])], 99, 0, 0)).toEqual({ laters: [-99], most: 1 });
    expect(latersOf([turn([0, 10, 100])], 40, 0, 0)).toEqual({ laters: [-80, -40], most: 2 });
    const two = [turn([0, 10, 100]), turn([60, 10, 100])];
    expect(latersOf(two, 200, 0, 0)).toEqual({ laters: [-60], most: 1 });
  });
});

describe('shared links', () => {
  /** Two rows of four cores; the hand-off passes the upper row to the east. */
  const passing: StageLinks = {
    wafer: 0,
    box: { x: 0, y: 0, width: 4, height: 2 },
    paths: [[0, 1, 2].map((core) => core * 4 + EAST)],
    wavelets: 5,
    handOffCycles: 9,
    linkWavelets: new Float64Array(32),
    colorsAt: () => 1,
  };
  for (const link of passing.paths[0]) passing.linkWavelets[link] = 5;
  /** Cores (1, 0) and (2, 0): 7 wavelets to the east, 2 on, 50 to the west. */
  const working: StageLinks = {
    ...passing,
    box: { x: 1, y: 0, width: 2, height: 1 },
    paths: [],
    linkWavelets: Float64Array.of(0, 7, 0, 0, 0, 2, 0, 50),
    colorsAt: (core) => core + 1,
  };
  const always = () => true;

  it('are those on which both have wavelets; how long these can wait is by hand', () => {
    // The hand-off waits for 5 x 1 colour and for 2 wavelets: 7. The others for 5 on each link, 10.
    const [pair, ...none] = sharedLinks([passing, working], always);
    const counts = { links: 2, handOffWavelets: 10, otherWavelets: 9 };
    expect(pair).toEqual({ handOff: 0, other: 1, ...counts, cyclesAtMost: 7 + 10 });
    expect(none).toEqual([]);
    // A hand-off that is over in 2 cycles, or 2 and the 7 that it waits, holds no token up for longer.
    const short = { ...passing, handOffCycles: 2 };
    expect(sharedLinks([short, working], always)[0].cyclesAtMost).toBe(7 + 9);
  });

  it('are none on two wafers, in two places, in the other order, or if no token is there then', () => {
    const nowhere = { ...working, box: { ...working.box, y: 1 } };
    const back = { ...working, linkWavelets: Float64Array.of(0, 0, 0, 7, 0, 0, 0, 50) };
    for (const other of [{ ...working, wafer: 1 }, nowhere, back])
      expect(sharedLinks([passing, other], always)).toEqual([]);
    expect(sharedLinks([passing, working], (a, b) => a !== 0 || b !== 1)).toEqual([]);
  });

  it("of a stage with itself: the region's wavelets, without those of the hand-off", () => {
    const busy = {
      ...passing,
      linkWavelets: passing.linkWavelets.map((n, i) => n + (i === 1 ? 3 : 0)),
    };
    const [pair] = sharedLinks([busy], always);
    expect(pair).toMatchObject({
      links: 1,
      handOffWavelets: 5,
      otherWavelets: 3,
      cyclesAtMost: 3 + 5,
    });
  });
});

describe('several programs as one', () => {
  /** A row of `width` cores from `x`: the first sends `length` wavelets to the last. */
  function stream(x: number, width: number, color: number, length: number): Part {
    const role = (inputs: number, outputs: number, move?: 'send' | 'receive'): Role => ({
      name: move ?? 'passage',
      routes: [{ color, inputs, outputs }],
      operations: move
        ? [
            {
              kind: 'vector',
              label: 0,
              fn: 'move',
              type: 'f32',
              length,
              dst: move === 'send' ? { color } : { at: 0, stride: 1 },
              a: move === 'send' ? { at: 0, stride: 1 } : { color },
            },
          ]
        : [],
      buffers: [{ name: 'x', type: 'f32', at: 0, length, preloaded: true }],
      codeBytes: 0,
    });
    const roles = [
      role(portMask(RAMP), portMask(EAST), 'send'),
      role(portMask(WEST), portMask(EAST)),
      role(portMask(WEST), portMask(RAMP), 'receive'),
    ];
    const roleOf = Uint16Array.from({ length: width }, (_, i) =>
      i === 0 ? 0 : i < width - 1 ? 1 : 2,
    );
    const program = { name: `stream ${color}`, width, height: 1, roles, roleOf, labels: ['move'] };
    const startAt = new Float64Array(width);
    return { program, box: { x, y: 0, width, height: 1 }, startAt, later: 0, colors: new Map() };
  }
  const run = ({ program, startAt }: Pick<Part, 'program' | 'startAt'>) => {
    const result = fast({ program, wafer, startAt });
    expect(reference({ program, wafer, startAt }).end).toEqual(result.end);
    return result;
  };
  const together = (...parts: Part[]) => {
    const all = joined(parts)!;
    const startUp = parts.map(() => wafer.costs.programStart);
    return partResults(all, parts, parts.map(run), run(all), startUp);
  };
  const LENGTH = 20;
  const parts = [stream(0, 7, 15, LENGTH), stream(2, 4, 0, LENGTH)];
  const alone = parts.map((part) => run(part).end);
  const lost = (later: number, [a, b] = parts) => {
    const both = together(a, { ...b, later });
    return [a, b].map((part, i) => Math.max(...both[i].end) - Math.max(...run(part).end));
  };

  it('take the links in turns where they meet, and as long as alone where they do not', () => {
    const losses = Array.from({ length: 121 }, (_, i) => lost(i - 60));
    // 2 x 20 wavelets take 40 cycles over a link: one stream ends 20 cycles later, the other 19.
    expect(Math.max(...losses.map(([a, b]) => a + b))).toBe(2 * LENGTH - 1);
    expect(losses[0]).toEqual([0, 0]);
    expect(losses.at(-1)).toEqual([0, 0]);
    // In any position no more than is computed.
    const links = parts.map(({ program, box }, i): StageLinks => {
      const { end, linkWavelets } = run(parts[i]);
      const paths = [[...program.roleOf.keys()].slice(0, -1).map((core) => core * 4 + EAST)];
      const handOffCycles = Math.max(...end);
      return {
        wafer: 0,
        box,
        paths,
        wavelets: LENGTH,
        handOffCycles,
        linkWavelets,
        colorsAt: () => 1,
      };
    });
    const pair = sharedLinks(links, () => true).find(({ handOff, other }) => handOff < other)!;
    expect(pair).toMatchObject({ links: 3, handOffWavelets: 60, otherWavelets: 60 });
    for (const [a, b] of losses) expect(a + b).toBeLessThanOrEqual(pair.cyclesAtMost);
  });

  it('of which one begins first or lies above keep their clocks, places and colours', () => {
    const below = { ...parts[1], box: { ...parts[1].box, x: -2, y: 3 } };
    for (const later of [-7, 0, 11]) expect(lost(later, [parts[0], below])).toEqual([0, 0]);
    const started = { ...parts[1], startAt: parts[1].startAt.map(() => 5) };
    expect(lost(-5, [parts[0], started])).toEqual(lost(0));
    // One program of a kind, written for colour 15, is at work twice; one of them on colour 0.
    const again = { ...stream(2, 4, 15, LENGTH), colors: new Map([[15, 0]]) };
    expect(lost(3, [parts[0], again])).toEqual(lost(3));
    const both = joined([parts[0], below])!;
    expect(both.box).toEqual({ x: -2, y: 0, width: 9, height: 4 });
    expect(both.program.labels).toEqual(['move', 'move']);
    expect(() => joined([parts[0], stream(1, 5, 15, LENGTH)])).toThrow(/two routes of colour 15/);
  });

  it('have their colours in all operands and changes of routes', () => {
    const label = 0;
    const [type, length] = ['f32' as const, 1];
    const [cell, fifteen, two] = [{ at: 0, stride: 1 }, { color: 15 }, { color: 2 }];
    const vector = { kind: 'vector' as const, label, fn: 'fma' as const, type, length };
    const operations: Operation[] = [
      { ...vector, dst: fifteen, a: cell, b: cell, c: two },
      { ...vector, dst: cell, a: fifteen, b: cell, c: cell },
      { ...vector, dst: cell, a: cell, b: fifteen, c: cell },
      { ...vector, dst: two, a: cell, b: cell, c: fifteen },
      { kind: 'route', label, color: 15, inputs: 1, outputs: 2 },
      { kind: 'call', label },
    ];
    const part = stream(0, 1, 15, 1);
    part.program.roles[0] = { ...part.program.roles[0], operations };
    const { program } = joined([stream(4, 2, 1, 1), { ...part, colors: new Map([[15, 7]]) }])!;
    const seven = { color: 7 };
    const moved = { ...vector, label: 1 };
    expect(program.roles[program.roleOf[0]].operations).toEqual([
      { ...moved, dst: seven, a: cell, b: cell, c: two },
      { ...moved, dst: cell, a: seven, b: cell, c: cell },
      { ...moved, dst: cell, a: cell, b: seven, c: cell },
      { ...moved, dst: two, a: cell, b: cell, c: seven },
      { kind: 'route', label: 1, color: 7, inputs: 1, outputs: 2 },
      { kind: 'call', label: 1 },
    ]);
  });

  it('are none where more than 4,096 cores work for several', () => {
    const all = (width: number): Part => {
      const { program, ...part } = stream(0, width, 15, 1);
      const roleOf = new Uint16Array(width);
      return { ...part, program: { ...program, roleOf } };
    };
    expect(joined([all(4096), all(4096)])!.shared.size).toBe(4096);
    expect(joined([all(4097), all(4097)])).toBeUndefined();
    expect(joined([all(4097)])!.shared.size).toBe(0);
  });

  it('follow each other on cores that work for several of them', () => {
    // Core 0 sends 20 wavelets to core 6, then as many to core 3: alone it is done with either in `sent`.
    const next = stream(0, 4, 0, LENGTH);
    const [first, second] = together(parts[0], next);
    const sent = alone[0][0];
    expect(first.end).toEqual(
      alone[0].map((end, core) => ([0, 6].includes(core) ? end : -Infinity)),
    );
    expect(second.since[0]).toBe(sent);
    expect(second.end[0]).toBe(2 * sent - wafer.costs.programStart);
    // The receiver has been waiting since it started up; what was sent later comes later.
    expect(second.since[3]).toBe(wafer.costs.programStart);
    expect(second.end[3]).toBe(run(next).end[3] + second.end[0] - sent);
    expect([...second.labelEnd]).toEqual([second.end[3]]);
    expect([...first.labelEnd]).toEqual([alone[0][6]]);
    // What they wait for output is known for both; what is more than alone is the last one's.
    const waiting = (part: Part, cycles: number) => {
      const result = run(part);
      return {
        ...result,
        waitOutput: result.waitOutput.map((_, core) => (core === 0 ? cycles : 0)),
      };
    };
    const both = joined([parts[0], next])!;
    const startUps = [wafer.costs.programStart, wafer.costs.programStart];
    const waits = partResults(
      both,
      [parts[0], next],
      [waiting(parts[0], 4), waiting(next, 3)],
      { ...run(both), waitOutput: both.startAt.map((_, core) => (core === 0 ? 9 : 0)) },
      startUps,
    );
    expect(waits.map(({ waitOutput }) => waitOutput[0])).toEqual([4, 9 - 4]);
    // Where the last core of a part works for the next, the part's operator ends with it nevertheless.
    const ends = run(next).end[3];
    const [received, sentOn] = together(next, stream(3, 3, 1, LENGTH));
    expect([received.end[3], ...received.labelEnd]).toEqual([ends, ends]);
    expect(sentOn.since[0]).toBe(ends);
    // The clock of the second begins later; its first core still begins with the first.
    const [, later] = together(parts[0], { ...next, later: 5 });
    expect(later.since[0]).toBe(sent - 5);
    expect([...later.end]).toEqual([...second.end].map((end) => end - 5));
    expect([...later.labelEnd]).toEqual([second.end[3] - 5]);
  });
});

describe('a run of several users', () => {
  const run = (...sets: string[]): Promise<RunDocument> =>
    simulate(
      loadConfig('configs/tiny.yaml', ['workload.data=false', 'workload.tokens=1', ...sets]),
      OPTIONS,
    );
  const text = (document: RunDocument) => runTable(document, { color: false });
  const rows = (count: number) => [
    ...[`placement.rows=${count}`, 'placement.layerColumns=5'],
    'placement.kvReplicas=1',
  ];
  let free: RunDocument;
  let crossing: RunDocument;
  let crowded: RunDocument;
  beforeAll(async () => {
    // The head lies below the layers, or next to them, so that a token comes back through both.
    free = await run('workload.batch=2', ...rows(5), ...HOP_OF_ONE);
    crossing = await run('workload.batch=2', ...rows(12));
    crowded = await run('workload.batch=4');
  }, 60_000);

  it('where no token is on the links of a hand-off says that none can wait', () => {
    expect(free.decode.sharedLinks).toEqual({ cycles: 0, cyclesAtMost: 0, pairs: [] });
    expect(text(free)).toMatch(/links {7}none that a hand-off passes is in use by another user/);
  });

  it("where a token's path back crosses a layer at work says so, and what that costs", () => {
    // The layers are 5 cores wide: 4 links of a row, to the west.
    expect(crossing.placement.regions.map(({ x, y }) => [x, y])).toEqual(
      [0, 1, 6, 11].map((x) => [x, 0]),
    );
    const { pairs, cyclesAtMost } = crossing.decode.sharedLinks!;
    expect(pairs).toEqual([
      {
        handOff: 'embedding',
        other: 'layer 1',
        links: 4,
        handOffWavelets: 4,
        otherWavelets: pairs[0].otherWavelets,
        meetings: 1,
        simulated: true,
        cyclesAtMost,
      },
    ]);
    expect(pairs[0].otherWavelets).toBeGreaterThan(0);
    expect(text(crossing)).toContain(
      'pass links in use by other users (embedding on 4 of layer 1): 0 of the cycles above come of it',
    );
    // No more of a round comes of it than of 4 wavelets that wait for one each.
    expect(crossing.decode.sharedLinks!.cycles).toBe(0);
    expect(cyclesAtMost).toBe(0);
  });

  it('that wait for regions waits on links too, also where cores work for several of them', () => {
    const { pairs, cyclesAtMost } = crowded.decode.sharedLinks!;
    const own = pairs.find(({ handOff, other }) => handOff === other)!;
    expect(own).toMatchObject({ handOff: 'layer 1', simulated: true, cyclesAtMost: 0 });
    expect(cyclesAtMost).toBe(0);
    expect(text(crowded)).toMatch(/, \d+ more pairs\): 0 of the cycles above/);
  });

  it('whose programs would be too large is told what waiting costs at most', () => {
    const pair = crossing.decode.sharedLinks!.pairs[0];
    const pairs = [{ ...pair, simulated: false, cyclesAtMost: 8 }];
    expect(sharedLinksText({ cycles: 0, cyclesAtMost: 8, pairs })).toMatch(
      /: not in the cycles above, as one program of all would be too large: at most 8 per token$/,
    );
  });

  it('of one user has nothing to say', async () => {
    const one = await run(...rows(12));
    expect(one.decode).not.toHaveProperty('sharedLinks');
    expect(text(one)).not.toContain('links       ');
  });

  it('has it among its assumptions', () => {
    const rules = (batch: number) =>
      explain(loadConfig('configs/tiny.yaml', [`workload.batch=${batch}`]))
        .assumptions.map((rule) => rule.text)
        .join('\n');
    expect(rules(2)).toContain('Where a hand-off passes links that another user has in use');
    expect(rules(1)).not.toContain('Where a hand-off passes');
  });
});
