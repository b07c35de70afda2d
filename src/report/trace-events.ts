/** Events of Chrome's trace format, and names of its processes and tracks. */

export interface TraceEvent {
  /** M: name of a process or track; X: a span; C: numbers of a counter; s and f: where an arrow begins and ends. */
  ph: 'M' | 'X' | 'C' | 's' | 'f';
  name: string;
  pid: number;
  tid?: number;
  /** Start and length in microseconds. */
  ts?: number;
  dur?: number;
  cat?: 'stage' | 'operator' | 'request' | 'part' | 'path' | 'handOff' | 'token' | 'operation';
  /** Of an arrow: both ends have the same. */
  id?: number;
  /** An arrow ends at the span that is there, not at the next one. */
  bp?: 'e';
  args?: Record<string, string | number>;
}

export interface Track {
  pid: number;
  tid: number;
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

/** The number of something in time: by how much it changes when. */
export function counterEvents(
  pid: number,
  name: string,
  changes: readonly (readonly [ts: number, by: number])[],
): TraceEvent[] {
  const sorted = [...changes].sort(([a], [b]) => a - b);
  const events: TraceEvent[] = [];
  let now = 0;
  for (const [ts, by] of sorted) {
    now += by;
    const last = events.at(-1);
    if (last?.ts === ts) last.args = { [name]: now };
    else events.push({ ph: 'C', name, pid, ts, args: { [name]: now } });
  }
  return events;
}
