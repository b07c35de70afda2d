/** When a sender of synthetic traffic is saturated: by how many wavelets join those that wait at it. */
import { expect, it } from 'vitest';
import type { RunResult } from '../src/engine/engine.js';
import { trafficResult } from '../src/studies/kernel/traffic-result.js';
import { E, R, W, role, route, row, traffic } from './helpers/programs.js';

/** A sender with a wavelet due in each of so many cycles, which enter the ramp so much later. */
function saturated(cycles: number, later: (time: number) => number): boolean {
  const times = Array.from({ length: cycles }, (_, i) => i);
  const program = row(
    role('sends', { routes: [route(0, R, E)], operations: [traffic({ color: 0, times })] }),
    role('takes', {
      routes: [route(0, W, R)],
      operations: [traffic({ receive: 0, expect: cycles })],
    }),
  );
  const entered = Float64Array.from(times, (time) => time + later(time));
  const instants = {
    ...{ entered, enteredFrom: Int32Array.of(0, cycles, cycles) },
    ...{ taken: entered.map((cycle) => cycle + 5), takenFrom: Int32Array.of(0, 0, cycles) },
    takenColor: new Uint8Array(cycles),
  };
  return trafficResult(program, { instants } as RunResult, 0, cycles).saturated;
}

it('is more than one in twenty of what is due in the window, the middle half of the cycles', () => {
  // Those that are due before the window and enter in it make up for those that enter after it.
  expect(saturated(400, () => 50)).toBe(false);
  // With no wait in the first half, the last ones of 200 enter after the window.
  const waits = (wait: number) => saturated(400, (time) => (time < 200 ? 0 : wait));
  expect(waits(10)).toBe(false);
  expect(waits(11)).toBe(true);
});

it('is more than four wavelets, where that is more', () => {
  const waits = (wait: number) => saturated(40, (time) => (time < 20 ? 0 : wait));
  expect(waits(4)).toBe(false);
  expect(waits(5)).toBe(true);
});
