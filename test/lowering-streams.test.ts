/** Hand-offs as programs that carry numbers: lanes, and streams that rows share. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fast } from '../src/engine/fast/fast.js';
import { reference } from '../src/engine/reference/reference.js';
import type { Rectangle } from '../src/lowering/hand-off.js';
import { portCode } from '../src/lowering/places.js';
import type { Source } from '../src/lowering/core-writer.js';
import { channelsOf, writeStage } from '../src/lowering/stage.js';
import { wse3 } from './placement-helpers.js';

/** Regions of one height on different shelves. */
const regions = fc
  .record({
    height: fc.integer({ min: 1, max: 9 }),
    width: fc.integer({ min: 1, max: 6 }),
    toWidth: fc.integer({ min: 1, max: 6 }),
    x: fc.integer({ min: 0, max: 8 }),
    toX: fc.integer({ min: 0, max: 8 }),
    shelf: fc.integer({ min: 0, max: 3 }),
    toShelf: fc.integer({ min: 0, max: 3 }),
  })
  .filter(({ shelf, toShelf }) => shelf !== toShelf)
  .map((r): [Rectangle, Rectangle] => [
    { x: r.x, y: r.shelf * r.height, width: r.width, height: r.height },
    { x: r.toX, y: r.toShelf * r.height, width: r.toWidth, height: r.height },
  ]);

const handOffs = fc.record({
  regions,
  type: fc.constantFrom('f16' as const, 'f32' as const),
  length: fc.integer({ min: 1, max: 5 }),
  shares: fc.boolean(),
  queueDepth: fc.constantFrom(1, 2, 4),
  starts: fc.array(fc.integer({ min: 0, max: 200 }), { minLength: 9, maxLength: 9 }),
});

type HandOffCase = typeof handOffs extends fc.Arbitrary<infer T> ? T : never;

/** The hand-off as a program, what its cores hold, and when its senders start. */
function programOf({ regions: [from, to], type, length, shares, queueDepth, starts }: HandOffCase) {
  // What is sent lies after a cell that is not.
  const source: Source = { kind: 'rows', region: from, shares, cell: 1, type, length };
  const code = portCode(to.height, type, length, to.width);
  const colors = Array.from({ length: channelsOf(source, to) }, (_, i) => 3 * i);
  const { program, senders, origin } = writeStage('hand-off', source, to, code, colors);
  const memory = Array.from(program.roleOf, () => new Float32Array(length + 1).fill(-1));
  const y0 = to.y - Math.floor(origin / program.width);
  const startAt = new Float64Array(program.roleOf.length);
  for (const core of senders) {
    const row = y0 + Math.floor(core / program.width) - from.y;
    for (let i = 0; i < length; i++) memory[core][1 + i] = 100 * row + i;
    startAt[core] = starts[row];
  }
  const fabric = { colors: 32, hopCycles: 1, rampCycles: 2, queueDepth };
  return { program, origin, senders, colors, input: { wafer: wse3({ fabric }), startAt }, memory };
}

describe('a hand-off', () => {
  it('stores row r of the source in every core of row r of the destination, on both engines', () => {
    let shared = 0;
    fc.assert(
      fc.property(handOffs, (given) => {
        const [, to] = given.regions;
        const { program, origin, senders, input, memory } = programOf(given);
        const copy = () => memory.map((cells) => cells.slice());
        const [held, twin] = [copy(), copy()];
        const result = reference({ program, ...input, memory: held });
        expect(fast({ program, ...input, memory: twin }).cycles).toBe(result.cycles);
        expect(twin).toEqual(held);
        expect(result.routeHazards).toBe(0);
        expect(senders.length).toBe(to.height);
        for (let row = 0; row < to.height; row++)
          for (let column = 0; column < to.width; column++) {
            const cells = held[origin + row * program.width + column].slice(0, given.length);
            expect([...cells]).toEqual(Array.from(cells, (_, i) => 100 * row + i));
          }
        if (given.shares && to.height > to.width) shared++;
      }),
      { numRuns: 200, seed: 7 },
    );
    expect(shared).toBeGreaterThan(40);
  });

  it('by a shared stream takes each slice over each link once, nearest rows first', () => {
    // Four rows down one column: what passes a link is what its rows' slices have, three wavelets each.
    const [from, to] = [0, 4].map((y) => ({ x: 0, y, width: 1, height: 4 }));
    const { program, input, memory } = programOf({
      regions: [from, to],
      type: 'f32',
      length: 3,
      shares: true,
      queueDepth: 4,
      starts: Array.from({ length: 9 }, () => 0),
    });
    // The colours of the stream's two channels; there is no other core to multicast to.
    const used = program.roles.flatMap(({ routes }) => routes.map(({ color }) => color));
    expect(new Set(used)).toEqual(new Set([3, 6]));
    const { linkWavelets, end } = reference({ program, ...input, memory });
    const south = Array.from({ length: 8 }, (_, y) => linkWavelets[y * 4 + 2]);
    expect(south.map((wavelets) => wavelets / 3)).toEqual([1, 2, 3, 4, 3, 2, 1, 0]);
    // The last row has its slice before those whose slices come after it have passed theirs on.
    const relays = [...end.slice(4)];
    expect(relays[3]).toBeLessThan(relays[0]);
  });
});
