import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RAMP, STEP_X, STEP_Y, opposite } from '../src/hardware/mesh.js';
import {
  planHandOff,
  visitHandOff,
  visitToken,
  type HandOff,
  type Rectangle,
  type RouteVisitor,
} from '../src/lowering/hand-off.js';
import { count } from './helpers/full.js';

interface Hop {
  inputs: number;
  outputs: number;
}

/** All routes of a way, by `x,y,channel`; fails where a router would get two routes of one channel. */
function collect(visitAll: (visit: RouteVisitor) => void): Map<string, Hop> {
  const hops = new Map<string, Hop>();
  visitAll((x, y, channel, inputs, outputs) => {
    const at = `${x},${y},${channel}`;
    expect(hops.has(at), `two routes at ${at}`).toBe(false);
    hops.set(at, { inputs, outputs });
  });
  return hops;
}

/** Cores that hear what core (x, y) sends on a channel. */
function heardFrom(hops: Map<string, Hop>, x: number, y: number, channel: number): string[] {
  const heard: string[] = [];
  const follow = (x: number, y: number, port: number) => {
    const hop = hops.get(`${x},${y},${channel}`);
    expect(hop, `no route at ${x},${y} for channel ${channel}`).toBeDefined();
    expect(hop!.inputs, `input at ${x},${y}`).toBe(1 << port);
    if (hop!.outputs & (1 << RAMP)) heard.push(`${x},${y}`);
    for (let out = 0; out < RAMP; out++)
      if (hop!.outputs & (1 << out)) follow(x + STEP_X[out], y + STEP_Y[out], opposite(out));
  };
  follow(x, y, RAMP);
  return heard;
}

/** Two regions of one height that do not overlap, anywhere on a wafer. */
const regions = fc
  .record({
    height: fc.integer({ min: 1, max: 9 }),
    width: fc.integer({ min: 1, max: 12 }),
    toWidth: fc.integer({ min: 1, max: 12 }),
    x: fc.integer({ min: 0, max: 20 }),
    toX: fc.integer({ min: 0, max: 20 }),
    shelf: fc.integer({ min: 0, max: 3 }),
    toShelf: fc.integer({ min: 0, max: 3 }),
  })
  .map((r): [Rectangle, Rectangle] => [
    { x: r.x, y: r.shelf * r.height, width: r.width, height: r.height },
    { x: r.toX, y: r.toShelf * r.height, width: r.toWidth, height: r.height },
  ])
  .filter(([a, b]) => a.y !== b.y || a.x + a.width <= b.x || b.x + b.width <= a.x);

/** Where the sender of row `r` sends, as the path says, and from where the row's slice reaches its relay. */
function nextOf({ rows }: HandOff, source: Rectangle, to: Rectangle, r: number) {
  const { before, after } = rows[r];
  const down = Math.sign(to.y - source.y);
  const [first, last] = [r + down * before, r - down * after];
  return {
    sendsTo:
      before > 0
        ? `${rows[r].sender},${source.y + r + down}`
        : `${rows[last].relay},${to.y + last}`,
    comesFrom:
      after > 0
        ? { x: rows[r].relay, y: to.y + r - down, channel: rows[r].arrives }
        : { x: rows[first].sender, y: source.y + first, channel: rows[first].channel },
  };
}

describe('a hand-off', () => {
  it('brings row r of the source to every core of row r of the destination, and nowhere else', () => {
    const seen = { lanes: 0, shared: 0 };
    fc.assert(
      fc.property(regions, fc.boolean(), ([source, to], shares) => {
        const plan = planHandOff(source, to, shares);
        const hops = collect((visit) => visitHandOff(plan, source, to, visit));
        plan.rows.forEach((path, r) => {
          const row = Array.from({ length: to.width }, (_, i) => `${to.x + i},${to.y + r}`);
          expect(path.sender).toBeGreaterThanOrEqual(source.x);
          expect(path.sender).toBeLessThan(source.x + source.width);
          const heard = heardFrom(hops, path.sender, source.y + r, path.channel);
          if (path.relay < 0) {
            expect(heard.sort()).toEqual(row.sort());
            return;
          }
          const relay = `${path.relay},${to.y + r}`;
          const { sendsTo, comesFrom } = nextOf(plan, source, to, r);
          expect(heard).toEqual([sendsTo]);
          const { x, y, channel } = comesFrom;
          expect(heardFrom(hops, x, y, channel)).toEqual([relay]);
          expect(channel).toBe(path.arrives);
          seen[path.before + path.after > 0 ? 'shared' : 'lanes']++;
          const others = to.width > 1 ? heardFrom(hops, path.relay, to.y + r, 0) : [];
          expect([relay, ...others].sort()).toEqual(row.sort());
        });
      }),
      { numRuns: count(150, 400) },
    );
    expect(Math.min(seen.lanes, seen.shared)).toBeGreaterThan(count(15, 50));
  });

  it('has rows in one stream that stand in one column, each after those that are nearer', () => {
    const at = (x: number, y: number, width: number) => ({ x, y, width, height: 8 });
    const order = (plan: HandOff) => plan.rows.map((r) => [r.relay, r.before, r.after]);
    // Eight rows on three columns: three, three and two.
    expect(order(planHandOff(at(0, 0, 3), at(0, 8, 3), true))).toEqual([
      [0, 2, 0],
      [0, 1, 1],
      [0, 0, 2],
      [1, 2, 0],
      [1, 1, 1],
      [1, 0, 2],
      [2, 1, 0],
      [2, 0, 1],
    ]);
    // The other way up.
    expect(order(planHandOff(at(0, 8, 3), at(0, 0, 3), true)).slice(0, 3)).toEqual([
      [0, 0, 2],
      [0, 1, 1],
      [0, 2, 0],
    ]);
  });

  it('needs three channels at most where rows share streams', () => {
    fc.assert(
      fc.property(regions, ([source, to]) => {
        const lanes = planHandOff(source, to).channels;
        const shared = planHandOff(source, to, true).channels;
        expect(shared).toBe(Math.min(lanes, 3));
      }),
    );
  });

  it('needs one channel between neighbours, and a lane for each row that shares a column', () => {
    const at = (x: number, y: number, width: number) => ({ x, y, width, height: 8 });
    expect(planHandOff(at(0, 0, 4), at(4, 0, 4)).channels).toBe(1);
    expect(planHandOff(at(0, 0, 8), at(0, 8, 8)).channels).toBe(2);
    expect(planHandOff(at(0, 0, 4), at(0, 8, 4)).channels).toBe(3);
  });
});

describe('the path of a chosen token', () => {
  it('reaches every core of the region once, from anywhere', () => {
    const anywhere = fc.tuple(regions, fc.nat(40), fc.nat(40));
    fc.assert(
      fc.property(anywhere, ([[, to], x, y]) => {
        const hops = collect((visit) => visitToken({ x, y }, to, visit));
        const heard = heardFrom(hops, x, y, 0);
        expect(new Set(heard).size).toBe(heard.length);
        const cores = Array.from({ length: to.width * to.height }, (_, i) => {
          return `${to.x + (i % to.width)},${to.y + Math.floor(i / to.width)}`;
        });
        expect(heard.sort()).toEqual(cores.sort());
      }),
      { numRuns: count(150, 500) },
    );
  });
});
