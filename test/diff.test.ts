/** Engines spoilt on purpose are found out: what differs, in which cycle, at which core. */
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { compareRuns, diffConfig, diffKernel, type NamedEngine } from '../src/studies/diff/diff.js';
import { MachineError, type Engine, type RunResult } from '../src/engine/engine.js';
import { reference } from '../src/engine/reference/reference.js';
import type { Program } from '../src/program/program.js';
import { differenceLine } from '../src/studies/diff/text.js';
import { kernelWafer } from './kernel-programs.js';
import {
  E,
  R,
  W,
  add,
  cell,
  chainReduce,
  constant,
  fabric,
  loaded,
  move,
} from './helpers/programs.js';
import { role, route, row, sendEast, testWafer, traffic, work } from './helpers/programs.js';

const TRUE: NamedEngine = ['reference', reference];
const wafer = testWafer();

const firstOf = (program: Program, spoilt: Engine) =>
  compareRuns({ program, wafer }, [TRUE, ['spoilt', spoilt]]).difference;

/** The reference, but for what `spoil` does to its result. */
const miscounting =
  (spoil: (result: RunResult) => void): Engine =>
  (input) => {
    const result = reference(input);
    spoil(result);
    return result;
  };

/** The reference on a wafer with slower ramps. */
const slowRamps: Engine = ({ wafer: { fabric, ...rest }, ...input }) =>
  reference({ ...input, wafer: { ...rest, fabric: { ...fabric, rampCycles: 3 } } });

/** Core 0 works and then takes a wavelet that core 1 sends late; the same end, however long it works. */
function waitsAnyway(cycles: number): Program {
  const takes = role('takes', {
    routes: [route(0, E, R)],
    operations: [work(3), work(cycles), move(cell(0), fabric(0), 1)],
    buffers: [loaded(1)],
  });
  const sends = role('sends', {
    routes: [route(0, R, W)],
    operations: [work(50), move(fabric(0), constant(1), 1)],
  });
  return row(takes, sends);
}

describe('two engines', () => {
  it('that agree have no difference', () => {
    const input = { program: chainReduce(5, 20), wafer };
    const { outcome, difference } = compareRuns(input, [TRUE, ['again', reference]]);
    expect(difference).toBeUndefined();
    expect(outcome).toEqual(reference({ ...input, instants: true }));
  });

  it.each([
    ['the last core of a chain', chainReduce(6, 20)],
    ['the first core of a stream', sendEast(20, 2)],
  ])(
    'with other delays differ first where an operation first ends at another time: %s',
    (_, program) => {
      const [a, b] = [reference, slowRamps].map((run) => [...run({ program, wafer }).end]);
      const earliest = Math.min(
        ...a.map((end, x) => (end === b[x] ? Infinity : Math.min(end, b[x]))),
      );
      const x = a.findIndex((end, core) => end !== b[core] && Math.min(end, b[core]) === earliest);
      expect(firstOf(program, slowRamps)).toMatchObject({
        program: 'test',
        engines: ['reference', 'spoilt'],
        first: { what: 'end of operation', cycle: earliest, exact: true, core: { x, y: 0 } },
      });
    },
  );

  it('differ in the operation that is to blame, even if the core ends at the same time', () => {
    const program = waitsAnyway(10);
    const slow: Engine = (input) => {
      const roles = input.program.roles.map((role) => ({
        ...role,
        operations: role.operations.map((op) =>
          op.kind === 'vector' && op.length === 10 ? { ...op, length: 12 } : op,
        ),
      }));
      return reference({ ...input, program: { ...input.program, roles } });
    };
    expect(slow({ program, wafer }).end).toEqual(reference({ program, wafer }).end);
    const found = firstOf(program, slow)!;
    expect(found.first).toMatchObject({ cycle: 13, core: { x: 0, y: 0 }, values: [13, 15] });
    expect(found.first.where).toBe('1: move.f32 x10 [0] <- 0  (work)');
    expect(differenceLine(found.first)).toBe(
      'in cycle 13, core (0,0): end of operation (1: move.f32 x10 [0] <- 0  (work)): 13 against 15',
    );
    expect(found.others.map(({ what }) => what)).toContain('waitInput');
  });

  it.each<[string, (result: RunResult) => void, object]>([
    ['compute', (r) => r.compute[1]++, { core: { x: 1, y: 0 } }],
    ['setup', (r) => r.setup[0]++, { core: { x: 0, y: 0 } }],
    ['waitInput', (r) => r.waitInput[2]++, { core: { x: 2, y: 0 } }],
    ['waitOutput', (r) => r.waitOutput[2]--, { core: { x: 2, y: 0 } }],
    ['linkWavelets', (r) => r.linkWavelets[1 * 4 + 3]++, { core: { x: 1, y: 0 }, where: 'west' }],
    ['labelBusy', (r) => r.labelBusy[0]++, { where: 'work' }],
    ['labelWaitInput', (r) => r.labelWaitInput[0]++, { where: 'work' }],
    ['labelWaitOutput', (r) => r.labelWaitOutput[0]++, { where: 'work' }],
    ['sent', (r) => r.sent++, {}],
    ['delivered', (r) => r.delivered++, {}],
    ['waveletHops', (r) => r.waveletHops++, {}],
    ['routeHazards', (r) => r.routeHazards++, {}],
    ['cycles', (r) => r.cycles++, {}],
  ])('that count %s differently differ in it alone', (what, spoil, where) => {
    const found = firstOf(chainReduce(3, 8), miscounting(spoil))!;
    expect(found.first).toMatchObject({ what, ...where });
    expect(found.count).toBe(1);
    expect(found.first.values[0]).not.toBe(found.first.values[1]);
  });

  it('differ if one fails where the other does not, and if they fail differently', () => {
    const at = { cycle: 7, cores: [2], colors: [0] };
    const fails: Engine = () => {
      throw new MachineError('deadlock', at, 'stuck');
    };
    const failsLater: Engine = () => {
      throw new MachineError('deadlock', { ...at, cycle: 8 }, 'stuck');
    };
    const program = chainReduce(3, 8);
    const first = { what: 'error', cycle: 7, core: { x: 2, y: 0 } };
    expect(firstOf(program, fails)?.first).toMatchObject(first);
    const pair: [NamedEngine, NamedEngine] = [
      ['fails', fails],
      ['later', failsLater],
    ];
    expect(compareRuns({ program, wafer }, pair).difference?.first).toMatchObject(first);
    expect(compareRuns({ program, wafer }, [pair[0], pair[0]]).difference).toBeUndefined();
  });

  it('differ if they leave other numbers in a memory, each starting from the same', () => {
    const program = sendEast(4, 0);
    const memory = () => [Float32Array.of(1, 2, 3, 4), new Float32Array(4)];
    const forgetful: Engine = (input) => {
      const result = reference(input);
      if (input.memory) input.memory[1][2] = 9;
      return result;
    };
    const input = { program, wafer, memory: memory() };
    const first = compareRuns(input, [TRUE, ['forgetful', forgetful]]).difference?.first;
    const place = { core: { x: 1, y: 0 }, where: 'cell 2' };
    expect(first).toMatchObject({ what: 'memory', ...place, values: [3, 9] });
    expect(input.memory[1]).toEqual(Float32Array.of(1, 2, 3, 4));
    const accumulates = role('accumulates', {
      operations: [add(cell(0), cell(0), constant(1), 1)],
      buffers: [loaded(1)],
    });
    const counting = { program: row(accumulates), wafer, memory: [Float32Array.of(5)] };
    expect(compareRuns(counting, [TRUE, ['again', reference]]).difference).toBeUndefined();
    expect(counting.memory[0][0]).toBe(6);
  });
});

describe('instants of traffic', () => {
  const sender = role('sender', {
    routes: [route(0, R, E), route(1, R, E)],
    operations: [traffic({ sends: [0, 1], times: [0, 3, 9], turns: [0, 1, 0] })],
  });
  const receiver = role('receiver', {
    routes: [route(0, W, R), route(1, W, R)],
    operations: [traffic({ receives: [0, 1], expect: 3 })],
  });
  const program = row(sender, receiver);

  it.each([
    ['entered', 1, { cycle: 3, core: { x: 0, y: 0 }, where: 'wavelet 1', values: [3, 4] }],
    ['taken', 2, { cycle: 14, core: { x: 1, y: 0 }, where: 'wavelet 2', values: [14, 15] }],
    ['takenColor', 0, { cycle: 5, core: { x: 1, y: 0 }, where: 'wavelet 0', values: [0, 1] }],
  ] as const)('that differ in %s are found, the first of a core', (what, i, expected) => {
    const late: Engine = (input) => {
      const result = reference(input);
      // Runs that only date operations note nothing.
      result.instants?.[what].forEach((value, k, row) => (row[k] = k < i ? value : value + 1));
      return result;
    };
    const { difference } = compareRuns({ program, wafer: testWafer() }, [TRUE, ['late', late]]);
    expect(difference).toMatchObject({ count: 1, first: { what, ...expected } });
  });
});

describe('a kernel and a configuration', () => {
  it('are compared by name, the engines in pairs with the first', async () => {
    const options = { algorithm: 'chain', pes: 4, words: 9 };
    const [good, bad]: NamedEngine[] = [
      ['good', reference],
      ['bad', slowRamps],
    ];
    const document = await diffKernel('reduce', options, kernelWafer(), [TRUE, good, bad]);
    expect(document.difference?.engines).toEqual(['reference', 'bad']);
    const fine = await diffKernel('reduce', options, kernelWafer(), [TRUE, good]);
    expect(fine).toMatchObject({ schema: 'wafersim.diff/1', difference: null });
    expect(fine.programs).toEqual([expect.objectContaining({ cores: 4, cycles: 9 + 6 * 3 })]);
  });

  it('differ in the first stage that an engine gets wrong, and no further stage is run', async () => {
    const config = loadConfig('configs/tiny.yaml', ['workload.tokens=1']);
    const names: string[] = [];
    const wrongInLayers: Engine = (input) => {
      names.push(input.program.name);
      const result = reference(input);
      if (input.program.name.startsWith('layer')) result.waitInput[3]++;
      return result;
    };
    const { difference, programs } = await diffConfig(config, [TRUE, ['wrong', wrongInLayers]]);
    expect(difference?.program).toMatch(/^layer/);
    expect(difference?.first).toMatchObject({ what: 'waitInput', core: { x: 3, y: 0 } });
    expect(programs.map(({ name }) => name).filter((name) => name.startsWith('layer'))).toEqual([]);
    // Once to find the difference, once more to date it.
    expect(names.filter((name) => name.startsWith('layer'))).toHaveLength(2);
  });

  it('that fail in the same way on all engines do not differ', async () => {
    const small = { ...kernelWafer(), core: { ...kernelWafer().core, sramBytes: 8 } };
    const options = { algorithm: 'chain', pes: 4, words: 9 };
    const document = await diffKernel('reduce', options, small, [TRUE, ['again', reference]]);
    expect(document.difference).toBeNull();
    expect(document.programs[0].error).toMatch(/^does-not-fit/);
  });
});
