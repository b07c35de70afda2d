/**
 * A step as a trace in Chrome's event format, which Perfetto opens: a process per wafer, a track per
 * region, on it the region's stages and in them their operators. One microsecond stands for one cycle.
 */
import type { RunDetail, StageSpan } from './detail.js';
import type { PathEntry, RunDocument } from './document.js';
import { nameProcess, nameTrack, type Track, type TraceEvent } from './trace-events.js';
import { coreEvents } from './trace-cores.js';
import { flowEvents, otherTokenEvents, stepCounters } from './trace-step.js';
import { PATH_KINDS } from './why-text.js';

/** The trace as JSON text. */
export function chromeTrace(run: RunDocument, detail: RunDetail): string {
  const traceEvents = stepEvents(detail, {
    firstPid: 1,
    microseconds: (cycles) => cycles,
    name: (wafer) => `wafer ${wafer} (1 us = 1 cycle)`,
  });
  const { criticalPath } = run.decode;
  const cycles = (of: number) => of;
  const next = () => 1 + traceEvents.reduce((most, { pid }) => Math.max(most, pid), 0);
  traceEvents.push(...pathEvents(criticalPath, next()));
  traceEvents.push(...stepCounters(detail, criticalPath, next(), cycles));
  traceEvents.push(...otherTokenEvents(detail, next(), cycles));
  traceEvents.push(...coreEvents(detail.operations ?? [], next(), cycles));
  const { configHash } = run;
  const otherData = { unit: '1 us is 1 cycle', cyclesPerToken: detail.cycles, configHash };
  return JSON.stringify({ traceEvents, otherData });
}

interface StepStyle {
  /** Of the first wafer, at least 1: to Perfetto 0 is the idle process. */
  firstPid: number;
  /** What a number of cycles is in the trace. */
  microseconds: (cycles: number) => number;
  /** Of a wafer's process. */
  name: (wafer: number) => string;
}

/** The stages of a step with their operators, on the tracks of their regions, and arrows from each to the next. */
export function stepEvents(detail: RunDetail, style: StepStyle): TraceEvent[] {
  const { stages } = detail;
  const tracks = [...new Set(stages.map(trackOf))];
  const wafers = [...new Set(stages.map(({ wafer }) => wafer))];
  const pidOf = (wafer: number) => style.firstPid + wafer;
  const events = wafers.flatMap((wafer) => nameProcess(pidOf(wafer), style.name(wafer)));
  for (const [track, name] of tracks.entries()) {
    const { wafer, region } = stages.find((stage) => trackOf(stage) === name)!;
    events.push(...nameTrack({ pid: pidOf(wafer), tid: track + 1 }, region, track));
  }
  const placeOf = (stage: StageSpan): Track => ({
    ...{ pid: pidOf(stage.wafer), tid: tracks.indexOf(trackOf(stage)) + 1 },
  });
  for (const stage of stages) events.push(...spans(stage, placeOf(stage), style));
  const { microseconds } = style;
  return [...events, ...flowEvents(detail, { trackOf: (i) => placeOf(stages[i]), microseconds })];
}

/** The critical path as a process of its own: a track of its operators, and one of what their cycles are spent on. */
function pathEvents(path: readonly PathEntry[] | undefined, pid: number): TraceEvent[] {
  if (path === undefined) return [];
  const [operators, kinds] = [1, 2].map((tid): Track => ({ pid, tid }));
  const runs: { name: string; from: number; to: number }[] = [];
  for (const { operator, from, to } of path) {
    const last = runs.at(-1);
    if (last?.name === operator) last.to = to;
    else runs.push({ name: operator, from, to });
  }
  return [
    ...nameProcess(pid, 'critical path'),
    ...nameTrack(operators, 'operators', 0),
    ...nameTrack(kinds, 'spent on', 1),
    ...runs.map(({ name, from, to }): TraceEvent => {
      return { ph: 'X', ...operators, name, cat: 'path', ts: from, dur: to - from };
    }),
    ...path.map(({ operator, kind, wafer, x, y, from, cycles }): TraceEvent => {
      const args = { operator, wafer, x, y };
      return {
        ph: 'X',
        ...kinds,
        name: PATH_KINDS[kind],
        cat: 'path',
        ts: from,
        dur: cycles,
        args,
      };
    }),
  ];
}

function trackOf({ wafer, region }: StageSpan): string {
  return `${wafer} ${region}`;
}

function spans(stage: StageSpan, at: Track, { microseconds }: StepStyle): TraceEvent[] {
  const span = (
    { name, start, end }: { name: string; start: number; end: number },
    cat: 'stage' | 'operator',
  ): TraceEvent => {
    return { ph: 'X', ...at, name, cat, ts: microseconds(start), dur: microseconds(end - start) };
  };
  return [span(stage, 'stage'), ...stage.operators.map((operator) => span(operator, 'operator'))];
}
