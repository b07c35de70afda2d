/**
 * A serving run as a trace in Chrome's event format, which Perfetto opens: a process per scenario, and
 * on it every request from its arrival to its last token, with its parts inside: the path to the server,
 * queue, prefill, decode, and the path back. Requests at the same time have tracks of their own. Times
 * are those of the simulation; the decode step under it is a process by itself, which begins at 0.
 */
import type { Served } from '../../serving/request.js';
import type { RunDetail } from '../../report/detail.js';
import type { RunDocument } from '../../report/document.js';
import { coreEvents } from '../../report/trace-cores.js';
import { counterEvents, nameProcess, nameTrack } from '../../report/trace-events.js';
import type { TraceEvent } from '../../report/trace-events.js';
import { stepEvents } from '../../report/trace.js';

/** What was served, beyond the document. */
export interface ServingDetail {
  /** Of each scenario its name, and its requests in the order of their ids. */
  scenarios: { scenario: string; served: readonly Served[] }[];
  /** Of the decode step's wafers. */
  clockHz: number;
}

/** A trace of more requests is larger than Perfetto opens. */
const MOST_REQUESTS = 100_000;

/** The trace as JSON text. */
export function servingTrace(
  run: RunDocument,
  detail: RunDetail,
  { scenarios, clockHz }: ServingDetail,
  mostRequests = MOST_REQUESTS,
): string {
  const most = Math.floor(mostRequests / scenarios.length);
  const events = scenarios.flatMap((one, i) => requestEvents(one, i + 1, most));
  // To the picosecond.
  const microseconds = (cycles: number) => Math.round((cycles / clockHz) * 1e12) / 1e6;
  const firstPid = scenarios.length + 1;
  const step = stepEvents(detail, {
    ...{ firstPid, microseconds },
    name: (wafer) => `one decode step by itself, wafer ${wafer}`,
  });
  const cores = coreEvents(detail.operations ?? [], firstPid + detail.maps.length, microseconds);
  const requests = scenarios.reduce((sum, { served }) => sum + served.length, 0);
  const shown = scenarios.reduce((sum, { served }) => sum + Math.min(most, served.length), 0);
  const otherData = {
    unit: 'simulated microseconds',
    requests,
    requestsShown: shown,
    cyclesPerToken: detail.cycles,
    configHash: run.configHash,
  };
  return JSON.stringify({ traceEvents: [...events, ...step, ...cores], otherData });
}

function requestEvents(
  { scenario, served }: ServingDetail['scenarios'][number],
  pid: number,
  most: number,
): TraceEvent[] {
  const shown = served.slice(0, most);
  const title = scenario === '' ? 'requests' : `requests: ${scenario}`;
  const some = `, the first ${most} of ${served.length}`;
  const events = nameProcess(pid, `${title}${served.length > most ? some : ''}`);
  const tracks = tracksOf(shown);
  const count = tracks.reduce((highest, track) => Math.max(highest, track + 1), 0);
  for (let track = 0; track < count; track++)
    events.push(...nameTrack({ pid, tid: track + 1 }, `track ${track + 1}`, track));
  shown.forEach((one, i) => events.push(...spansOf(one, { pid, tid: tracks[i] + 1 })));
  return [...events, ...requestCounters(shown, pid)];
}

/** A track for each request, one that is free when it arrives. */
function tracksOf(served: readonly Served[]): number[] {
  const tracks: number[] = served.map(() => -1);
  const endOf = (i: number) => served[i].arrivalNs + lengthNs(served[i]);
  const byArrival = [...served.keys()].sort((a, b) => served[a].arrivalNs - served[b].arrivalNs);
  const byEnd = [...served.keys()].sort((a, b) => endOf(a) - endOf(b));
  const free: number[] = [];
  let count = 0;
  let ended = 0;
  for (const i of byArrival) {
    for (; tracks[byEnd[ended]] >= 0 && endOf(byEnd[ended]) <= served[i].arrivalNs; ended++)
      free.push(tracks[byEnd[ended]]);
    tracks[i] = free.pop() ?? count++;
  }
  return tracks;
}

/** How many requests are in the system, and how many of them wait in the queue. */
function requestCounters(served: readonly Served[], pid: number): TraceEvent[] {
  const during = (from: number, lengthNs: number): [number, number][] =>
    lengthNs > 0
      ? [
          [from / 1000, 1],
          [(from + lengthNs) / 1000, -1],
        ]
      : [];
  const inside = served.flatMap((one) => during(one.arrivalNs, lengthNs(one)));
  const waiting = served.flatMap((one) =>
    Number.isNaN(one.queuedNs) ? [] : during(one.queuedNs, one.queueNs),
  );
  return [
    ...counterEvents(pid, 'requests in the system', inside),
    ...counterEvents(pid, 'requests in the queue', waiting),
  ];
}

function lengthNs({ queueNs, transportNs, prefillNs, decodeNs }: Served): number {
  return queueNs + transportNs + prefillNs + decodeNs;
}

/** The request, and in it what it went through, one after the other; what took no time is left out. */
function spansOf(one: Served, at: { pid: number; tid: number }): TraceEvent[] {
  const { request, outcome, reason, arrivalNs, queuedNs, tokens } = one;
  const upNs = Math.min(Number.isNaN(queuedNs) ? Infinity : queuedNs - arrivalNs, one.transportNs);
  const parts: [name: string, ns: number][] = [
    ['to the server', upNs],
    ['queue', one.queueNs],
    ['prefill', one.prefillNs],
    ['decode', one.decodeNs],
    ['to the client', one.transportNs - upNs],
  ];
  const { id, promptTokens, outputTokens, session } = request;
  const args = {
    outcome,
    ...(reason !== undefined && { reason }),
    ...(session !== undefined && { session }),
    promptTokens,
    outputTokens,
    tokens,
  };
  const span = (name: string, ns: number, dur: number): TraceEvent => {
    return { ph: 'X', ...at, name, ts: ns / 1000, dur: dur / 1000 };
  };
  const events: TraceEvent[] = [
    { ...span(`request ${id}`, arrivalNs, lengthNs(one)), cat: 'request', args },
  ];
  let ns = arrivalNs;
  for (const [name, length] of parts) {
    if (length > 0) events.push({ ...span(name, ns, length), cat: 'part' });
    ns += length;
  }
  return events;
}
