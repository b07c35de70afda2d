/**
 * The reference: a wafer cycle by cycle and wavelet by wavelet, with its numbers. It is clean, minimal and
 * never clever; it defines the right result, and other engines have to agree with it (rules: machine-model
 * sections 4 and 4a). Cores are in cores.ts, routers and queues in fabric.ts.
 *
 * Cores and routers are visited only in cycles in which something may have changed for them. What one does in a
 * cycle, others see in the next at the earliest, so the order of visits does not matter; only a change of route
 * acts at once, on the core's own router, so cores come before routers.
 */
import { dueAt } from './calendar.js';
import { checkProgram, deadlock, leftOver, machineError, notOver, tooLong } from '../checks.js';
import { LAST_CYCLE, latestOf, wholeRun } from '../engine.js';
import type { Run, RunInput, RunResult, Standing } from '../engine.js';
import { visitCore } from './cores.js';
import { createMachine, isDone, type Machine } from './machine.js';
import { nextInjection, standingOf, waitersAt } from './standing.js';
import { visitRouter, waitingWavelets, type EventNote } from './fabric.js';

/** Sees the machine at the end of every cycle in which something was visited, and changes nothing. */
export type Observer = (machine: Machine, cycle: number) => void;

/** Visits of cores and routers in a slice: a few milliseconds. */
const SLICE = 4096;

/** Runs a program until nothing can ever move again. Throws MachineError where the machine fails. */
export function reference(input: RunInput, observe?: Observer, note?: EventNote): RunResult {
  return wholeRun(startReference(input, observe, note));
}

/** The same in slices. */
export function startReference(input: RunInput, observe?: Observer, note?: EventNote): Run {
  const { program, wafer, maxCycles = Infinity } = input;
  checkProgram(program, wafer);
  const m = createMachine(input, note);
  const { cycles, due } = m.calendar;
  for (let core = 0; core < m.cores; core++) dueAt(m.calendar, m.since[core]).cores.push(core);
  let reached = 0;
  /** What cores did when the limit was reached: it is exceeded if anything happens from then on. */
  let atLimit: Standing[] | undefined;

  function visit(t: number): number {
    const { cores, routers } = due.get(t)!;
    if (t >= maxCycles) atLimit ??= standingOf(m);
    // Beyond it t + 1 may be t.
    if (t > LAST_CYCLE) throw atLimit ? notOver(input, atLimit) : tooLong(program);
    reached = t;
    for (let i = 0; i < cores.length; i++) visitCore(m, cores[i], t);
    for (let i = 0; i < routers.length; i++) visitRouter(m.fabric, routers[i], t);
    due.delete(t);
    const isLate = atLimit !== undefined && (m.failures.length > 0 || lastMove(m) >= maxCycles);
    if (isLate) throw notOver(input, atLimit!);
    if (m.failures.length > 0) throw machineError(program, t, m.failures);
    observe?.(m, t);
    return cores.length + routers.length;
  }

  return {
    cycle: () => reached,
    standing: () => standingOf(m),
    advance() {
      for (let visits = 0; visits < SLICE;) {
        if (cycles.length === 0) {
          if (isOverLate(m, maxCycles)) throw notOver(input, atLimit ?? []);
          return resultOf(m);
        }
        visits += visit(cycles.pop()!);
      }
      return undefined;
    },
  };
}

/** Nothing happens any more: was some core done too late, or is one to send a wavelet then? */
function isOverLate(m: Machine, maxCycles: number): boolean {
  return m.end.some((end, core) => end > maxCycles || nextInjection(m, core) >= maxCycles);
}

/** The last cycle in which something moved, or a core was busy. */
function lastMove(m: Machine): number {
  return Math.max(m.busyUntil, m.fabric.moved);
}

/** Throws if cores are not done or wavelets were not taken. */
function checkQuiet(m: Machine, cycles: number): void {
  const { program } = m.input;
  const waiters = [...m.end.keys()].flatMap((core) => (isDone(m, core) ? [] : waitersAt(m, core)));
  const still = lastMove(m) + 1;
  if (waiters.length > 0) throw deadlock(program, Number.isFinite(still) ? still : 0, waiters);
  const waiting = waitingWavelets(m.fabric);
  if (waiting.length > 0) throw leftOver(program, cycles, waiting);
}

function resultOf(m: Machine): RunResult {
  const { program } = m.input;
  const { fabric, labelEnd, labelCore, labelWaitInput, labelWaitOutput, end } = m;
  const last = program.root === undefined ? latestOf(end) : end[program.root];
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
    labelWaitInput,
    labelWaitOutput,
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
