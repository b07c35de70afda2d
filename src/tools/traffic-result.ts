/**
 * What synthetic traffic says of the network: latency, and the load offered and accepted. Measured as
 * network simulators do (booksim: warm-up, measurement, drain): the first quarter of the generating
 * cycles fills the network, wavelets generated in the middle half are measured, and in the last quarter
 * the load goes on while these arrive. All instants are those of the simulated machine.
 */
import type { Instants } from '../engine/instants.js';
import type { RunResult } from '../engine/engine.js';
import { PORTS, RAMP, neighbour } from '../hardware/mesh.js';
import type { Program, TrafficOp } from '../program/program.js';
import type { LatencyResult, TrafficResult } from '../report/document.js';
import { percentile } from '../serving/metrics.js';

/** Of what is generated until the measurement ends, the share that may still wait for the ramp. */
const MOST_WAITING = 0.05;

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
  const [first, behind] = [start + window.from, start + window.to];
  const sums = { senders: 0, offered: 0, accepted: 0, generated: 0, entered: 0 };
  const fromInjection: number[] = [];
  const fromGeneration: number[] = [];
  for (let core = 0; core < program.roleOf.length; core++) {
    const op = trafficOf(program, core);
    if (op === undefined || op.sends.length === 0) continue;
    sums.senders++;
    const entered = instants.entered.subarray(instants.enteredFrom[core]);
    const streams = op.sends.map((color, turn) => ({
      taken: receiversOf(program, core, color).map((to) => takenBy(instants, to, color)),
      turn,
    }));
    const sent = new Int32Array(streams.length);
    op.times.forEach((time, i) => {
      const turn = op.turns?.[i] ?? 0;
      const { taken } = streams[turn];
      const k = sent[turn]++;
      const isMeasured = time >= window.from && time < window.to;
      if (time < window.to) sums.generated++;
      if (time < window.to && entered[i] < behind) sums.entered++;
      if (isMeasured) sums.offered++;
      for (const cycles of taken) {
        const at = cycles[k];
        if (at >= first && at < behind) sums.accepted += 1 / taken.length;
        if (!isMeasured) continue;
        fromInjection.push(at - entered[i]);
        fromGeneration.push(at - start - time);
      }
    });
  }
  const perCycle = sums.senders * (window.to - window.from);
  return {
    senders: sums.senders,
    offeredLoad: perCycle === 0 ? 0 : sums.offered / perCycle,
    acceptedLoad: perCycle === 0 ? 0 : sums.accepted / perCycle,
    saturated: sums.generated - sums.entered > MOST_WAITING * sums.generated,
    window: { ...window, deliveries: fromInjection.length },
    latency: { fromInjection: latency(fromInjection), fromGeneration: latency(fromGeneration) },
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
  const [from, behind] = [takenFrom[core], takenFrom[core + 1]];
  return taken.subarray(from, behind).filter((_, i) => takenColor[from + i] === color);
}

/** Null where nothing was measured. */
function latency(cycles: number[]): LatencyResult | null {
  if (cycles.length === 0) return null;
  const ascending = Float64Array.from(cycles).sort();
  let sum = 0;
  for (const value of ascending) sum += value;
  const [p50, p99] = [percentile(ascending, 50), percentile(ascending, 99)];
  return { mean: sum / ascending.length, p50, p99 };
}
