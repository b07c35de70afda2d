/** Small programs that each make one thing happen on the fabric, for engines to agree on. */
import type { Program } from '../../src/program/program.js';
import { choosing } from './choosing.js';
import { crossing } from './crossing.js';
import {
  E,
  N,
  R,
  S,
  W,
  add,
  cell,
  chainReduce,
  changeRoute,
  constant,
  fabric,
  loaded,
  move,
  program,
  role,
  route,
  row,
  sendEast,
  traffic,
  work,
} from './programs.js';

const times = (count: number, step = 1) => Array.from({ length: count }, (_, k) => k * step);
const buffers = [loaded(64)];

/** One core multicasts to all others of a row, the last of which is slow to take. */
function multicast(words: number): Program {
  const source = role('source', {
    routes: [route(0, R, E)],
    operations: [move(fabric(0), cell(0), words)],
    buffers,
  });
  const hears = (first: number, outputs: number) =>
    role(`hears ${first}`, {
      routes: [route(0, W, outputs)],
      operations: [work(first), move(cell(0), fabric(0), words)],
      buffers,
    });
  return row(source, hears(0, R | E), hears(3, R | E), hears(40, R));
}

/** Two colours share every link of a row; the receiver takes one after the other. */
function taking(order: readonly [number, number]): Program {
  const both = [route(0, W, E), route(1, W, E)];
  const source = role('source', {
    routes: [route(0, R, E)],
    operations: [move(fabric(0), cell(0), 20)],
    buffers,
  });
  const joins = role('joins', {
    routes: [route(0, W, E), route(1, R, E)],
    operations: [move(fabric(1), cell(0), 20)],
    buffers,
  });
  const receiver = role('receiver', {
    routes: [route(0, W, R), route(1, W, R)],
    operations: order.map((color) => move(cell(0), fabric(color), 20)),
    buffers,
  });
  return row(source, joins, role('relay', { routes: both }), receiver);
}

/** A route turned from the east to the south between two streams. */
function turning(pause: number): Program {
  const source = role('source', {
    routes: [route(0, R, E)],
    operations: [
      move(fabric(0), cell(0), 6),
      work(pause),
      changeRoute(0, R, S),
      move(fabric(0), cell(0), 6),
    ],
    buffers,
  });
  const sink = (side: string, from: number) =>
    role(side, {
      routes: [route(0, from, R)],
      operations: [move(cell(0), fabric(0), 6)],
      buffers,
    });
  return program(2, [source, sink('east', W), sink('south', N), role('idle')]);
}

/** Two cores send to each other at once and pass on half the sums, 16 bits. */
function exchange(): Program {
  const side = (out: number, port: number, into: number) =>
    role(`side ${out}`, {
      routes: [route(out, R, port), route(into, port, R)],
      operations: [
        traffic({ color: out, times: times(9, 2), receive: into, expect: 9 }),
        add(fabric(out), cell(0), cell(9), 7, 'f16'),
        add(cell(20), fabric(into), cell(0), 7, 'f16'),
      ],
      buffers,
    });
  return row(side(0, E, 1), side(1, W, 0));
}

/** Wavelets of one colour reach the middle from two sides, which changes its route between them. */
function twoSides(): Program {
  const sender = (side: string, out: number, start: number) =>
    role(side, {
      routes: [route(0, R, out)],
      operations: [work(start), move(fabric(0), cell(0), 3)],
      buffers,
    });
  const middle = role('middle', {
    routes: [route(0, W, R)],
    operations: [move(cell(0), fabric(0), 3), changeRoute(0, E, R), move(cell(0), fabric(0), 3)],
    buffers,
  });
  return row(sender('west', E, 5), middle, sender('east', W, 6));
}

const WAYS = crossing({
  flows: [
    { color: 0, from: 'west', to: 'east', at: [10, 11, 12, 13] },
    { color: 1, from: 'north', to: 'both', at: [10, 11, 13] },
    { color: 3, from: 'ramp', to: 'south', at: [9, 10, 11, 12, 13, 14] },
  ],
  east: [0, 1, 0, 1, 0, 0, 1],
  south: [3, 3, 1, 3, 1, 3, 3, 1, 3],
  southFirst: [work(30)],
});

const untaken = sendEast(6, 1);
untaken.roles[2].operations = [move(cell(0), fabric(0), 4)];
const tooFew = sendEast(6, 1);
tooFew.roles[2].operations = [move(cell(0), fabric(0), 8)];

export const handwritten: [name: string, Program][] = [
  ['nothing at all', row(role('idle'), role('idle'))],
  ['a stream of nothing', sendEast(0, 1)],
  ['one wavelet', sendEast(1, 0)],
  ['a stream through routers', sendEast(30, 4)],
  ['a stream of 16-bit numbers, an odd many', sendEast(31, 2, 'f16')],
  ['a chain of sums', chainReduce(7, 25)],
  ['a chain of 16-bit sums', chainReduce(5, 25, 'f16')],
  ['a multicast with one slow receiver', multicast(20)],
  ['two colours on one link, taken in the order of their numbers', taking([0, 1])],
  ['two colours on one link, taken the other way round', taking([1, 0])],
  ['three colours that meet in a router', WAYS],
  ['an exchange of traffic and of sums', exchange()],
  ['places chosen by numbers in memory', choosing()],
  ['a route turned after a long pause', turning(60)],
  ['a route turned at once', turning(0)],
  ['one colour from two sides', twoSides()],
  ['wavelets that no core takes', untaken],
  ['a receiver that waits for more than comes', tooFew],
  [
    'a core that sends what it never had',
    row(role('odd', { operations: [move(fabric(0), cell(9), 2)] })),
  ],
  ['a route out of the rectangle', row(role('out', { routes: [route(0, R, N)] }))],
  [
    'a route with two inputs, later',
    row(role('two', { operations: [work(4), changeRoute(2, E | W, R)] }), role('idle')),
  ],
  [
    'a core that never finds room',
    row(role('full', { routes: [route(0, R, 0)], operations: [move(fabric(0), constant(1), 9)] })),
  ],
];
