/**
 * Delay lines: routers in a row that pass one colour straight on, and do nothing else, are not visited. The queues from
 * the router before them, which does the same (their head), to the one after them are one.
 *
 * Why that is exact. Let d(k, i) be the cycle in which wavelet k leaves router i of a row 0 to n, with links of h cycles
 * and queues of D places. As nothing else is on these links, for 0 < i < n
 *   d(k, i) = max(d(k, i-1) + h, d(k-D, i+1) + h, d(k-1, i) + 1),
 * and what routers 0 and n see of it is what paths through these terms add up to. A way along a link and back again takes
 * 2h cycles for D wavelets, as long as 2h <= D no more than one a cycle takes anyway. So all that is left is
 *   d(k, n) >= d(k, 0) + nh and d(k, 0) >= d(k-nD, n) + nh,
 * a queue of nD places with a link of nh cycles. In the same way
 *   d(k, i) = max(d(k, 0) + ih, d(k-(n-i)D, n) + (n-i)h).
 *
 * Only the translation for lines has them (build.mjs): where each event is noted, or each wavelet is to be moved from
 * router to router, there are none.
 */
import { Op, ROUTE, Route, header } from './machine';
import { allocate, entry, setEntry, setF64 } from './memory';
import { movesOf } from './moves';
import { channelFrom, hasSlot, hopsOf, isDelayed, neighbour, portOfDelay } from './places';
import { receiverOf, roleOf, routerOf } from './places';
import { Time } from './time';

/** By role: colour * 4 + port of a router that passes one colour straight on to that port, or -1. */
let straight: usize = 0;

/** Cycles that the longest delay line takes. */
export let longestDelay: i32 = 0;

/** Routers that are in one. */
export let delayedRouters: i32 = 0;

/** Finds the delay lines of the program; the channels of its roles are numbered. */
export function findDelays(): void {
  longestDelay = 0;
  delayedRouters = 0;
  header.delayed = 0;
  if (2 * header.hop > header.depth || header.marked != 0 || header.switches != 0) return;
  if (!findStraight()) return;
  let delayed: usize = 0;
  for (let core = 0; core < header.cores; core++) {
    const way = entry(straight, roleOf(core));
    if (way < 0 || !isBetween(core, way >> 2, way & 3)) continue;
    if (delayed == 0) delayed = allocate(header.cores);
    store<u8>(delayed + core, <u8>(1 + (way & 3)));
    delayedRouters++;
  }
  header.delayed = delayed;
}

/** Fills `straight`; false if there is no such role, or some core changes a route. */
function findStraight(): bool {
  straight = allocate(header.roles * 4);
  let some = false;
  for (let role = 0; role < header.roles; role++) {
    const list = entry(header.listOf, role);
    const end = entry(header.opsFrom, list + 1);
    const isIdle = entry(header.opsFrom, list) == end;
    for (let op = entry(header.opsFrom, list); op < end; op++)
      if (changetype<Op>(header.ops + <usize>op * offsetof<Op>()).kind == ROUTE) return false;
    const way = isIdle ? straightOf(role) : -1;
    setEntry(straight, role, way);
    some = some || way >= 0;
  }
  return some;
}

/** Where a role's router passes its only colour straight on to (colour * 4 + port), or -1. */
function straightOf(role: i32): i32 {
  const first = entry(header.routesFrom, role);
  if (entry(header.routesFrom, role + 1) != first + 1) return -1;
  const route = changetype<Route>(header.routes + <usize>first * offsetof<Route>());
  const port = ctz(route.outputs);
  const isOne = route.outputs == 1 << port && route.inputs == 1 << (port ^ 2);
  return port < 4 && isOne ? route.color * 4 + port : -1;
}

/**
 * Is a router that passes a colour straight on to a port between another such one and any, over links of one hop, and
 * are its cycles not to be noted? What others send it waits for ever, as it does where nobody hears it: the run fails.
 */
function isBetween(core: i32, color: i32, port: i32): bool {
  if (movesOf(core).noted >= 0 || hopsOf(core, port) != 1) return false;
  const before = neighbour(core, port ^ 2);
  if (before < 0 || entry(straight, roleOf(before)) != color * 4 + port) return false;
  if (hopsOf(before, port) != 1) return false;
  const after = neighbour(core, port);
  return after >= 0 && hasSlot(after, color);
}

/** Queues of a link: several if it begins a delay line. */
export function queuesOf(core: i32, port: i32): i32 {
  let queues = 1;
  if (header.delayed == 0 || isDelayed(core)) return queues;
  let next = neighbour(core, port);
  for (; next >= 0 && portOfDelay(next) == port; queues++) next = neighbour(next, port);
  if (queues > 1) longestDelay = max(longestDelay, queues * header.hop);
  return queues;
}

/** Notes of the routers of all delay lines what they would have done, once the run is over. */
export function endDelays(): void {
  if (header.delayed == 0) return;
  for (let core = 0; core < header.cores; core++) {
    if (!isDelayed(core)) continue;
    const port = portOfDelay(core);
    const head = neighbour(core, port ^ 2);
    if (!isDelayed(head)) endDelay(head, port);
  }
}

function endDelay(head: i32, port: i32): void {
  const color = ctz(entry(header.slotted, roleOf(head)));
  const c = channelFrom(head, port, color)!;
  const queues = queuesOf(head, port);
  const hop = header.hop;
  const sent = c.sent;
  const own = movesOf(head);
  // Of the last wavelet, the cycle in which it leaves the router after this one.
  let next = sent == 0 ? 0 : c.at(sent - 1) - <Time>(queues * hop);
  let core = receiverOf(head, port);
  for (let i = queues - 1; i > 0; i--) {
    core = neighbour(core, port ^ 2);
    const moves = movesOf(core);
    setF64(header.linkWavelets, core * 4 + port, <f64>sent);
    moves.flags = (sent == 0 ? routerOf(core).pointer : (color + 1) & 31) << 8;
    if (sent == 0) continue;
    moves.first = own.first + <Time>(i * hop);
    moves.last = own.last + <Time>(i * hop);
    const before = sent - 1 - <Time>((queues - i) * header.depth);
    if (before >= 0) moves.last = max(moves.last, c.at(before) - <Time>(i * hop));
    moves.free = next + <Time>hop;
    next = moves.last;
  }
  if (sent > 0) own.free = next + <Time>hop;
}
