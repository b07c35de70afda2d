/** When the cores of lines start: when they are through with what they compute before their parts. */
import type { Lead } from './cut.js';
import type { Line } from './divide.js';
import type { Pass } from './pass.js';
import { LATEST_START } from './result.js';
import { timesOf, type Times } from './table.js';

/**
 * What is computed before parts, and which of these wait, in columns by lead (-1 where no part waits); and room for the
 * starts of a line's cores, absolute and from the first of them on.
 */
export interface Leads {
  cycles: Times;
  setups: Int32Array;
  labels: Int32Array;
  times: Times;
  starts: Int32Array;
}

export function columnsOf(leads: readonly Lead[], most: number, bits: 32 | 64): Leads {
  return {
    cycles: timesOf(bits, leads.length).map((_, lead) => leads[lead].cycles),
    setups: Int32Array.from(leads, ({ awaits }) => awaits?.setup ?? -1),
    labels: Int32Array.from(leads, ({ awaits }) => awaits?.label ?? -1),
    times: timesOf(bits, most),
    starts: new Int32Array(most),
  };
}

/**
 * When a line's cores start, from the first of them on, whose cycle is returned; undefined if they are too far apart.
 * Of cores that wait for their first wavelet it does not matter since when they do before another core can send: they
 * start as late as that, and what they wait before is counted here, so that lines are equal that differ in it alone.
 */
export function startsOfLine(pass: Pass, line: Line, columns: Leads): number | undefined {
  // A loop is compiled while it runs: what comes after it in one function would be given up each time.
  const active = timesAtParts(pass, line, columns);
  // Where no core can send at once all wait from when they do.
  if (active < Infinity) waitUntil(active, pass, line, columns);
  const { times, starts } = columns;
  const count = line.actors.length;
  const first = firstOf(times, count);
  if (lastOf(times, count) - first > LATEST_START) return undefined;
  for (let i = 0; i < count; i++) starts[i] = times[i] - first;
  return first;
}

/** The earliest of the `count` first times, of which there is one; and the latest. */
function firstOf(times: Times, count: number): number {
  let first = times[0];
  for (let i = 1; i < count; i++) if (times[i] < first) first = times[i];
  return first;
}

function lastOf(times: Times, count: number): number {
  let last = times[0];
  for (let i = 1; i < count; i++) if (times[i] > last) last = times[i];
  return last;
}

/** Fills in when cores are at their parts; when the first of them is that does not wait there, or Infinity. */
function timesAtParts(
  { at, latest, latestCore }: Pass,
  { routers, actors, leads }: Line,
  { cycles, setups, times }: Leads,
): number {
  let active = Infinity;
  for (let i = 0; i < actors.length; i++) {
    const core = routers[actors[i]];
    const lead = leads[i];
    const before = at[core];
    if (before > latest[lead] || (before === latest[lead] && core < latestCore[lead])) {
      latest[lead] = before;
      latestCore[lead] = core;
    }
    const time = before + cycles[lead];
    times[i] = time;
    if (setups[lead] < 0 && time < active) active = time;
  }
  return active;
}

/** Has cores that wait wait from when another one can send at the earliest. */
function waitUntil(
  active: number,
  { waited }: Pass,
  { actors, leads }: Line,
  { setups, labels, times }: Leads,
): void {
  for (let i = 0; i < actors.length; i++) {
    const setup = setups[leads[i]];
    if (setup < 0 || times[i] >= active - setup) continue;
    waited[labels[leads[i]]] += active - setup - times[i];
    times[i] = active - setup;
  }
}
