/** An event of Chrome's trace format, as the reports write them. */
export interface TraceEvent<Args = Record<string, unknown>> {
  ph: string;
  name: string;
  pid: number;
  tid: number;
  ts: number;
  dur: number;
  cat: string;
  args: Args;
}
