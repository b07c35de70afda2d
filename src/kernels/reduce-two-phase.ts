/**
 * Two-phase reduce: chains inside groups end at the group's first core, its head; the heads then
 * chain to core 0. The farthest head relays its group's sum straight on; the others store it and
 * set up a second operation. Two colours alternate inside groups, two more from head to head.
 *
 * A core lets the heads' words pass only when its own relay is through, as the published program
 * does (pr0f3ss/SpMM_Cerebras, two colours: the passing route takes the place of the core's own).
 * Were the route open before, the farthest head's words would fill its queues and take cycles of the
 * links from the chain that still runs there.
 */
import { EAST, RAMP, WEST, accumulate, append, relay, route, send } from '../program/builder.js';
import type { CoreCode, Stretch, WaferSpec } from '../program/builder.js';
import type { Program, Route } from '../program/program.js';
import { rowKernel } from './collectives.js';
import type { ReduceOptions } from './reduce.js';

const LABELS = ['groups', 'heads'];
const GROUPS = 0;
const HEADS = 1;

/** Where a core stands: in its group, and its group among the groups (the last may be short). */
interface Station {
  place: number;
  size: number;
  group: number;
  groups: number;
}

function stationAt(x: number, o: ReduceOptions): Station {
  const group = Math.floor(x / o.group);
  return {
    place: x % o.group,
    size: Math.min(o.group, o.pes - group * o.group),
    group,
    groups: Math.ceil(o.pes / o.group),
  };
}

/** A row of `pes` cores in groups of `group`; ends when core 0 has stored the sum. */
export function twoPhaseReduce(o: ReduceOptions, wafer: WaferSpec): Program {
  const roleAt = (x: number) => {
    const s = stationAt(x, o);
    const last = s.group === s.groups - 1 ? ' last' : s.group === 0 ? ' first' : '';
    const end = s.place === s.size - 1 ? ' end' : '';
    const parity = s.place === 0 ? '' : ` ${s.place % 2}`;
    return `${s.place === 0 ? 'head' : 'core'}${parity}${end}${last} ${s.group % 2}`;
  };
  return rowKernel('reduce two-phase', o, wafer, LABELS, roleAt, (core, vector, x) => {
    const s = stationAt(x, o);
    core.routes = routesOf(s);
    if (s.place === 0) writeHead(core, s, vector);
    else writeMember(core, s, vector);
  });
}

function writeMember(core: CoreCode, s: Station, vector: Stretch): void {
  const [to, from] = groupColors(s);
  core.label = GROUPS;
  if (s.place === s.size - 1) send(core, vector, to);
  else relay(core, vector, from, to);
  // The heads' words may pass.
  if (s.group < s.groups - 1)
    append(core, { kind: 'route', ...route(headColors(s)[1], EAST, WEST) });
}

function writeHead(core: CoreCode, s: Station, vector: Stretch): void {
  const own = groupColors(s)[1];
  const [to, from] = headColors(s);
  const hasMembers = s.size > 1;
  core.label = HEADS;
  if (s.group === s.groups - 1 && s.group > 0) {
    if (hasMembers) relay(core, vector, own, to);
    else send(core, vector, to);
    return;
  }
  core.label = GROUPS;
  if (hasMembers) accumulate(core, vector, own);
  core.label = HEADS;
  if (s.groups === 1) return;
  if (s.group === 0) accumulate(core, vector, from);
  else relay(core, vector, from, to);
}

function routesOf(s: Station): Route[] {
  const routes: Route[] = [];
  const [to, from] = groupColors(s);
  const [headTo, headFrom] = headColors(s);
  if (s.place > 0) routes.push(route(to, RAMP, WEST));
  if (s.place < s.size - 1) routes.push(route(from, EAST, RAMP));
  if (s.place === 0 && s.group > 0) routes.push(route(headTo, RAMP, WEST));
  if (s.place === 0 && s.group < s.groups - 1) routes.push(route(headFrom, EAST, RAMP));
  return routes;
}

/** Colours towards and from the east inside a group. */
function groupColors(s: Station): [to: number, from: number] {
  return [s.place % 2, (s.place + 1) % 2];
}

/** Colours on which a group's head sends and receives. */
function headColors(s: Station): [to: number, from: number] {
  return [2 + (s.group % 2), 2 + ((s.group + 1) % 2)];
}
