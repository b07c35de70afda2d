/** What holds for every core's code as it is lowered, whatever the model and the regions. */
import { MULTICAST, TREE_FORMS, type TreeForm } from '../src/kernels/line.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { StagePlan } from '../src/lowering/lowering.js';
import { keepCode, type KeptCode } from '../src/lowering/kept-code.js';
import type { Step } from '../src/lowering/region.js';
import { planToken } from '../src/lowering/token.js';
import { FIRST_HAND_OFF_COLOR, LINE_COLORS } from '../src/lowering/lines.js';
import { CapacityError } from '../src/placement/placement.js';
import { place } from '../src/placement/place.js';
import { accessesOf } from '../src/program/memory-use.js';
import {
  isFabric,
  type Buffer,
  type Operation,
  type Program,
  type Role,
} from '../src/program/program.js';
import { count } from './helpers/full.js';
import { asking, models, wse3 } from './placement-helpers.js';
import { denseModels } from './helpers/dense-models.js';
import { resized } from './helpers/small-model.js';

const shapes = fc.record({
  rows: fc.integer({ min: 1, max: 9 }),
  columns: fc.integer({ min: 1, max: 9 }),
  context: fc.integer({ min: 0, max: 40 }),
  group: fc.integer({ min: 1, max: 4 }),
  form: fc.constantFrom(...TREE_FORMS),
  across: fc.constantFrom(1, 2, 3, 100),
});

/** Llamas of several layers, and whatever dense families have. */
const anyModel = fc.oneof(
  fc.tuple(models, fc.integer({ min: 1, max: 6 })).map(([of, layers]) => resized(of, { layers })),
  denseModels,
);

/** Plans of many tokens: all kinds of models, on regions of all sizes; and what plans other steps of the same. */
function each(
  check: (stages: StagePlan[], planOf: (step: Step, kept?: KeptCode) => StagePlan[]) => void,
  numRuns: number,
) {
  fc.assert(
    fc.property(anyModel, shapes, (model, { rows, columns, context, group, form, across }) => {
      const core = { ...wse3().core, sramBytes: 1e9 };
      const wafer = wse3({ core, width: Math.min(750, across * columns + 1) });
      const maxPositions = context + 1;
      const request = asking({ rows, layerColumns: columns, growth: 'minimal', maxPositions });
      const forms = { column: form, row: form, head: form };
      const groups = { column: group, row: group, head: group, forms };
      const placement = place(model, wafer, request);
      const groupsOf = () => groups;
      const planOf = (step: Step, kept = keepCode()) =>
        planToken({ model, wafer, placement, groupsOf, kept }, step).stages;
      let stages: StagePlan[];
      try {
        stages = planOf({ context, maxPositions });
      } catch (error) {
        // Regions far narrower than tall have no colours for all their lanes.
        expect(error).toBeInstanceOf(CapacityError);
        return;
      }
      check(stages, planOf);
    }),
    { seed: 5, numRuns },
  );
}

/** The roles of a stage, of those with the same code one. */
function rolesOf(stage: StagePlan): Role[] {
  const { roles } = stage.write().program;
  return [...new Map(roles.map((role) => [role.operations, role])).values()];
}

/** Ranges of cells that an operation touches: first, last, and what lies there has to be. */
function rangesOf(op: Operation): { from: number; to: number; type?: string }[] {
  return accessesOf(op)
    .filter(({ length, rows }) => length > 0 && rows > 0)
    .map(({ does, at, length, stride, wrap = length, rows, rowStride }) => {
      const to = at + (rows - 1) * rowStride + (Math.min(length, wrap) - 1) * stride;
      // Of the largest cell the value and the number are written, in two types.
      const isResult =
        op.kind === 'matvec' ? at === op.out : does === 'write' && op.kind !== 'argmax';
      return { from: at, to, ...(isResult && 'type' in op && { type: op.type }) };
    });
}

const holding = (buffers: Buffer[], at: number) =>
  buffers.find((b) => at >= b.at && at < b.at + b.length);
const touchesFabric = (op: Operation) =>
  op.kind === 'vector' && [op.dst, op.a, op.b, op.c].some(isFabric);

describe('every operation', () => {
  it('stays within the buffers that it reads and writes, and writes numbers of their type', () => {
    let seen = 0;
    const wrong: unknown[] = [];
    each(
      (stages) => {
        for (const { buffers, operations } of stages.flatMap(rolesOf))
          for (const op of operations)
            for (const { from, to, type } of rangesOf(op)) {
              const buffer = holding(buffers, from);
              const isInside = buffer !== undefined && to < buffer.at + buffer.length;
              if (!isInside || (type !== undefined && type !== buffer.type))
                wrong.push([op, buffer]);
              seen++;
            }
      },
      count(20, 40),
    );
    expect(wrong.slice(0, 3)).toEqual([]);
    expect(seen).toBeGreaterThan(10_000);
  });

  it('widens what it multiplies where weights have 8 bits, and nothing else', () => {
    const seen = new Set<string>();
    each((stages) => {
      for (const { buffers, operations } of stages.flatMap(rolesOf))
        for (const op of operations) {
          if (op.kind !== 'matvec') continue;
          const { name, type } = holding(buffers, op.matrix)!;
          expect(op.widen, name).toBe(type === 'i8' && 'i8');
          seen.add(`${name} ${type}`);
        }
    }, 60);
    for (const name of ['wQkv', 'wO', 'wGateUp', 'wDown', 'table'])
      for (const type of ['i8', 'f16', 'f32']) expect(seen).toContain(`${name} ${type}`);
    for (const name of ['keys', 'values'])
      for (const type of ['f16', 'f32']) expect(seen).toContain(`${name} ${type}`);
  });
});

describe('what a core does before its token arrives', () => {
  it('comes first, and without the fabric', () => {
    const first = new Set(['position', 'prepare head']);
    let prepared = 0;
    each(
      (stages) => {
        for (const stage of stages) {
          const { roles, labels } = stage.write().program;
          for (const { name, operations } of roles) {
            if (name === 'sender' || name === 'passage') continue;
            // A core that sends to its own region does that before all.
            const own = isSend(operations[0]) ? operations.slice(1) : operations;
            const arrives = own.findIndex(touchesFabric);
            const isFirst = (op: Operation) => first.has(labels[op.label]);
            expect(own.slice(0, arrives).every(isFirst), name).toBe(true);
            expect(own.slice(arrives).some(isFirst), name).toBe(false);
            prepared += arrives;
          }
        }
      },
      count(30, 60),
    );
    expect(prepared).toBeGreaterThan(1000);
  });
});

const isSend = (op: Operation) => op.kind === 'vector' && isFabric(op.dst) && !isFabric(op.a);

describe('code that is kept from step to step', () => {
  it('is what would be written anew, and some of it is kept', () => {
    let [same, all] = [0, 0];
    const isKept = new Set<Operation[]>();
    each(
      (stages, planOf) => {
        const kept = keepCode();
        const { length } = stages;
        for (const context of [3, 4, 5, 5, 40]) {
          const step = { context, maxPositions: 48 };
          const [again, anew] = [planOf(step, kept), planOf(step)].map((plan) => {
            return plan
              .slice(0, 3)
              .concat(plan[length - 1])
              .map((stage) => stage.write().program);
          });
          expect(JSON.stringify(again)).toBe(JSON.stringify(anew));
          for (const { operations } of again.flatMap(({ roles }) => roles)) {
            all++;
            if (isKept.has(operations)) same++;
            isKept.add(operations);
          }
        }
      },
      count(12, 25),
    );
    expect(same).toBeGreaterThan(all / 3);
  });
});

describe('stages with equal keys', () => {
  it('are equal programs but for the names of their colours', () => {
    const equal = new Map<string, string>();
    let met = 0;
    each(
      (stages) => {
        equal.clear();
        for (const stage of stages) {
          const { program, origin, senders } = stage.write();
          const text = JSON.stringify([withoutColors(program), origin, senders]);
          if (equal.has(stage.key)) met++;
          expect(text).toBe(equal.get(stage.key) ?? text);
          equal.set(stage.key, text);
        }
      },
      count(40, 80),
    );
    expect(met).toBeGreaterThan(count(8, 20));
  });

  it('are not those of other steps, groups or users', () => {
    const [any] = fc.sample(models, { seed: 1, numRuns: 1 });
    const model = resized(any, { layers: 1, tied: false });
    const wafer = wse3({ core: { ...wse3().core, sramBytes: 1e9 } });
    const sizes = { rows: 6, layerColumns: 9, growth: 'minimal' as const };
    const placement = place(model, wafer, asking({ ...sizes, maxPositions: 20 }));
    const keys = (group: number, context: number, users: number) =>
      planToken(
        { model, wafer, placement, groupsOf: () => ({ column: group, row: group, head: 1 }) },
        {
          context,
          maxPositions: 20,
          users,
        },
      ).stages.map(({ key }) => key);
    const [base, ...others] = [keys(1, 8, 1), keys(2, 8, 1), keys(1, 9, 1), keys(1, 8, 2)];
    for (const other of others) expect(other[1]).not.toBe(base[1]);
    expect(keys(1, 8, 1)).toEqual(base);
  });

  it('are not those of lines in another form', () => {
    const [any] = fc.sample(models, { seed: 1, numRuns: 1 });
    const model = resized(any, { layers: 1, tied: false });
    const wafer = wse3({ core: { ...wse3().core, sramBytes: 1e9 } });
    const sizes = { rows: 6, layerColumns: 9, growth: 'minimal' as const };
    const placement = place(model, wafer, asking({ ...sizes, maxPositions: 20 }));
    const step = { context: 8, maxPositions: 20 };
    const layerOf = (column: TreeForm, row: TreeForm = 'stored') => {
      const forms = { column, row, head: 'stored' as const };
      const groupsOf = () => ({ column: 2, row: 2, head: 1, forms });
      const stage = planToken({ model, wafer, placement, groupsOf }, step).stages[1];
      return { key: stage.key, operations: stage.write().program.roles.map((r) => r.operations) };
    };
    const all = [
      layerOf('stored'),
      layerOf('streamed'),
      layerOf('echoed'),
      layerOf('stored', 'streamed'),
    ];
    expect(new Set(all.map(({ key }) => key)).size).toBe(4);
    expect(new Set(all.map(({ operations }) => JSON.stringify(operations))).size).toBe(4);
  });
});

describe('an echoed line', () => {
  it('has one core that sends results back, the one before its root, whatever equal cores do', () => {
    const [any] = fc.sample(models, { seed: 1, numRuns: 1 });
    const model = resized(any, { layers: 1, tied: false });
    const wafer = wse3({ core: { ...wse3().core, sramBytes: 1e9 } });
    const sizes = { rows: 12, layerColumns: 9, growth: 'minimal' as const };
    const placement = place(model, wafer, asking({ ...sizes, maxPositions: 20 }));
    const forms = { column: 'echoed', row: 'stored', head: 'stored' } as const;
    const groupsOf = () => ({ column: 1, row: 1, head: 1, forms });
    const step = { context: 8, maxPositions: 20 };
    const { program } = planToken({ model, wafer, placement, groupsOf }, step).stages[1].write();
    const isColumn = (stream: unknown, colors: number[]) =>
      isFabric(stream as never) && colors.includes((stream as { color: number }).color);
    const echoes = program.roles.map(
      ({ operations }) =>
        operations.filter((op, i) => {
          const before = operations[i - 1];
          return (
            before?.kind === 'vector' &&
            op.kind === 'vector' &&
            isColumn(before.a, [LINE_COLORS.column[MULTICAST]]) &&
            isColumn(op.dst, LINE_COLORS.column.slice(0, 2)) &&
            JSON.stringify(op.a) === JSON.stringify(before.dst)
          );
        }).length,
    );
    expect(Math.max(...echoes)).toBe(4);
    // In 12 rows the root is core 6. Cores 1 and 3 take and send what core 5 does. Column 0 is the embedding's.
    for (let core = 0; core < program.roleOf.length; core++) {
      const [row, column] = [Math.floor(core / program.width), core % program.width];
      expect(echoes[program.roleOf[core]] > 0).toBe(row === 5 && column > 0);
    }
  });
});

/** The program with hand-off colours replaced by their rank, and without its name. */
function withoutColors({ name: _, ...program }: Program): unknown {
  const colors = [
    ...new Set(program.roles.flatMap(({ routes }) => routes.map(({ color }) => color))),
  ].toSorted((a, b) => a - b);
  const rank = (key: string, value: unknown) =>
    key === 'color' && typeof value === 'number' && value >= FIRST_HAND_OFF_COLOR
      ? FIRST_HAND_OFF_COLOR + colors.filter((c) => c >= FIRST_HAND_OFF_COLOR).indexOf(value)
      : value;
  const families = colors.map((color) => program.families?.[color]);
  return JSON.parse(JSON.stringify({ ...program, families }, rank));
}
