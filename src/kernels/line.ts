/**
 * Reduction over a line of cores, as a two-level tree (WaferLLM, OSDI 2025; machine-model section 5):
 * inside each group two chains run from both ends to the group's middle core, then the middles form
 * two chains to the middle group, whose middle is the root, and the root multicasts to the whole line.
 * One group makes it a pair of chains. Five channels (colours): two for the chains inside the groups,
 * alternating from core to core, two for the chains of the middles, one for the multicast.
 *
 * As published, a middle stores its group's sum and then sends it, and so does the root. In the other forms
 * what comes last streams on: the outermost middles pass their second chain on to the next middle as it
 * comes (`streamed`), and the root, too, passes on what it takes last, as the result (`echoed`). The root
 * keeps nothing then: the core before it, once it has the result, sends it back on its chain's channel.
 * A station says what one core of the line does; it is plain data and knows neither axis nor colours.
 */

/** Directions along a line: towards core 0, towards the last core, and the ramp to the own core. */
export type Side = 'back' | 'ahead' | 'core';

export interface StationRoute {
  channel: number;
  from: Side;
  to: Side[];
}

/** Receive only: combine into memory. Both: combine and send on. Send only: send from memory. */
export type StationStep =
  | { receive: number; send?: number }
  | { receive?: undefined; send: number };

/** What the middles and the root do with what they take last. */
export const TREE_FORMS = ['stored', 'streamed', 'echoed'] as const;
export type TreeForm = (typeof TREE_FORMS)[number];

export interface Station {
  routes: StationRoute[];
  steps: StationStep[];
  root: boolean;
  /** True if there is a core to multicast to, or to receive from. */
  multicast: boolean;
  /** At the root of an echoed line and at the core before it: the channel on which the result comes back. */
  echo?: number;
}

/** The channels, as colours of a line that has the fabric to itself. */
export const CHANNELS = [0, 1, 2, 3, 4];
export const MULTICAST = 4;

interface Size {
  length: number;
  groups: number;
}

interface Line extends Size {
  form: TreeForm;
}

/** First core of a group; the sizes of groups differ by up to one. */
function groupStart(line: Size, group: number): number {
  return Math.floor((group * line.length) / line.groups);
}

function groupOf(line: Size, core: number): number {
  let group = Math.floor((core * line.groups) / line.length);
  while (group + 1 < line.groups && groupStart(line, group + 1) <= core) group++;
  return group;
}

/** The core to which a group's chains run. */
function middleOf(line: Size, group: number): number {
  const start = groupStart(line, group);
  return start + Math.floor((groupStart(line, group + 1) - start) / 2);
}

/** The core at which the whole line is reduced. */
export function rootOf(length: number, groups: number): number {
  return middleOf({ length, groups }, Math.floor(groups / 2));
}

/** A group: its middle, and how many of its cores are before and after it. */
export interface Members {
  middle: number;
  before: number;
  after: number;
}

export function membersOf(length: number, groups: number, group: number): Members {
  const line = { length, groups };
  const middle = middleOf(line, group);
  const before = middle - groupStart(line, group);
  return { middle, before, after: groupStart(line, group + 1) - 1 - middle };
}

/** What each core of a line of `length` cores in `groups` groups does; equal ones are one object. */
export function stationsOf(length: number, groups: number, form: TreeForm = 'stored'): Station[] {
  if (length < 1 || groups < 1 || groups > length)
    throw new RangeError(`no line of ${length} cores in ${groups} groups`);
  const line = { length, groups, form };
  const middles = Array.from({ length: groups }, (_, g) => middleOf(line, g));
  const known = new Map<number, Station>();
  return Array.from({ length }, (_, core) => {
    const station = stationOf(line, middles, core);
    const key = keyOf(station);
    const equal = known.get(key) ?? station;
    known.set(key, equal);
    return equal;
  });
}

const SIDE: Record<Side, number> = { back: 1, ahead: 2, core: 4 };

/**
 * A number for what a core does on a line of one form: at most five routes of 10 bits, and the echo. The steps
 * follow from them.
 */
function keyOf({ routes, echo = -1 }: Station): number {
  let key = echo + 1;
  for (const { channel, from, to } of routes) {
    let sides = 0;
    for (const side of to) sides += SIDE[side];
    key = key * 1024 + (channel * 8 + SIDE[from]) * 8 + sides;
  }
  return key;
}

function stationOf(line: Line, middles: number[], core: number): Station {
  const { length, groups, form } = line;
  const routes: StationRoute[] = [];
  const steps: StationStep[] = [];
  const group = groupOf(line, core);
  const start = groupStart(line, group);
  const end = groupStart(line, group + 1) - 1;
  const rootGroup = Math.floor(groups / 2);
  const root = middles[rootGroup];
  addChain(routes, steps, 0, core, [start, middles[group], end], form);
  if (middles[group] === core) addChain(routes, steps, 2, group, [0, rootGroup, groups - 1], form);
  else addPassing(routes, middles[group] < core ? group : group - 1, groups, rootGroup);
  if (length > 1) addMulticast(routes, core, root, length);
  const station = { routes, steps, root: core === root, multicast: length > 1 };
  if (form !== 'echoed' || length === 1) return station;
  if (core === root) return { ...station, echo: start < core ? 1 : 3 };
  return core === root - 1 ? { ...station, echo: steps.at(-1)!.send! } : station;
}

/**
 * Two chains from both ends of [first, middle, last] to the middle, for one member; the sender at
 * distance d from the middle uses channel d mod 2 on its left and the other one on its right. The member
 * farthest out sends, or passes on what the step before takes.
 */
function addChain(
  routes: StationRoute[],
  steps: StationStep[],
  channel: number,
  member: number,
  [first, middle, last]: [number, number, number],
  form: TreeForm,
): void {
  const distance = Math.abs(middle - member);
  if (distance === 0) {
    const streams = form !== 'stored';
    // The chain from the back is the longer one, if any is: what comes last is to stream on.
    if (middle < last && streams) receive('ahead', 0);
    if (middle > first) receive('back', 1);
    if (middle < last && !streams) receive('ahead', 0);
    return;
  }
  const left = member < middle;
  const send = channel + ((distance + (left ? 0 : 1)) % 2);
  const outer = left ? member > first : member < last;
  const received = channel + ((distance + (left ? 1 : 0)) % 2);
  if (outer) routes.push({ channel: received, from: left ? 'back' : 'ahead', to: ['core'] });
  routes.push({ channel: send, from: 'core', to: [left ? 'ahead' : 'back'] });
  if (outer) steps.push({ receive: received, send });
  else steps.push(form === 'stored' ? { send } : { ...steps.pop(), send });

  function receive(from: Side, which: number): void {
    routes.push({ channel: channel + which, from, to: ['core'] });
    steps.push({ receive: channel + which });
  }
}

/**
 * Routers between the middle of group `before` and the next middle pass on the stream of the middle that
 * is farther from the root.
 */
function addPassing(
  routes: StationRoute[],
  before: number,
  groups: number,
  rootGroup: number,
): void {
  if (before < 0 || before + 1 >= groups) return;
  const left = before < rootGroup;
  const distance = left ? rootGroup - before : before + 1 - rootGroup;
  const channel = 2 + ((distance + (left ? 0 : 1)) % 2);
  routes.push(
    left ? { channel, from: 'back', to: ['ahead'] } : { channel, from: 'ahead', to: ['back'] },
  );
}

function addMulticast(routes: StationRoute[], core: number, root: number, length: number): void {
  const to: Side[] = core === root ? [] : ['core'];
  if (core <= root && core > 0) to.push('back');
  if (core >= root && core < length - 1) to.push('ahead');
  const from = core === root ? 'core' : core < root ? 'ahead' : 'back';
  routes.push({ channel: MULTICAST, from, to });
}
