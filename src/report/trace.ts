/**
 * A step as a trace in Chrome's event format, which Perfetto opens: a process per wafer, a track per
 * region, on it the region's stages and in them their operators. One microsecond stands for one cycle.
 */
import type { RunDetail, StageSpan } from './detail.js';
import type { PathEntry, RunDocument } from './document.js';
import { PATH_KINDS } from './why-text.js';

export interface TraceEvent {
  /** M: name of a process or track; X: a span. */
  ph: 'M' | 'X';
  name: string;
  pid: number;
  tid?: number;
  /** Start and length in microseconds. */
  ts?: number;
  dur?: number;
  cat?: 'stage' | 'operator' | 'request' | 'part' | 'path';
  args?: Record<string, string | number>;
}

/** The trace as JSON text. */
export function chromeTrace(run: RunDocument, detail: RunDetail): string {
  const traceEvents = stepEvents(detail, {
    firstPid: 1,
    microseconds: (cycles) => cycles,
    name: (wafer) => `wafer ${wafer} (1 us = 1 cycle)`,
  });
  traceEvents.push(
    ...pathEvents(run.decode.criticalPath, 1 + Math.max(0, ...traceEvents.map(({ pid }) => pid))),
  );
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

/** The stages of a step with their operators, on the tracks of their regions. */
export function stepEvents({ stages }: RunDetail, style: StepStyle): TraceEvent[] {
  const tracks = [...new Set(stages.map(trackOf))];
  const wafers = [...new Set(stages.map(({ wafer }) => wafer))];
  const pidOf = (wafer: number) => style.firstPid + wafer;
  const events = wafers.flatMap((wafer) => nameProcess(pidOf(wafer), style.name(wafer)));
  for (const [track, name] of tracks.entries()) {
    const { wafer, region } = stages.find((stage) => trackOf(stage) === name)!;
    events.push(...nameTrack({ pid: pidOf(wafer), tid: track + 1 }, region, track));
  }
  for (const stage of stages) {
    const at = { pid: pidOf(stage.wafer), tid: tracks.indexOf(trackOf(stage)) + 1 };
    events.push(...spans(stage, at, style));
  }
  return events;
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

/** Processes stand in the order of their numbers. */
export function nameProcess(pid: number, name: string): TraceEvent[] {
  return [
    { ph: 'M', name: 'process_name', pid, args: { name } },
    { ph: 'M', name: 'process_sort_index', pid, args: { sort_index: pid - 1 } },
  ];
}

export function nameTrack(at: Track, name: string, index: number): TraceEvent[] {
  return [
    { ph: 'M', name: 'thread_name', ...at, args: { name } },
    { ph: 'M', name: 'thread_sort_index', ...at, args: { sort_index: index } },
  ];
}

export interface Track {
  pid: number;
  tid: number;
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
