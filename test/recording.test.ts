/** What the reference records of its cycles: cycle by cycle by hand, and its sums those that the engine counts. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MachineError, type RunInput, type RunResult } from '../src/engine/engine.js';
import { recordCycles } from '../src/engine/reference/record.js';
import type { Machine } from '../src/engine/reference/machine.js';
import { reference } from '../src/engine/reference/reference.js';
import { departOf } from '../src/recording/events.js';
import { RAMP } from '../src/hardware/mesh.js';
import {
  CORE_QUEUE,
  STATES,
  recordingBytes,
  recordingOf,
  type Recording,
} from '../src/recording/recording.js';
import { createReplay, statesOverTime, type Held } from '../src/recording/replay.js';
import { count } from './helpers/full.js';
import { programs } from './helpers/generate.js';
import { kernelWafer, programOf } from './kernel-programs.js';
import {
  E,
  R,
  W,
  cell,
  chainReduce,
  fabric,
  loaded,
  move,
  role,
  route,
  row,
  testWafer,
} from './helpers/programs.js';

/** Core-cycles by state, core by core, and wavelets by link, as a replay shows them. */
function seenIn(recording: Recording) {
  const { from, to, width, height, colors } = recording;
  const replay = createReplay(recording);
  const cores = width * height;
  const spent = STATES.map(() => new Float64Array(cores));
  const links = new Float64Array(cores * 4);
  let [taken, most] = [0, 0];
  for (let cycle = from; cycle < to; cycle++) {
    const { state, held, moves } = replay.seek(cycle);
    state.forEach((of, core) => spent[of][core]++);
    for (const code of moves.departs) {
      const { place, outputs } = departOf(code);
      for (let port = 0; port < RAMP; port++)
        if (outputs & (1 << port)) links[Math.floor(place / colors) * 4 + port]++;
    }
    taken += moves.takes.length;
    for (const { ready } of held) most = Math.max(most, ready.length);
  }
  return { spent, links, taken, most, left: replay.seek(to - 1).held };
}

function expectCounted(recording: Recording, result: RunResult): void {
  const { spent, links, taken, most, left } = seenIn(recording);
  const [setup, compute, waitInput, waitOutput] = spent;
  const { linkWavelets, delivered } = result;
  expect({ setup, compute, waitInput, waitOutput }).toEqual({
    setup: result.setup,
    compute: result.compute,
    waitInput: result.waitInput,
    waitOutput: result.waitOutput,
  });
  expect(links).toEqual(linkWavelets);
  expect(taken).toBe(delivered);
  expect(most).toBeLessThanOrEqual(recording.queueDepth);
  expect(left).toEqual([]);
}

/** What the engine's queues hold, by core, port and colour. */
function heldBy({ fabric }: Machine): Held[] {
  const { keyOf, head, ready, queueDepth, colors } = fabric;
  const queues = keyOf.map((key, queue) => {
    const slots = Array.from(
      { length: queueDepth },
      (_, i) => ready[queue * queueDepth + ((head[queue] + i) % queueDepth)],
    );
    const place = Math.floor(key / colors);
    const where = { core: Math.floor(place / 6), port: place % 6, color: key % colors };
    return { key, held: { ...where, ready: slots.filter((at) => at !== Infinity) } };
  });
  const full = queues.filter(({ held }) => held.ready.length > 0);
  return full.sort((a, b) => a.key - b.key).map(({ held }) => held);
}

describe('a recording of two cores', () => {
  // Two words east; the second core takes each for 3 cycles.
  const sender = role('sender', {
    routes: [route(0, R, E)],
    operations: [move(fabric(0), cell(0), 2)],
    buffers: [loaded(2)],
  });
  const taker = role('taker', {
    routes: [route(0, W, R)],
    operations: [{ ...move(cell(0), fabric(0), 2), by: 'task' as const }],
    buffers: [loaded(2)],
  });
  const input = { program: row(sender, taker), wafer: testWafer({}, { task: 3 }) };
  const recording = recordCycles(input);
  const replay = createReplay(recording);
  const stateIn = (cycle: number) =>
    [...replay.seek(cycle).state].map((state) => STATES[state]).join(' ');

  it('says what each core does in each cycle', () => {
    // A word is moved in a cycle and enters the ramp in the next; it is there after ramp, link and ramp: 2 + 1 + 2.
    const cycles = Array.from({ length: recording.to }, (_, cycle) => stateIn(cycle));
    expect(cycles).toEqual([
      ...['compute waitInput', 'compute waitInput', 'compute waitInput'],
      ...['idle waitInput', 'idle waitInput', 'idle waitInput'],
      ...Array.from({ length: 6 }, () => 'idle compute'),
    ]);
  });

  it('has cores idle before their start, also where that is before cycle 0', () => {
    const late = recordCycles({ ...input, startAt: Int32Array.of(2, -1) });
    const { seek } = createReplay(late);
    expect([late.from, late.to]).toEqual([-1, recording.to + 2]);
    const states = [-1, 0, 1, 2].map((cycle) => [...seek(cycle).state].map((of) => STATES[of]));
    expect(states).toEqual([
      ...Array.from({ length: 3 }, () => ['idle', 'waitInput']),
      ['compute', 'waitInput'],
    ]);
  });

  it('has wavelets in queues from the cycle in which they leave for them', () => {
    const queueIn = (cycle: number, core: number, port: number) =>
      replay.seek(cycle).held.find((of) => of.core === core && of.port === port)?.ready ?? [];
    expect([0, 1, 2, 3, 4].map((cycle) => queueIn(cycle, 0, RAMP))).toEqual([
      ...[[], [3], [3, 4], [4], []],
    ]);
    // Through the west port of the second core's router to its core's own queue.
    expect([2, 3, 4, 5].map((cycle) => queueIn(cycle, 1, 3))).toEqual([[], [4], [5], []]);
    expect([4, 5, 6, 8, 9].map((cycle) => queueIn(cycle, 1, CORE_QUEUE))).toEqual([
      ...[[6], [6, 7], [7], [7], []],
    ]);
  });

  it('is the same forward and back', () => {
    const forward = Array.from({ length: 12 }, (_, cycle) => structuredClone(replay.seek(cycle)));
    const back = [...forward.keys()].reverse().map((cycle) => structuredClone(replay.seek(cycle)));
    expect(back.reverse()).toEqual(forward);
  });

  it('has the listing of each core, shared where roles share it', () => {
    expect(recording.lists).toEqual([
      ['move.f32 x2 colour 0 <- [0]  (work)'],
      ['move.f32 x2 [0] <- colour 0 by a task  (work)'],
    ]);
    expect(recording.roles[1]).toEqual({
      name: 'taker',
      memory: ['buffer data: f32 [0..2), preloaded', 'route colour 0: west -> ramp'],
      list: 1,
    });
  });
});

describe('a recording', () => {
  it('adds up to what the engine counts, in kernels', () => {
    const wafer = kernelWafer();
    for (const [name, options] of [
      ['reduce', { algorithm: 'chain', pes: 16, words: 40, dtype: 'f32' }],
      ['reduce', { algorithm: 'star', pes: 9, words: 8, dtype: 'f32' }],
      ['all-reduce', { algorithm: 'two-phase', grid: '4x4', words: 8, dtype: 'f32' }],
      ['gemm', { algorithm: 'cannon', grid: '3x3', m: 12, k: 12, n: 12, dtype: 'f16' }],
      ['traffic', { pattern: 'uniform', mesh: '4x4', load: 0.2, cycles: 200 }],
    ] as const) {
      const program = programOf(name, options);
      expectCounted(recordCycles({ program, wafer }), reference({ program, wafer }));
    }
  });

  it('adds up to what the engine counts and has what its queues hold, in generated programs', () => {
    let seen = 0;
    const law = ({ program, wafer, startAt }: Pick<RunInput, 'program' | 'wafer' | 'startAt'>) => {
      if (program.width > 16 || program.height > 16) return;
      const input = { program, wafer, ...(startAt && { startAt }) };
      let result: RunResult;
      try {
        result = reference(input);
      } catch (error) {
        if (error instanceof MachineError) return;
        throw error;
      }
      const recording = recordCycles(input);
      expect(recordingOf(recordingBytes(recording))).toEqual(recording);
      const { seek } = createReplay(recording);
      reference(input, (machine, cycle) => {
        if (cycle < recording.to) expect(seek(cycle).held).toEqual(heldBy(machine));
      });
      expectCounted(recording, result);
      seen++;
    };
    fc.assert(fc.property(programs(), law), { numRuns: count(20, 200), seed: 20261130 });
    expect(seen).toBeGreaterThan(8);
  });

  it('is read alike in any order of its cycles', () => {
    const program = programOf('reduce', { algorithm: 'star', pes: 9, words: 8, dtype: 'f32' });
    const recording = recordCycles({ program, wafer: kernelWafer() });
    const replay = createReplay(recording);
    const all = Array.from({ length: recording.to }, (_, t) => structuredClone(replay.seek(t)));
    for (let i = 0; i < 200; i++) {
      const cycle = (i * 37) % recording.to;
      expect(replay.seek(cycle)).toEqual(all[cycle]);
    }
    // Back, and then further than one has been.
    const fresh = createReplay(recording);
    for (const cycle of [recording.to >> 1, 0, recording.to - 1])
      expect(fresh.seek(cycle)).toEqual(all[cycle]);
  });

  it('has the core-cycles of stretches of time', () => {
    const input = { program: chainReduce(6, 30), wafer: testWafer() };
    const recording = recordCycles(input);
    const { spent } = seenIn(recording);
    const rows = statesOverTime(createReplay(recording), 7);
    const sumOf = (state: number) => rows.reduce((sum, row) => sum + row[state], 0);
    expect(rows.length).toBeLessThanOrEqual(7);
    expect(STATES.map((_, state) => sumOf(state))).toEqual(
      spent.map((cores) => cores.reduce((a, b) => a + b, 0)),
    );
  });

  it('is cut where there is enough of it, and the engine goes no further', () => {
    const input = { program: chainReduce(6, 500), wafer: testWafer() };
    const whole = recordCycles(input);
    expect(whole.cut).toBeUndefined();
    const short = recordCycles(input, { mostCycles: 100 });
    expect([short.cut, short.from, short.to]).toEqual(['cycles', 0, 100]);
    const [a, b] = [createReplay(short), createReplay(whole)];
    for (let cycle = 0; cycle < 100; cycle++) expect(a.seek(cycle)).toEqual(b.seek(cycle));
    const small = recordCycles(input, { mostBytes: 40 });
    expect(small.cut).toBe('bytes');
    expect(small.to).toBeLessThan(whole.to);
    expect(small.events.length).toBeLessThan(200);
  });

  it('of a stream has two bytes for each cycle in which it goes on', () => {
    const bytesOf = (words: number) =>
      recordCycles({ program: chainReduce(16, words), wafer: testWafer() }).events.length;
    expect(bytesOf(400) - bytesOf(200)).toBe(2 * 200);
  });

  it('is refused of a mesh that a player cannot show', () => {
    expect(() => recordCycles({ program: chainReduce(17, 4), wafer: testWafer() })).toThrow(
      'wavelets are shown on up to 16 x 16 cores, and the mesh has 17 x 1',
    );
  });

  it('that is damaged is refused', () => {
    const recording = recordCycles({ program: chainReduce(3, 4), wafer: testWafer() });
    const events = recording.events.slice(0, -1);
    expect(() => createReplay({ ...recording, events })).toThrow('the recording is damaged');
  });
});
