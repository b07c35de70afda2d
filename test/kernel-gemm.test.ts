/** Products of matrices on a square of cores: their rings, their results and their times. */
import { describe, expect, it } from 'vitest';
import { firstTileOfB, GEMM_ALGORITHMS, type GemmOptions } from '../src/kernels/gemm.js';
import { CHANNELS_OF_RING, ringOf, type RingStation } from '../src/kernels/ring.js';
import { loadHardware } from '../src/config.js';
import { fast } from '../src/engine/fast/fast.js';
import { reference } from '../src/engine/reference/reference.js';
import { ROUND } from '../src/numeric/types.js';
import { cells, cyclesOf, kernelWafer, programOf, runWithNumbers } from './kernel-programs.js';

const each = (cycles: number) => ({ f16: cycles, f32: cycles });

describe('a ring of cores on a line', () => {
  it('goes out over the odd cores and back over the even ones, or from end to end', () => {
    expect(ringOf(7, 'interleaved').order).toEqual([0, 1, 3, 5, 6, 4, 2]);
    expect(ringOf(6, 'interleaved').order).toEqual([0, 1, 3, 5, 4, 2]);
    expect(ringOf(4, 'plain').order).toEqual([0, 1, 2, 3]);
    expect(ringOf(7, 'interleaved').position).toEqual([0, 1, 6, 2, 5, 3, 4]);
  });

  it.each([2, 3, 4, 5, 8, 9, 33])(
    'of %i cores, interleaved, has neighbours within two hops',
    (n) => {
      const { order } = ringOf(n, 'interleaved');
      order.forEach((core, i) =>
        expect(Math.abs(core - order[(i + 1) % n])).toBeLessThanOrEqual(2),
      );
      expect(order.toSorted((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i));
    },
  );

  it.each([
    ['interleaved', 2],
    ['interleaved', 3],
    ['interleaved', 9],
    ['interleaved', 12],
    ['plain', 2],
    ['plain', 3],
    ['plain', 8],
  ] as const)('%s of %i cores: what each sends arrives where it should', (form, n) => {
    const { forward, reverse, order, position } = ringOf(n, form);
    for (let core = 0; core < n; core++) {
      const [before, after] = [n - 1, 1].map((step) => order[(position[core] + step) % n]);
      expect(arrivesAt(forward, core)).toEqual([before, forward[before].takesFrom]);
      expect(arrivesAt(reverse, core)).toEqual([after, reverse[after].takesFrom]);
      const channels = forward[core].routes.map(({ channel }) => channel);
      expect(new Set(channels).size).toBe(channels.length);
      expect(Math.max(...channels)).toBeLessThan(CHANNELS_OF_RING);
    }
  });
});

/** Follows the routes from a core to where they end: there, and on which channel. */
function arrivesAt(stations: RingStation[], source: number): [core: number, channel: number] {
  const channel = stations[source].sendsOn;
  let [core, from] = [source, 'core'];
  for (let hops = 0; hops <= stations.length; hops++) {
    const found = stations[core].routes.filter((r) => r.channel === channel && r.from === from);
    expect(found).toHaveLength(1);
    const { to } = found[0];
    if (to === 'core') return [core, channel];
    core += to === 'ahead' ? 1 : -1;
    from = to === 'ahead' ? 'back' : 'ahead';
  }
  throw new Error('goes round and round');
}

/** A and B as the cores hold them at first, and C as they hold it at last; padding included. */
function product(
  options: Omit<GemmOptions, 'side' | 'localRepeats'> & { side: number; repeats?: number },
) {
  const { side, repeats = 1, ...rest } = options;
  const program = programOf('gemm', { ...rest, grid: `${side}x${side}`, localRepeats: repeats });
  const { memory, before, result } = runWithNumbers(program);
  const [rows, inner, columns] = [options.m, options.k, options.n].map((n) => Math.ceil(n / side));
  const tile = (name: string, x: number, y: number, from = before) =>
    cells(program, from, y * side + x, name);
  const a = (row: number, i: number) =>
    tile('a', Math.floor(i / inner), Math.floor(row / rows))[(i % inner) * rows + (row % rows)];
  const b = (i: number, column: number) => {
    const x = Math.floor(column / columns);
    const holds = (y: number) => firstTileOfB({ ...options, localRepeats: 1 }, x, y);
    const y = Array.from({ length: side }, (_, at) => at).find(
      (at) => holds(at) === Math.floor(i / inner),
    )!;
    return tile('b', x, y)[(i % inner) * columns + (column % columns)];
  };
  const c = (row: number, column: number) =>
    tile('c', Math.floor(column / columns), Math.floor(row / rows), memory)[
      (column % columns) * rows + (row % rows)
    ];
  return { a, b, c, result, program, size: [rows * side, inner * side, columns * side] };
}

describe.each(GEMM_ALGORITHMS)('a product of matrices by %s', (algorithm) => {
  it.each([
    { m: 3, k: 6, n: 9, side: 3, dtype: 'f32' as const },
    { m: 8, k: 4, n: 12, side: 4, dtype: 'f32' as const },
    { m: 7, k: 11, n: 6, side: 5, dtype: 'f32' as const },
    { m: 2, k: 3, n: 5, side: 2, dtype: 'f16' as const },
    { m: 6, k: 6, n: 6, side: 6, dtype: 'f16' as const },
    { m: 3, k: 4, n: 2, side: 1, dtype: 'f32' as const },
    { m: 30, k: 20, n: 10, side: 10, dtype: 'f16' as const },
  ])('gives the product of the matrices: %o', (shape) => {
    const { a, b, c, size, result } = product({ ...shape, algorithm });
    const [rows, inner, columns] = size;
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++) {
        let sum = 0;
        for (let i = 0; i < inner; i++) sum += a(row, i) * b(i, column);
        expect(c(row, column)).toBe(ROUND[shape.dtype](sum));
      }
    expect(result.routeHazards).toBe(0);
  });

  it('adds each local product as often as asked, and communicates without any', () => {
    const shape = { m: 8, k: 8, n: 8, side: 4, dtype: 'f32' as const, algorithm };
    const [none, once, twice] = [0, 1, 2].map((repeats) => product({ ...shape, repeats }));
    for (let row = 0; row < 8; row++)
      for (let column = 0; column < 8; column++) {
        expect(none.c(row, column)).toBe(0);
        expect(twice.c(row, column)).toBe(2 * once.c(row, column));
      }
    expect(none.result.sent).toBe(once.result.sent);
    expect(none.result.sent).toBeGreaterThan(0);
  });

  it('takes the same time without numbers, on every engine and with shallow queues', () => {
    for (const queueDepth of [1, 2, 4]) {
      const plain = kernelWafer({ setup: each(3), transfer: { setup: 5, end: 7 } });
      const wafer = { ...plain, fabric: { ...plain.fabric, queueDepth, hopCycles: 2 } };
      const options = { algorithm, grid: '5x5', m: 15, k: 20, n: 10 };
      const program = programOf('gemm', options, wafer);
      const timed = reference({ program, wafer });
      expect(fast({ program, wafer }).cycles).toBe(timed.cycles);
      expect(runWithNumbers(program, wafer).result.cycles).toBe(timed.cycles);
    }
  });
});

describe('the time of a product of matrices', () => {
  /** 2 x 2 cores, of which each has 4 words of A and 6 of B; no product is done. */
  const MOVES = {
    ...{ algorithm: 'mesh', grid: '2x2', dtype: 'f32', localRepeats: 0 },
    ...{ m: 4, k: 4, n: 6 },
  };

  const free = kernelWafer();
  const one = { algorithm: 'mesh', grid: '1x1', m: 5, k: 3, n: 2, dtype: 'f32' };

  it('on one core is that of its multiply-adds, in groups, with the loop and the clearing', () => {
    const matmul = {
      instruction: each(7),
      granularity: { f16: 1, f32: 4 },
      loop: 11,
      clear: each(2),
    };
    // 10 cells cleared; 3 passes of 2 instructions of 8 elements, 5 of which are asked for.
    const cycles = 10 * 2 + 3 * (11 + 2 * (7 + 8));
    expect(cyclesOf('gemm', one, kernelWafer({ matmul }))).toBe(cycles);
    const thrice = 10 * 2 + 3 * 3 * (11 + 2 * (7 + 8));
    expect(cyclesOf('gemm', { ...one, localRepeats: 3 }, kernelWafer({ matmul }))).toBe(thrice);
    expect(cyclesOf('gemm', { ...one, localRepeats: 0 }, kernelWafer({ matmul }))).toBe(20);
  });

  it('without costs is that of what passes the ramp, a flight for each exchange', () => {
    // A of 2 x 2 words and B of 2 x 3 on each of 2 x 2 cores; a flight is 2 + 1 + 2.
    const [align, step] = [4 + 5, 4 + 6 + 5];
    expect(cyclesOf('gemm', MOVES, free)).toBe(align + 2 * step);
  });

  it('has the set-up of later transfers hidden by the first', () => {
    const wafer = kernelWafer({ transfer: { setup: 3, end: 10 } });
    // B is due 6 cycles after A, whose 4 words have left by then.
    const [align, step] = [2 * 10 + 3 + 4 + 5, 4 * 10 + 3 + 6 + 6 + 5];
    expect(cyclesOf('gemm', MOVES, wafer)).toBe(align + 2 * step);
  });

  it('grows by the same for each two rows more of the interleaved ring, and by more for the plain one', () => {
    const cycles = (algorithm: string, side: number) =>
      cyclesOf('gemm', { algorithm, grid: `${side}x${side}`, m: side, k: side, n: side }, free);
    const more = (algorithm: string, side: number) =>
      cycles(algorithm, side + 2) - cycles(algorithm, side);
    // A word to align and two steps of two words and a product, over two hops each.
    const [flight, align] = [6, 1];
    for (const side of [6, 8, 12])
      expect(more('mesh', side)).toBe(align + flight + 2 * (2 + flight + 1));
    expect(more('cannon', 12)).toBeGreaterThan(more('mesh', 12));
  });
});

describe('MeshGEMM on 3x3 cores, on the vendor simulator of WSE-3', () => {
  // The hop and the start with which `costs.matmul` and `costs.transfer` were fitted.
  const set = ['hardware.fabric.hopCycles=2', 'hardware.costs.programStart=35'];
  const { wafer } = loadHardware('configs/hardware/wse3.yaml', set);
  const measured: [rows: number, cycles: number[]][] = [
    [1, [524, 2095.8, 3716]],
    [8, [619.9, 2211.7, 3831.7]],
    [16, [813.6, 2801.4, 4823.9]],
  ];
  it.each(measured)('with %i rows a core is predicted within 2 %%', (rows, cycles) => {
    const shape = { algorithm: 'mesh', grid: '3x3', m: 3 * rows, k: 24, n: 24, dtype: 'f16' };
    cycles.forEach((mean, localRepeats) => {
      const program = programOf('gemm', { ...shape, localRepeats }, wafer);
      const error = fast({ program, wafer }).cycles / mean - 1;
      expect(Math.abs(error), `${localRepeats} products a step`).toBeLessThan(0.02);
    });
  });
});
