/** Links on which tokens of two users meet: which, when, and what that costs. */
import { beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { meetingsOf } from '../src/decode/meetings.js';
import type { Turn } from '../src/decode/ring.js';
import { fast } from '../src/engine/fast/fast.js';
import { reference } from '../src/engine/reference/reference.js';
import { EAST, NORTH, RAMP, SOUTH, WEST, portMask } from '../src/hardware/mesh.js';
import { cyclesLater, joined, type Placed } from '../src/lowering/joined.js';
import { sharedLinks, waveletsOf, pathsOf, type StageLinks } from '../src/lowering/shared-links.js';
import type { Role } from '../src/program/program.js';
import type { RunDocument } from '../src/report/document.js';
import { runTable } from '../src/report/table.js';
import { sharedLinksOf } from '../src/decode/shared-links.js';
import { simulate } from '../src/studies/run/run.js';
import { explain } from '../src/studies/explain/explain.js';
import { pipelineOf, prepare } from './monolith.js';
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
  ])('carry what the simulated stages carry: %s, %i rows', async (strategy, rows, layers) => {
    const sets = [`placement.strategy=${strategy}`, `placement.rows=${rows}`];
    const tiny = await prepare(sets, layers);
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
  });
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

describe('two programs as one', () => {
  /** A row of `width` cores from `x`: the first sends `length` wavelets to the last. */
  function stream(x: number, width: number, color: number, length: number): Placed {
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
    return { program, box: { x, y: 0, width, height: 1 }, startAt: new Float64Array(width) };
  }
  const run = ({ program, startAt }: Placed, engine = fast) => engine({ program, wafer, startAt });
  const LENGTH = 20;
  const parts = [stream(0, 7, 15, LENGTH), stream(2, 4, 0, LENGTH)];
  const alone = parts.map((part) => run(part).end);
  const lost = (later: number, [a, b] = parts, ends = alone) => {
    const both = joined(a, b, later)!;
    const { end } = run(both);
    expect(run(both, reference).end).toEqual(end);
    return cyclesLater(both, end, [a, b], ends);
  };

  it('alternate on the links where they meet, and as long as alone where they do not', () => {
    const losses = Array.from({ length: 121 }, (_, i) => lost(i - 60));
    // 2 x 20 wavelets take 40 cycles over a link: one stream ends 20 cycles later, the other 19.
    expect(Math.max(...losses)).toBe(2 * LENGTH - 1);
    expect(losses[0]).toBe(0);
    expect(losses.at(-1)).toBe(0);
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
    expect(Math.max(...losses)).toBeLessThanOrEqual(pair.cyclesAtMost);
  });

  it('of which one begins first or lies above keep their clocks and places', () => {
    const below = { ...parts[1], box: { ...parts[1].box, x: -2, y: 3 } };
    for (const later of [-7, 0, 11]) expect(lost(later, [parts[0], below])).toBe(0);
    const started = { ...parts[1], startAt: parts[1].startAt.map(() => 5) };
    const ends = [alone[0], run(started).end];
    expect(lost(-5, [parts[0], started], ends)).toBe(lost(0));
    const both = joined(parts[0], below, 4)!;
    expect(both.box).toEqual({ x: -2, y: 0, width: 9, height: 4 });
    expect(both.program.labels).toEqual(['move', 'move']);
  });

  it('are none where a core would work for both', () => {
    expect(joined(parts[0], stream(0, 4, 0, LENGTH), 0)).toBeUndefined();
    expect(joined(parts[0], stream(1, 6, 0, LENGTH), 0)).toBeUndefined();
    expect(joined(parts[0], stream(1, 5, 0, LENGTH), 0)).toBeDefined();
  });
});

describe('two stages of a step', () => {
  it('are as much later as they hold each other up, counted for each meeting', async () => {
    // A token comes back from the head in the east through layer 1, which is at work.
    const tiny = await prepare(['placement.rows=12']);
    const { turns } = await pipelineOf(tiny, 1);
    const { visits } = turns[0];
    const at = async (period: number) =>
      (await sharedLinksOf(tiny.runner, tiny.plans, tiny.stages, { turns, period })).pairs.find(
        ({ handOff, other }) => handOff === 'embedding' && other === 'layer 1',
      );
    // The layer begins `after` the token: in the round before while that is so far back.
    const after = visits[2].first - visits[0].first;
    const losses = new Map<number, number>();
    for (let since = 800; since < 830; since++) {
      const pair = await at(after + since);
      expect(pair).toMatchObject({ links: 4, handOffWavelets: 4, meetings: 1, simulated: true });
      losses.set(since, pair!.cyclesAtMost);
    }
    // A wavelet waits for one, or one for it; seldom, since the links are nearly free.
    expect(new Set(losses.values())).toEqual(new Set([0, 1]));
    // With rounds a third as long it is met by another one too, and may lose as often.
    const third = (since: number) => (after + since) / 3;
    const bad = [...losses.keys()].find((at) => losses.get(at) === 1 && third(at) % 1 === 0)!;
    const more = await at(third(bad));
    expect(more).toMatchObject({ meetings: 2, simulated: true, cyclesAtMost: 2 });
  });
});

describe('a run of several users', () => {
  const run = (...sets: string[]): Promise<RunDocument> =>
    simulate(
      loadConfig('configs/tiny.yaml', ['workload.data=false', 'workload.tokens=1', ...sets]),
      OPTIONS,
    );
  const text = (document: RunDocument) => runTable(document, { color: false });
  const rows = (count: number) => [`placement.rows=${count}`, 'placement.layerColumns=5'];
  let free: RunDocument;
  let crossing: RunDocument;
  let crowded: RunDocument;
  beforeAll(async () => {
    // The head lies below the layers, or next to them, so that a token comes back through both.
    free = await run('workload.batch=2', ...rows(6));
    crossing = await run('workload.batch=2', ...rows(12));
    crowded = await run('workload.batch=4');
  }, 60_000);

  it('where no token is on the links of a hand-off says that none can wait', () => {
    expect(free.decode.sharedLinks).toEqual({ cyclesAtMost: 0, pairs: [] });
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
      `pass links in use by other users (embedding on 4 of layer 1); not in the cycles above: at ` +
        `most ${cyclesAtMost} per token, simulated two by two`,
    );
  });

  it('that wait for regions says where cores have parts in both, and bounds it', () => {
    const { pairs, cyclesAtMost } = crowded.decode.sharedLinks!;
    const own = pairs.find(({ handOff, other }) => handOff === other)!;
    expect(own).toMatchObject({ handOff: 'layer 1', simulated: false });
    // Each of its two meetings costs both no more than one wavelet's wait for each that there is.
    const { meetings, handOffWavelets, otherWavelets } = own;
    expect(meetings).toBe(2);
    expect(own.cyclesAtMost).toBeGreaterThan(0);
    expect(own.cyclesAtMost).toBeLessThanOrEqual(2 * (handOffWavelets + otherWavelets));
    expect(cyclesAtMost).toBe(pairs.reduce((sum, pair) => sum + pair.cyclesAtMost, 0));
    expect(pairs.map(({ simulated }) => simulated)).toContain(true);
    expect(text(crowded)).toMatch(/, \d+ more pairs\)/);
    expect(text(crowded)).toContain('simulated two by two, or bounded by a formula');
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
    expect(rules(2)).toContain('Wavelets of two users do not wait for each other on links');
    expect(rules(1)).not.toContain('Wavelets of two users');
  });
});
