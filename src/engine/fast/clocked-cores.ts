/** The cores of the engine on a clock: operations in order, most of them on a timer. */
import { RAMP } from '../../hardware/mesh.js';
import type { RouteOp, TrafficOp } from '../../program/program.js';
import { channelFrom, channelSent } from './channels.js';
import {
  OP,
  PHASE,
  SOURCE,
  OUTPUT,
  LEFT,
  TAKES,
  NEXT_SEND,
  NEXT_TAKE,
  LATEST,
  BEGAN,
  PIPE,
  PIPE_AT,
  STALLED,
  STARTING,
  BEGINNING,
  CHANGING,
  STREAMING,
  MOVING,
  NOT_STALLED,
  advance,
  endOperation,
} from './clocked-operations.js';
import { drain, settle, stream, supply } from './clocked-streams.js';
import { SINKS, STREAMS, TO, holdsWavelets, setRoute } from './clocked-routes.js';
import type { Clocked } from './clocked.js';
import { wakeRouter } from './due.js';
import { TRAFFIC } from './operations.js';
import { takeTimer } from './wheel.js';

/** One cycle of all cores whose timer it is or that are due. */
export function stepCores(m: Clocked, t: number): void {
  for (let core = takeTimer(m.wheel, t); core >= 0; core = takeTimer(m.wheel, t))
    visitCore(m, core, t);
  const { due } = m;
  const b = t & (due.window - 1);
  if (due.any[b] === 0) return;
  const { words, groups, cores, some } = due;
  for (let g = 0; g < groups; g++) {
    for (let group = some[b * groups + g]; group !== 0; group &= group - 1) {
      const word = g * 32 + 31 - Math.clz32(group & -group);
      let bits = cores[b * words + word];
      cores[b * words + word] = 0;
      for (; bits !== 0; bits &= bits - 1) {
        const core = word * 32 + 31 - Math.clz32(bits & -bits);
        // Told over a long link, a core may be past that stream, or have had its move in this cycle.
        const x = core << 4;
        if (m.cores[x + PHASE] === STREAMING && m.cores[x + PIPE_AT] <= t) stream(m, core, t);
      }
    }
  }
}

/** What a core's timer is for; its pipeline has none. */
function visitCore(m: Clocked, core: number, t: number): void {
  switch (m.cores[(core << 4) + PHASE]) {
    case STARTING:
      return start(m, core, t);
    case BEGINNING:
      return beginStream(m, core, t);
    case CHANGING:
      return changeRoute(m, core, t);
    case MOVING:
      return supply(m, core, t);
  }
}

function start(m: Clocked, core: number, t: number): void {
  const list = m.ops.listOf[m.channels.roleOf[core]];
  const idle = m.ops.first[list] === m.ops.first[list + 1];
  m.cores[(core << 4) + OP] = m.ops.first[list];
  if (advance(m, core, idle ? t : t + m.programStart, t)) visitCore(m, core, t);
}

function changeRoute(m: Clocked, core: number, t: number): void {
  const op = m.ops.whole[m.cores[(core << 4) + OP]] as RouteOp;
  if (holdsWavelets(m, core, op.color)) {
    m.failed = true;
    return;
  }
  setRoute(m, core, op.color, op.inputs, op.outputs);
  wakeRouter(m.due, core, t);
  if (endOperation(m, core, t, t)) visitCore(m, core, t);
}

function beginStream(m: Clocked, core: number, t: number): void {
  const { ops, channels, cores, chan } = m;
  const x = core << 4;
  const op = cores[x + OP];
  const source = ops.source[op];
  const destination = ops.destination[op];
  const exchanges = ops.kind[op] === TRAFFIC;
  const takes = exchanges ? (ops.whole[op] as TrafficOp).expect : ops.count[op];
  const both = !exchanges && source >= 0 && destination >= 0;
  if (source >= 0) cores[x + SOURCE] = channelFrom(channels, core, RAMP, source) << m.shift;
  if (destination >= 0) cores[x + OUTPUT] = channelSent(channels, core, destination) << m.shift;
  cores[x + LEFT] = destination < 0 ? 0 : ops.count[op];
  cores[x + TAKES] = source < 0 || both ? 0 : takes;
  cores[x + NEXT_SEND] = exchanges ? t : t + ops.latency[op];
  cores[x + NEXT_TAKE] = t;
  cores[x + LATEST] = t;
  cores[x + BEGAN] = t;
  cores[x + PIPE] = 0;
  cores[x + PIPE_AT] = t;
  cores[x + STALLED] = NOT_STALLED;
  cores[x + PHASE] = both ? STREAMING : MOVING;
  if (both) {
    chan[cores[x + SOURCE] + TO] = STREAMS;
    return stream(m, core, t);
  }
  if (cores[x + TAKES] > 0) {
    chan[cores[x + SOURCE] + TO] = SINKS;
    drain(m, core, cores[x + SOURCE], t);
  }
  if (cores[x + LEFT] > 0) supply(m, core, t);
  else settle(m, core, t);
}
