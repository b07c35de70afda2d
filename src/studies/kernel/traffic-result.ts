/**
 * What synthetic traffic says of the network: latency, and the load offered and accepted. Measured as
 * network simulators do (booksim: warm-up, measurement, drain): the first quarter of the generating
 * cycles fills the network, wavelets generated in the middle half are measured, and in the last quarter
 * the load continues while these arrive. All instants are those of the simulated machine.
 */
import type { Instants } from '../../engine/instants.js';
import type { RunResult } from '../../engine/engine.js';
import { PORTS, RAMP, neighbour } from '../../hardware/mesh.js';
import { sendColors, type Program, type TrafficOp } from '../../program/program.js';
import type { LatencyResult, TrafficResult } from '../../report/document.js';
import { percentile } from '../../serving/metrics.js';

/**
 * A sender is saturated if in the window those that wait at it grow by more than this many wavelets, and
 * by more than this share of what it generates.
 */
const GROWTH = 4;
const GROWTH_SHARE = 0.05;
/** The network is saturated if more than this share of its senders is. */
const SENDERS_SHARE = 0.01;

interface Window {
  from: number;
  to: number;
}

/** Generating cycles in which wavelets are measured. */
export function windowOf(cycles: number): Window {
  return { from: Math.floor(cycles / 4), to: Math.ceil((3 * cycles) / 4) };
}

/**
 * Results of a program of one operation of traffic per core that began in cycle `start` and generated
 * wavelets for `cycles` cycles.
 */
export function trafficResult(
  program: Program,
  { instants }: RunResult,
  start: number,
  cycles: number,
): TrafficResult {
  if (instants === undefined) throw new Error('the run did not note when wavelets were sent');
  const window = windowOf(cycles);
  const [first, end] = [start + window.from, start + window.to];
  const sums = { senders: 0, saturated: 0, offered: 0 };
  /** Wavelets taken in the window, by how many take each that is sent. */
  const taken = new Map<number, number>();
  /** Of the deliveries that are measured, the first `measured` of these. */
  const fromInjection = new Float64Array(instants.taken.length);
  const fromGeneration = new Float64Array(instants.taken.length);
  let measured = 0;
  for (let core = 0; core < program.roleOf.length; core++) {
    const op = trafficOf(program, core);
    if (op === undefined || op.color < 0) continue;
    sums.senders++;
    const entered = instants.entered.subarray(instants.enteredFrom[core]);
    const streams = sendColors(op).map((color) => ({
      receivers: receiversOf(program, core, color).map((to) => takenBy(instants, to, color)),
      sent: 0,
    }));
    const isMeasured = (cycle: number) => cycle >= first && cycle < end;
    let [generated, sent] = [0, 0];
    op.times.forEach((time, i) => {
      const stream = streams[op.turns?.[i] ?? 0];
      const { receivers } = stream;
      const k = stream.sent++;
      const due = start + time;
      if (isMeasured(due)) generated++;
      if (isMeasured(entered[i])) sent++;
      for (const row of receivers) {
        const at = row[k];
        if (isMeasured(at)) taken.set(receivers.length, (taken.get(receivers.length) ?? 0) + 1);
        if (!isMeasured(due)) continue;
        fromInjection[measured] = at - entered[i];
        fromGeneration[measured++] = at - due;
      }
    });
    sums.offered += generated;
    if (generated - sent > Math.max(GROWTH, GROWTH_SHARE * generated)) sums.saturated++;
  }
  const accepted = [...taken].reduce((sum, [share, count]) => sum + count / share, 0);
  const perCycle = sums.senders * (window.to - window.from);
  return {
    senders: sums.senders,
    offeredLoad: perCycle === 0 ? 0 : sums.offered / perCycle,
    acceptedLoad: perCycle === 0 ? 0 : accepted / perCycle,
    saturated: sums.saturated > SENDERS_SHARE * sums.senders,
    saturatedSenders: sums.saturated,
    window: { ...window, deliveries: measured },
    latency: {
      fromInjection: latency(fromInjection.subarray(0, measured)),
      fromGeneration: latency(fromGeneration.subarray(0, measured)),
    },
  };
}

function trafficOf({ roles, roleOf }: Program, core: number): TrafficOp | undefined {
  return roles[roleOf[core]].operations.find((op) => op.kind === 'traffic');
}

/** The cores at which what a core sends on a colour arrives, by the routes. */
function receiversOf(program: Program, source: number, color: number): number[] {
  const found: number[] = [];
  const ahead = [source];
  for (let core = ahead.pop(); core !== undefined; core = ahead.pop()) {
    const { routes } = program.roles[program.roleOf[core]];
    const outputs = routes.find((route) => route.color === color)?.outputs ?? 0;
    for (let port = 0; port < PORTS; port++) {
      if (((outputs >> port) & 1) === 0) continue;
      if (port === RAMP) found.push(core);
      else ahead.push(neighbour(core, port, program.width, program.height));
    }
  }
  return found;
}

/** When a core took its wavelets of one colour, which come from one core and in order. */
function takenBy({ takenFrom, taken, takenColor }: Instants, core: number, color: number) {
  const [from, end] = [takenFrom[core], takenFrom[core + 1]];
  return taken.subarray(from, end).filter((_, i) => takenColor[from + i] === color);
}

/** Null where nothing was measured; sorts `cycles`. */
function latency(cycles: Float64Array): LatencyResult | null {
  if (cycles.length === 0) return null;
  const ascending = cycles.sort();
  let sum = 0;
  for (const value of ascending) sum += value;
  const [p50, p99] = [percentile(ascending, 50), percentile(ascending, 99)];
  return { mean: sum / ascending.length, p50, p99 };
}
