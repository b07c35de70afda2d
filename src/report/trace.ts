/**
 * A step as a trace in Chrome's event format, which Perfetto opens: a process per wafer, a track per
 * region, on it the region's stages and in them their operators. One microsecond stands for one cycle.
 */
import type { RunDetail, StageSpan } from './detail.js';
import type { RunDocument } from './document.js';

interface TraceEvent {
  /** M: name of a process or track; X: a span. */
  ph: 'M' | 'X';
  name: string;
  pid: number;
  tid?: number;
  /** Start and length in microseconds, which stand for cycles. */
  ts?: number;
  dur?: number;
  cat?: 'stage' | 'operator';
  args?: Record<string, string | number>;
}

/** The trace as JSON text. */
export function chromeTrace(run: RunDocument, { stages, cycles }: RunDetail): string {
  const tracks = [...new Set(stages.map(trackOf))];
  const wafers = [...new Set(stages.map(({ wafer }) => wafer))];
  const events: TraceEvent[] = wafers.flatMap(nameWafer);
  for (const [tid, track] of tracks.entries())
    events.push(
      ...nameTrack(
        stages.find((stage) => trackOf(stage) === track)!,
        tid,
      ),
    );
  for (const stage of stages) events.push(...spans(stage, tracks.indexOf(trackOf(stage))));
  const { configHash } = run;
  const otherData = { unit: '1 us is 1 cycle', cyclesPerToken: cycles, configHash };
  return JSON.stringify({ traceEvents: events, otherData });
}

function trackOf({ wafer, region }: StageSpan): string {
  return `${wafer} ${region}`;
}

/** Processes count from 1: to Perfetto 0 is the idle one. */
function pidOf(wafer: number): number {
  return wafer + 1;
}

function nameWafer(wafer: number): TraceEvent[] {
  const pid = pidOf(wafer);
  const name = `wafer ${wafer} (1 us = 1 cycle)`;
  return [
    { ph: 'M', name: 'process_name', pid, args: { name } },
    { ph: 'M', name: 'process_sort_index', pid, args: { sort_index: wafer } },
  ];
}

function nameTrack({ wafer, region }: StageSpan, track: number): TraceEvent[] {
  const at = { pid: pidOf(wafer), tid: track + 1 };
  return [
    { ph: 'M', name: 'thread_name', ...at, args: { name: region } },
    { ph: 'M', name: 'thread_sort_index', ...at, args: { sort_index: track } },
  ];
}

function spans({ name, wafer, start, end, operators }: StageSpan, track: number): TraceEvent[] {
  const at = { ph: 'X' as const, pid: pidOf(wafer), tid: track + 1 };
  return [
    { ...at, name, cat: 'stage', ts: start, dur: end - start },
    ...operators.map((operator): TraceEvent => ({
      ...at,
      name: operator.name,
      cat: 'operator',
      ts: operator.start,
      dur: operator.end - operator.start,
    })),
  ];
}
