/**
 * Nine cores around one router: wavelets come to the middle from the west, the north or its own ramp at
 * chosen cycles and leave to the east or the south, where a core takes them in a chosen order. Tells
 * exactly when the router in the middle let each one go.
 */
import type { Engine } from '../../src/engine/engine.js';
import type { WaferSpec } from '../../src/hardware/wafer.js';
import type { Operation, Program } from '../../src/program/program.js';
import { E, N, R, S, W, program, role, route, testWafer, traffic } from './programs.js';

export const MIDDLE = 4;

export interface Flow {
  color: number;
  from: 'west' | 'north' | 'ramp';
  to: 'east' | 'south' | 'both' | 'nowhere';
  /** Cycles in which its wavelets are first eligible at the router in the middle. */
  at: readonly number[];
}

export interface Crossing {
  flows: readonly Flow[];
  /** Colours in the order in which the cores in the east and in the south take one wavelet each. */
  east: readonly number[];
  south?: readonly number[];
  /** What the middle core and the one in the south do first. */
  middleFirst?: Operation[];
  southFirst?: Operation[];
}

const INPUT = { west: W, north: N, ramp: R };
const OUTPUT = { east: E, south: S, both: E | S, nowhere: 0 };

/** Cycles from the start of the sender to the router in the middle: its ramp (2) and perhaps a hop (1). */
const WAY = { west: 3, north: 3, ramp: 2 };

export function crossing({ flows, east, south = [], ...first }: Crossing): Program {
  const from = (side: Flow['from']) => flows.filter((flow) => flow.from === side);
  const sender = (side: 'west' | 'north', out: number) =>
    role(side, {
      routes: from(side).map(({ color }) => route(color, R, out)),
      operations: sends(from(side)),
    });
  const sink = (side: string, into: number, colors: readonly number[], label: number) =>
    role(side, {
      routes: flows.map(({ color }) => route(color, into, R)),
      operations: colors.map((color, k) =>
        traffic({ receive: color, expect: 1, label: label + k }),
      ),
    });
  const middle = role('middle', {
    routes: flows.map(({ color, from: side, to }) => route(color, INPUT[side], OUTPUT[to])),
    operations: [...(first.middleFirst ?? []), ...sends(from('ramp'))],
  });
  const inSouth = sink('south', N, south, 1 + east.length);
  inSouth.operations.unshift(...(first.southFirst ?? []));
  const roles = Array.from({ length: 9 }, (_, core) => role(`idle ${core}`));
  roles[1] = sender('north', S);
  roles[3] = sender('west', E);
  roles[MIDDLE] = middle;
  roles[5] = sink('east', W, east, 1);
  roles[7] = inSouth;
  const labels = ['work', ...east.map((_, k) => `east ${k}`), ...south.map((_, k) => `south ${k}`)];
  return program(3, roles, { labels });
}

function sends(flows: readonly Flow[]): Operation[] {
  let start = 0;
  return flows.map(({ color, from, at }) => {
    const times = at.map((cycle) => cycle - WAY[from] - start);
    start = at[at.length - 1] - WAY[from] + 1;
    return traffic({ color, times });
  });
}

/** When the wavelets, in the order of `east` and `south`, left the middle (hop 1 and ramp 2 assumed). */
export function departures(engine: Engine, given: Crossing, wafer: WaferSpec = testWafer()) {
  const { labelEnd } = engine({ program: crossing(given), wafer });
  // A hop, a ramp, and the end is the cycle after the last.
  const left = Array.from(labelEnd.slice(1), (end) => end - 4);
  return { east: left.slice(0, given.east.length), south: left.slice(given.east.length) };
}
