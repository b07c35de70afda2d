/** The pool of cache positions, which are given out in blocks of as many as a region has rows. */
import { describe, expect, it } from 'vitest';
import { createMemory, fits, inBlocks, keptBy, release, take } from '../src/serving/memory.js';
import { options, pipeline, request, serve } from './serving-helpers.js';

describe('the cache memory', () => {
  it.each([
    [0, 10, 0],
    [1, 10, 10],
    [10, 10, 10],
    [11, 10, 20],
    [11, 1, 11],
  ])('%i positions take, in blocks of %i, %i', (positions, block, room) => {
    expect(inBlocks(positions, block)).toBe(room);
  });

  it('holds whole blocks only', () => {
    const memory = createMemory(49, 10);
    expect(memory.capacity).toBe(40);
    expect([fits(memory, 40), fits(memory, 41)]).toEqual([true, false]);
    take(memory, 11, undefined);
    expect(memory.free).toBe(20);
    take(memory, 1, undefined);
    expect([fits(memory, 10), fits(memory, 11)]).toEqual([true, false]);
    release(memory, 11, undefined);
    expect(memory.free).toBe(30);
    release(memory, 1, undefined);
    expect(memory.free).toBe(40);
  });

  it('counts what idle sessions keep in blocks, and knows how much of it is theirs', () => {
    const memory = createMemory(40, 10);
    take(memory, 11, 7);
    release(memory, 11, 7);
    expect(keptBy(memory, 7)).toBe(11);
    expect([memory.free, memory.keptTotal]).toEqual([20, 20]);
    expect([fits(memory, 40), fits(memory, 41)]).toEqual([true, false]);
    take(memory, 21, 7);
    expect([memory.free, memory.keptTotal, memory.evictions]).toEqual([10, 0, 0]);
    release(memory, 21, 7);
    take(memory, 11, undefined);
    expect([memory.free, memory.keptTotal, memory.evictions]).toEqual([20, 0, 1]);
    expect(keptBy(memory, 7)).toBe(0);
  });
});

describe('states of users', () => {
  it('are as many as there is room for, those that idle sessions keep included', () => {
    const memory = createMemory(100, 1, 2);
    take(memory, 5, 7);
    take(memory, 5, undefined);
    expect(fits(memory, 1)).toBe(false);
    release(memory, 5, 7);
    // The session's own state goes on, and makes room for another's.
    expect(fits(memory, 1)).toBe(true);
    take(memory, 6, 7);
    expect([fits(memory, 1), memory.evictions]).toEqual([false, 0]);
    release(memory, 6, 7);
    take(memory, 5, undefined);
    expect([keptBy(memory, 7), memory.evictions, memory.freeStates]).toEqual([0, 1, 0]);
    release(memory, 5, undefined);
    release(memory, 5, undefined);
    expect([memory.free, memory.freeStates]).toEqual([100, 2]);
  });
});

describe('a server', () => {
  // Three users of 11 positions: in a pool of 40 all fit, dealt to 10 rows only two.
  const requests = () => [0, 1, 2].map((id) => request(id, 0, 6, 5));
  const queued = (kvBlock: number) =>
    serve(requests(), options(pipeline(10, 1000), 'fcfs', { kvTokens: 40, kvBlock })).served.map(
      ({ queueNs }) => queueNs,
    );

  it('lets a request wait until there is room for its state', () => {
    const queuedWith = (states?: number) =>
      serve(requests(), options(pipeline(10, 1000), 'fcfs', { kvTokens: 40, states })).served.map(
        ({ queueNs }) => queueNs,
      );
    expect(queuedWith(3)).toEqual(queuedWith());
    const [first, second, third] = queuedWith(1);
    expect([first < second, second < third]).toEqual([true, true]);
    expect(second).toBeGreaterThan(queuedWith(2)[1]);
  });

  it('lets a request wait until its blocks are free', () => {
    const [first, second, third] = queued(1);
    const [, , late] = queued(10);
    expect(first).toBe(0);
    expect(second).toBeLessThan(third);
    expect(late).toBeGreaterThan(third);
  });

  it('refuses what does not fit whole blocks', () => {
    const of = (kvTokens: number) =>
      serve([request(0, 0, 6, 5)], options(pipeline(10, 1000), 'fcfs', { kvTokens, kvBlock: 10 }))
        .served[0].outcome;
    expect(of(20)).toBe('completed');
    expect(of(19)).toBe('rejected');
  });
});
