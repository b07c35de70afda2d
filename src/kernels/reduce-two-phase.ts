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
import { RAMP, accumulate, append, relay, route, send } from '../program/builder.js';
import type { CoreCode, Stretch } from '../program/builder.js';
import type { Route } from '../program/program.js';
import type { LinePlace, LineReduce } from './line-place.js';

const GROUPS = 0;
const HEADS = 1;

/** Where a core stands: in its group, and its group among the groups (the last may be short). */
interface Station extends LinePlace {
  place: number;
  size: number;
  groupNumber: number;
  groups: number;
}

function stationAt(line: LinePlace): Station {
  const { index, length, group } = line;
  const groupNumber = Math.floor(index / group);
  return {
    ...line,
    place: index % group,
    size: Math.min(group, length - groupNumber * group),
    groupNumber,
    groups: Math.ceil(length / group),
  };
}

/** A line in groups of `group` cores; ends when the root has stored the sum. */
export const twoPhaseReduce: LineReduce = {
  labels: ['groups', 'heads'],
  colorsOf: () => 4,
  keyOf(line) {
    const s = stationAt(line);
    const last = s.groupNumber === s.groups - 1 ? ' last' : s.groupNumber === 0 ? ' first' : '';
    const end = s.place === s.size - 1 ? ' end' : '';
    const parity = s.place === 0 ? '' : ` ${s.place % 2}`;
    return `${s.place === 0 ? 'head' : 'core'}${parity}${end}${last} ${s.groupNumber % 2}`;
  },
  write(core, vector, line) {
    const s = stationAt(line);
    core.routes.push(...routesOf(s));
    if (s.place === 0) writeHead(core, s, vector);
    else writeMember(core, s, vector);
  },
};

function writeMember(core: CoreCode, s: Station, vector: Stretch): void {
  const [to, from] = groupColors(s);
  core.label = s.label + GROUPS;
  if (s.place === s.size - 1) send(core, vector, to);
  else relay(core, vector, from, to);
  // The heads' words may pass.
  if (s.groupNumber < s.groups - 1)
    append(core, { kind: 'route', ...route(headColors(s)[1], s.ahead, s.back) });
}

function writeHead(core: CoreCode, s: Station, vector: Stretch): void {
  const own = groupColors(s)[1];
  const [to, from] = headColors(s);
  const hasMembers = s.size > 1;
  core.label = s.label + HEADS;
  if (s.groupNumber === s.groups - 1 && s.groupNumber > 0) {
    if (hasMembers) relay(core, vector, own, to);
    else send(core, vector, to);
    return;
  }
  core.label = s.label + GROUPS;
  if (hasMembers) accumulate(core, vector, own);
  core.label = s.label + HEADS;
  if (s.groups === 1) return;
  if (s.groupNumber === 0) accumulate(core, vector, from);
  else relay(core, vector, from, to);
}

function routesOf(s: Station): Route[] {
  const routes: Route[] = [];
  const [to, from] = groupColors(s);
  const [headTo, headFrom] = headColors(s);
  if (s.place > 0) routes.push(route(to, RAMP, s.back));
  if (s.place < s.size - 1) routes.push(route(from, s.ahead, RAMP));
  if (s.place === 0 && s.groupNumber > 0) routes.push(route(headTo, RAMP, s.back));
  if (s.place === 0 && s.groupNumber < s.groups - 1) routes.push(route(headFrom, s.ahead, RAMP));
  return routes;
}

/** Colours towards and from the far side inside a group. */
function groupColors({ color, place }: Station): [to: number, from: number] {
  return [color + (place % 2), color + ((place + 1) % 2)];
}

/** Colours on which a group's head sends and receives. */
function headColors({ color, groupNumber }: Station): [to: number, from: number] {
  return [color + 2 + (groupNumber % 2), color + 2 + ((groupNumber + 1) % 2)];
}
