import { expect, test } from 'vitest';
import { listRole } from '../src/program/listing.js';
import { listProgram } from './helpers/list-program.js';
import type { Operation } from '../src/program/program.js';
import {
  E,
  R,
  W,
  add,
  cell,
  changeRoute,
  constant,
  exchanged,
  fabric,
  loaded,
  role,
  route,
  row,
  traffic,
  vector,
} from './helpers/programs.js';

const middle = role('middle', {
  routes: [route(0, E, R), route(1, R, W | E)],
  operations: [add(fabric(1), fabric(0), cell(4, 2), 8), { ...changeRoute(0, 0, 0), label: 1 }],
  buffers: [loaded(20, 0, 'sums')],
  codeBytes: 100,
});

test('a role is listed with its memory, routes and operations in order', () => {
  expect(listRole(middle, ['reduce', 'after'])).toBe(
    [
      "'middle': 180 bytes, 100 of them code",
      '  buffer sums: f32 [0..20), preloaded',
      '  route colour 0: east -> ramp',
      '  route colour 1: ramp -> east+west',
      '  0: add.f32 x8 colour 1 <- colour 0, [4 step 2]  (reduce)',
      '  1: route colour 0: nowhere -> nowhere  (after)',
    ].join('\n'),
  );
});

test('a program is listed role by role, with the cores of each', () => {
  const program = { ...row(role('end'), middle, middle, middle, middle, middle), root: 0 };
  const text = listProgram(program);
  expect(text.split('\n')[0]).toBe("program 'test': 6 x 1 cores, 2 roles, ends with core (0,0)");
  expect(text).toContain("role 0 on 1 core: (0,0)\n'end'");
  expect(text).toContain("role 1 on 5 cores: (1,0) (2,0) (3,0) (4,0) ...\n'middle'");
});

test('every kind of operation has a line of its own', () => {
  const operations: Operation[] = [
    vector({
      fn: 'fma',
      type: 'f16',
      length: 6,
      dst: cell(0, 0),
      a: cell(1),
      b: constant(2),
      c: cell(0, 0),
    }),
    {
      kind: 'matvec',
      label: 0,
      form: 'axpy',
      type: 'f16',
      rows: 2,
      length: 3,
      rowStride: 4,
      matrix: 5,
      x: 6,
      out: 7,
      widen: 'i8',
    },
    { kind: 'special', label: 0, fn: 'exp', form: 'vector', type: 'f32', length: 9, at: 1, to: 2 },
    {
      kind: 'lookup',
      label: 0,
      type: 'f16',
      table: 3,
      rows: 5,
      rowStride: 8,
      stride: 1,
      length: 8,
      id: 1,
      first: 10,
      to: 2,
    },
    { kind: 'argmax', label: 0, type: 'f16', at: 1, length: 7, first: 0, value: 8, id: 9 },
    { kind: 'keepIfEqual', label: 0, a: 1, b: 2, at: 3, otherwise: -1 },
    traffic({ color: 2, times: [1, 2, 3], receive: 4, expect: 5 }),
    traffic({}),
    exchanged('f16', [{ color: 1, at: 2, length: 3 }], []),
    exchanged('f32', [{ color: 1, at: 0, length: 4 }], [{ color: 2, at: 8, length: 5 }]),
    { kind: 'matmul', label: 0, type: 'f16', length: 4, inner: 5, columns: 6, a: 1, b: 2, c: 3 },
    {
      ...{ kind: 'matmul', label: 0, type: 'f32', length: 4, inner: 0, columns: 6, a: 1, b: 2 },
      ...{ c: 3, clears: true, repeat: 2, bRowStride: 7, bStride: 8 },
    },
  ];
  const lines = listRole(role('all', { operations }), ['work']).split('\n').slice(1);
  expect(lines).toEqual([
    '  0: fma.f16 x6 [0 step 0] <- [1], 2, [0 step 0]  (work)',
    '  1: matvec.f16 axpy [7] += [5] 2 x 3 rows of 4 widened times [6]  (work)',
    '  2: exp.f32 vector x9 [2] <- [1]  (work)',
    '  3: lookup.f16 x8 [2] <- row [1] of [3] 5 rows from 10  (work)',
    '  4: argmax.f16 x7 [8], [9] <- [1]  (work)',
    '  5: keepIfEqual [3] <- -1 if [1] differs from [2]  (work)',
    '  6: traffic sends 3 on colour 2, takes 5 of colour 4  (work)',
    '  7: traffic sends nothing, takes nothing  (work)',
    '  8: exchange.f16 sends [2..5) on colour 1  (work)',
    '  9: exchange.f32 sends [0..4) on colour 1, takes [8..13) on colour 2  (work)',
    '  10: matmul.f16 [3] += [1] 4 x 5 times [2] 5 x 6  (work)',
    '  11: matmul.f32 [3] = [1] 4 x 0 times [2] 0 x 6 steps 7, 8, 2 times  (work)',
  ]);
});
