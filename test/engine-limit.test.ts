/** A program that is not over by its limit: every engine says so, in the same words. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LimitError, MachineError, type Engine, type RunInput } from '../src/engine/engine.js';
import { reference } from '../src/engine/reference/reference.js';
import { byParts, engines } from './helpers/engines.js';
import { count } from './helpers/full.js';
import { programs, type Generated } from './helpers/generate.js';
import { cell, chainReduce, constant, fabric, loaded, move } from './helpers/programs.js';
import { stackedPrograms } from './helpers/stacked.js';
import { E, R, W, role, route, row, sendEast, testWafer, work } from './helpers/programs.js';

const wafer = testWafer();

/** Cycles, or how it failed in which words. */
function saidBy(engine: Engine, input: RunInput): string | number {
  try {
    return engine(input).cycles;
  } catch (error) {
    if (error instanceof LimitError || error instanceof MachineError)
      return `${error.name} ${error.cycle}: ${error.message}`;
    throw error;
  }
}

describe.each(engines)('%s', (_, engine) => {
  it('lets a program take its limit, and not a cycle more', () => {
    for (const program of [
      chainReduce(5, 20),
      sendEast(30, 10),
      row(role('works', { operations: [work(9)] })),
    ]) {
      const { end } = reference({ program, wafer });
      const last = Math.max(...end);
      expect(saidBy(engine, { program, wafer, maxCycles: last })).toBe(
        reference({ program, wafer }).cycles,
      );
      expect(saidBy(engine, { program, wafer, maxCycles: last - 1 })).toMatch(
        new RegExp(`^LimitError ${last - 1}: '.*' is not over in cycle ${last - 1}, its limit: `),
      );
    }
  });

  it('says which core waits for which in the cycle before', () => {
    const takes = role('takes', {
      routes: [route(3, E, R)],
      operations: [move(cell(0), fabric(3), 2)],
      buffers: [loaded(2)],
    });
    const sends = role('sends', {
      routes: [route(3, R, W)],
      operations: [work(500), move(fabric(3), constant(1), 2)],
    });
    const program = row(takes, sends);
    const at = (maxCycles: number) => saidBy(engine, { program, wafer, maxCycles });
    expect(at(400)).toContain("its limit: core (0,0) waits for input on colour 3 in '");
    const alone = row(role('works', { operations: [work(9)] }));
    const said = saidBy(engine, { program: alone, wafer, maxCycles: 4 });
    expect(said).toContain("its limit: no core waits, core (0,0) is busy in '");
  });

  it('says in every cycle at which of its operations a core is, set-ups included', () => {
    const costs = { setup: { f16: 5, f32: 5 }, programStart: 3 };
    const slow = testWafer({}, costs);
    // The ramp has room for what it sends, which goes no further.
    const program = row(
      role('sends', {
        routes: [route(0, R, 0)],
        operations: [
          { ...move(fabric(0), constant(1), 2), label: 0 },
          { ...work(4), label: 1 },
          { ...move(fabric(0), constant(1), 1), label: 0 },
        ],
      }),
    );
    program.labels = ['sending', 'working'];
    const does = (maxCycles: number) => {
      const said = String(saidBy(engine, { program, wafer: slow, maxCycles }));
      return /core \(0,0\) .*? in '(\w+)'/.exec(said)?.[1];
    };
    // Start 3, set-up 5, two wavelets and one cycle of pipeline; set-up 5 and 4 of work; set-up 5 and 1 + 1.
    const [sent, worked, over] = [11, 20, 27];
    for (let cycle = 4; cycle < over; cycle++)
      expect(does(cycle), `${cycle}`).toBe(cycle > sent && cycle <= worked ? 'working' : 'sending');
    for (let cycle = 1; cycle < over; cycle++)
      expect(saidBy(engine, { program, wafer: slow, maxCycles: cycle }), `${cycle}`).toBe(
        saidBy(reference, { program, wafer: slow, maxCycles: cycle }),
      );
  });

  it('fails as without a limit where the machine fails before', () => {
    const waits = role('waits', {
      operations: [move(cell(0), fabric(0), 1)],
      buffers: [loaded(1)],
    });
    const program = row(waits);
    const failure = saidBy(reference, { program, wafer });
    expect(failure).toMatch(/^MachineError \d+: deadlock/);
    for (const maxCycles of [1000, 50, 1e12])
      expect(saidBy(engine, { program, wafer, maxCycles })).toBe(failure);
    const { cycle } = failureOf(program);
    expect(saidBy(engine, { program, wafer, maxCycles: cycle })).toBe(failure);
    expect(saidBy(engine, { program, wafer, maxCycles: cycle - 1 })).toMatch(/^LimitError/);
  });

  it('says what the reference says of generated programs, whatever the limit', () => {
    saysTheSame(engine, programs(), count(50, 300));
  });
});

describe.each(byParts)('an engine that goes through %s', (_, engine) => {
  it('says what the reference says of generated programs, whatever the limit', () => {
    saysTheSame(engine, stackedPrograms(), count(30, 200));
  });
});

function saysTheSame(engine: Engine, of: fc.Arbitrary<Generated>, numRuns: number): void {
  const same = ({ program, wafer, startAt }: Generated, share: number) => {
    const input = { program, wafer, startAt };
    const free = lengthOf(input);
    const maxCycles = Math.max(1, Math.round(free * share));
    const limited = { ...input, maxCycles };
    expect(saidBy(engine, limited)).toBe(saidBy(reference, limited));
  };
  const share = fc.oneof(fc.constantFrom(1, 0.99), fc.double({ min: 0, max: 1.1, noNaN: true }));
  fc.assert(fc.property(of, share, same), { numRuns, seed: 20260301 });
}

function failureOf(program: RunInput['program']): { cycle: number } {
  try {
    reference({ program, wafer });
  } catch (error) {
    if (error instanceof MachineError) return error;
  }
  throw new Error('expected a failure');
}

/** The last end of its cores, or the cycle in which it fails. */
function lengthOf(input: RunInput): number {
  try {
    return Math.max(...reference(input).end);
  } catch (error) {
    if (error instanceof MachineError) return error.cycle;
    throw error;
  }
}
