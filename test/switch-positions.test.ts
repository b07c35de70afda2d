/** Switch positions (machine-model section 4a): cycles by hand, what they let pass, what is refused. */
import { describe, expect, test } from 'vitest';
import type { Program, Role, Route, Setting } from '../src/program/program.js';
import { engines } from './helpers/engines.js';
import { E, N, R, S, W, add, cell, changeRoute, fabric, loaded } from './helpers/programs.js';
import { move, program, role, route, row, testWafer, work } from './helpers/programs.js';

/** A route with further settings. */
function switched(first: Route, positions: [number, number][], returns = false): Route {
  const settings = positions.map(([inputs, outputs]): Setting => ({ inputs, outputs }));
  return { ...first, positions: settings, returns };
}

const marked = (words: number) => ({ ...move(fabric(0), cell(0), words), advance: true });

/** Each core sends its words west and marks the last, then lets pass what comes from the east. */
function star(cores: number, words: number): Program {
  const root = role('root', {
    routes: [route(0, E, R)],
    operations: [move(cell(0), fabric(0), words * (cores - 1))],
    buffers: [{ ...loaded(words * (cores - 1)), preloaded: false }],
  });
  const sender = role('sender', {
    routes: [switched(route(0, R, W), [[E, W]])],
    operations: [marked(words)],
    buffers: [loaded(words)],
  });
  const last = role('last', { ...sender, routes: [route(0, R, W)] });
  const senders = Array.from({ length: cores - 1 }, (_, i) => (i === cores - 2 ? last : sender));
  return { ...row(root, ...senders), root: 0 };
}

describe.each(engines)('switch positions in the %s engine', (_, run) => {
  test.each([
    [1, 4, 1, 9],
    [1, 4, 3, 15],
    [1, 512, 1, 517],
    [2, 4, 1, 12],
    [2, 4, 3, 16],
    [2, 512, 1, 1028],
  ])('a star at hop %i of %i cores and %i words each takes %i', (hop, cores, words, cycles) => {
    const result = run({ program: star(cores, words), wafer: testWafer({ hopCycles: hop }) });
    expect(result.cycles).toBe(cycles);
    expect(result.routeHazards).toBe(0);
    expect(result.delivered).toBe((cores - 1) * words);
  });
});
