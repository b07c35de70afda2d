/**
 * The reference: a wafer cycle by cycle and wavelet by wavelet, with its numbers. It is clean, minimal
 * and never clever; it defines what is true, and other engines are right when they agree with it
 * (rules: machine-model sections 4 and 4a). Cores are in reference-core.ts, routers and queues in
 * reference-fabric.ts.
 *
 * Cores and routers are visited only in cycles in which something may have changed for them. What one
 * does in a cycle, others see in the next at the earliest, so the order of visits does not matter;
 * only a change of route acts at once, on the core's own router, so cores come before routers.
 */
import { dueAt } from './calendar.js';
import { checkProgram, deadlock, leftOver, machineError } from './checks.js';
import type { RunInput, RunResult } from './engine.js';
import { createMachine, isDone, visitCore, waitersAt, type Machine } from './reference-core.js';
import { visitRouter, waitingWavelets } from './reference-fabric.js';

/** Sees the machine at the end of every cycle in which something was visited, and changes nothing. */
export type Observer = (machine: Machine, cycle: number) => void;

/** Runs a program until nothing can ever move again. Throws MachineError where the machine fails. */
export function reference(input: RunInput, observe?: Observer): RunResult {
  checkProgram(input.program, input.wafer);
  const m = createMachine(input);
  const { cycles, due } = m.calendar;
  for (let core = 0; core < m.cores; core++) dueAt(m.calendar, m.since[core]).cores.push(core);
  for (let visited = 1; cycles.length > 0; visited++) {
    const t = cycles.pop()!;
    const { cores, routers } = due.get(t)!;
    for (let i = 0; i < cores.length; i++) visitCore(m, cores[i], t);
    for (let i = 0; i < routers.length; i++) visitRouter(m.fabric, routers[i], t);
    due.delete(t);
    if (m.failures.length > 0) throw machineError(input.program, t, m.failures);
    observe?.(m, t);
    if (visited % 4096 === 0) input.onProgress?.(t);
  }
  return resultOf(m);
}

/** Throws if cores are not done or wavelets were not taken. */
function checkQuiet(m: Machine, cycles: number): void {
  const { program } = m.input;
  const waiters = [...m.end.keys()].flatMap((core) => (isDone(m, core) ? [] : waitersAt(m, core)));
  const still = Math.max(m.busyUntil, m.fabric.moved) + 1;
  if (waiters.length > 0) throw deadlock(program, Number.isFinite(still) ? still : 0, waiters);
  const waiting = waitingWavelets(m.fabric);
  if (waiting.length > 0) throw leftOver(program, cycles, waiting);
}

function resultOf(m: Machine): RunResult {
  const { program } = m.input;
  const { fabric, labelEnd, labelCore, end } = m;
  const last =
    program.root === undefined ? end.reduce((a, b) => Math.max(a, b), 0) : end[program.root];
  const cycles = Math.max(0, last);
  checkQuiet(m, cycles);
  const [setup, compute, waitInput, waitOutput] = m.spent;
  const { linkWavelets, sent, delivered, waveletHops, routeHazards } = fabric;
  const busyOf = (core: number, label: number) => m.busy[core * labelEnd.length + label];
  return {
    cycles,
    end,
    compute,
    setup,
    waitInput,
    waitOutput,
    labelEnd,
    labelBusy: Float64Array.from(labelCore, busyOf),
    linkWavelets,
    sent,
    delivered,
    waveletHops,
    routeHazards,
    ...(m.instants && { instants: instantsOf(m.instants) }),
  };
}

function instantsOf({
  nextEntered: _,
  nextTaken: __,
  ...instants
}: NonNullable<Machine['instants']>) {
  return instants;
}
