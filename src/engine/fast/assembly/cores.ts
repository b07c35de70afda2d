/** The cores: operations in order, most of them on a timer. */
import { NOTES_MOVES } from './notes';
import { BEGINNING, CHANGING, MOVING, NOT_STALLED, Op, STARTING, STREAMING } from './machine';
import { TASK, TRAFFIC, WORKING, header } from './machine';
import { entry, f64At } from './memory';
import { channelAt, coreOf, isDelayed, roleOf } from './places';
import { anyDue, blocksEnd, dueWords, firstBlock, takeCores, wakeRouter } from './due';
import { addWait, advance, countDone, endOperation, noneDone } from './operations';
import { holdsWavelets, setRoute } from './routes';
import { beginTaking, passGap, settle, stream, supply, work } from './streams';
import { countStart } from './quiet';
import { coresEnd, firstCore } from './tiles';
import { Time } from './time';
import { setTimer, takeTimer } from './wheel';
import { STREAMS } from './words';

/** The machine failed: a route changed while wavelets were on their way. */
export let failed: bool = false;

/** All cores of the tile before their programs start. */
export function createCores(): void {
  failed = false;
  noneDone();
  for (let core = firstCore; core < coresEnd; core++) {
    if (isDelayed(core)) {
      countStart();
      countDone(core, f64At(header.startAt, core));
      continue;
    }
    const c = coreOf(core);
    const list = entry(header.listOf, roleOf(core));
    c.op = changetype<Op>(header.ops + <usize>entry(header.opsFrom, list) * offsetof<Op>());
    c.opsEnd = changetype<Op>(header.ops + <usize>entry(header.opsFrom, list + 1) * offsetof<Op>());
    c.phase = STARTING;
    setTimer(core, <Time>f64At(header.startAt, core), 0);
  }
}

/** One cycle of all cores that are due, or whose timer is set to it. */
export function stepCores(t: Time): void {
  for (let core = takeTimer(t); core >= 0; core = takeTimer(t)) visitCore(core, t);
  if (!anyDue(t)) return;
  for (let block = firstBlock; block < blocksEnd; block++) {
    for (let some = dueWords(block, t); some != 0; some &= some - 1) {
      const word = block * 32 + ctz(some);
      for (let bits = takeCores(word, t); bits != 0; bits &= bits - 1) {
        const core = word * 32 + ctz(bits);
        const c = coreOf(core);
        // Made due over a long link, a core may be past that stream, or have moved already in this cycle.
        if (c.pipeAt > t) continue;
        if (c.phase == STREAMING) stream(core, t);
        else if (c.phase == WORKING) work(core, t);
      }
    }
  }
}

/** Does what a core's timer was set for; a pipeline has no timer. */
function visitCore(core: i32, t: Time): void {
  const phase = coreOf(core).phase;
  if (phase == MOVING) supply(core, t);
  else if (phase == BEGINNING) beginStream(core, t);
  else if (phase == STARTING) start(core, t);
  else if (phase == CHANGING) changeRoute(core, t);
  else if (phase == WORKING) work(core, t);
}

function start(core: i32, t: Time): void {
  if (NOTES_MOVES) countStart();
  const c = coreOf(core);
  const at = c.op == c.opsEnd ? t : t + <Time>header.programStart;
  if (advance(c, core, at, t)) visitCore(core, t);
}

function changeRoute(core: i32, t: Time): void {
  const c = coreOf(core);
  const route = c.op.route;
  if (holdsWavelets(core, route.color)) {
    failed = true;
    return;
  }
  setRoute(core, route);
  wakeRouter(core, t);
  if (endOperation(c, core, t, t)) visitCore(core, t);
}

function beginStream(core: i32, t: Time): void {
  const c = coreOf(core);
  const op = c.op;
  const exchanges = op.kind == TRAFFIC;
  const isTask = op.kind == TASK;
  const both = !exchanges && op.source >= 0 && (op.destination >= 0 || isTask);
  if (op.source >= 0) c.source = channelAt(core, op.sourcePlace);
  if (op.destination >= 0) c.output = channelAt(core, op.outputPlace);
  c.left = op.destination < 0 && !isTask ? 0 : op.count;
  c.takes = op.source < 0 || both ? 0 : exchanges ? op.toTake : op.count;
  c.nextSend = exchanges ? t : t + op.latency;
  c.nextTake = t;
  c.latest = t;
  c.pipe = 0;
  c.pipeAt = t;
  c.stalledSince = NOT_STALLED;
  c.phase = isTask ? WORKING : both ? STREAMING : MOVING;
  addWait(op, -(<i64>t + op.busy));
  if (exchanges) {
    c.sendAt = t;
    c.pipe = <i32>header.gaps + op.firstGap;
    if (c.left > 0) passGap(c, core);
  }
  if (both) {
    c.source!.to = STREAMS;
    if (isTask) work(core, t);
    else stream(core, t);
    return;
  }
  if (c.takes > 0) beginTaking(c, core, t);
  if (c.left > 0) supply(core, t);
  else settle(c, core, t);
}
