/**
 * Routes from one region to the next. Row r of the source sends its slice of the residual stream to every core
 * of row r of the destination.
 *
 * Regions on the same rows: the source's core nearest to the destination sends straight on, and the routers of
 * the destination's row multicast. Otherwise the stream of row r turns into a column s(r) of the destination,
 * runs up or down it, and is stored by the core on the destination's row r, which then multicasts it to both
 * sides on another colour (a stream that turned in the router would need as many colours as rows, since it
 * crosses the rows before it). Rows choose columns such that no horizontal leg crosses a vertical one; with
 * more rows than columns several rows share a column, each on a lane (a colour) of its own.
 *
 * Where there are no colours for the lanes, the rows of a column share one stream instead. Their senders stand
 * one below the other, and so do their relays: each sender sends its own slice and then passes on those of the
 * senders after it, and each relay passes on those of the rows before its own and then takes its own. Two colours alternate along
 * both, and one of them is that of the stream between; so a hand-off needs three, whatever its regions are.
 */
import { EAST, NORTH, RAMP, SOUTH, WEST, opposite, portMask } from '../hardware/mesh.js';

interface Core {
  x: number;
  y: number;
}

export interface Rectangle extends Core {
  width: number;
  height: number;
}

/**
 * Called for each router of a path: position on the wafer, channel, masks of input and outputs, and how
 * many rows' slices pass.
 */
export type RouteVisitor = (
  x: number,
  y: number,
  channel: number,
  inputs: number,
  outputs: number,
  slices: number,
) => void;

/** How one row's slice reaches the destination. Channel 0 multicasts; lanes are channels from 1. */
export interface RowPath {
  /** Column of the sending core. */
  sender: number;
  /** Channel on which the sending core sends. */
  channel: number;
  /** Column of the core that stores and multicasts; -1 if the sender's stream itself is multicast. */
  relay: number;
  /** Channel on which the relay receives. */
  arrives: number;
  /**
   * Rows of the same stream whose slices come before this one's, and after it. The sender passes the latter
   * on, which come on channel `onward(channel)`, and the relay the former, on channel `onward(arrives)`.
   */
  before: number;
  after: number;
}

export interface HandOff {
  /** One per row of the regions. */
  rows: RowPath[];
  /** Colours that the hand-off needs. */
  channels: number;
}

const RIGHT = 1 << EAST;
const LEFT = 1 << WEST;
const CORE = 1 << RAMP;

/**
 * Paths of all rows; source and destination have the same height.
 * @param shares whether rows that share a column share a stream, and no lanes are needed
 */
export function planHandOff(source: Rectangle, to: Rectangle, shares = false): HandOff {
  const height = to.height;
  const alone = { before: 0, after: 0 };
  if (source.y === to.y) {
    const sender = to.x > source.x ? source.x + source.width - 1 : source.x;
    const row = { sender, channel: 0, relay: -1, arrives: 0, ...alone };
    return { rows: Array.from({ length: height }, () => row), channels: 1 };
  }
  const { first, count, rising } = columnsFor(source, to);
  const each = Math.ceil(height / count);
  const rows = Array.from({ length: height }, (_, r): RowPath => {
    const step = Math.floor(r / each);
    const relay = rising ? first + step : first + count - 1 - step;
    const sender = Math.min(Math.max(relay, source.x), source.x + source.width - 1);
    const lane = 1 + (r % each);
    if (!shares) return { sender, channel: lane, relay, arrives: lane, ...alone };
    const above = r % each;
    const below = Math.min(height, (step + 1) * each) - 1 - r;
    const [before, after] = to.y > source.y ? [below, above] : [above, below];
    return { sender, channel: ALONG[before % 2], relay, arrives: ALONG[after % 2], before, after };
  });
  return { rows, channels: 1 + (shares ? Math.min(each, ALONG.length) : each) };
}

/** Channels of a shared stream: that between the regions, and the other one along its senders and relays. */
const ALONG = [1, 2];

/** The channel of the next core along a shared stream's senders or relays. */
export function onward(channel: number): number {
  return channel === ALONG[0] ? ALONG[1] : ALONG[0];
}

/**
 * Columns of the destination in which streams may run, and whether they rise with the row so that legs
 * do not cross: those under (or over) the source if there are enough, else also those on the side of
 * it where there are more, so that all legs go in the same direction.
 */
function columnsFor(source: Rectangle, to: Rectangle) {
  const [sourceEnd, toEnd] = [source.x + source.width, to.x + to.width];
  const first = Math.max(source.x, to.x);
  const end = Math.min(sourceEnd, toEnd);
  if (end - first >= Math.min(to.width, Math.ceil(to.height / 3)))
    return { first, count: end - first, rising: true };
  const down = to.y > source.y;
  const [east, west] = [toEnd - first, end - to.x];
  if (east >= west) return { first, count: east, rising: !down };
  return { first: to.x, count: west, rising: down };
}

/** Visits the routers of all rows' paths, row by row. */
export function visitHandOff(
  plan: HandOff,
  source: Rectangle,
  to: Rectangle,
  visit: RouteVisitor,
): void {
  for (const r of plan.rows.keys()) visitRow(plan, r, source, to, visit);
}

/** Visits the routers of the path of row `r`; those that rows share are visited for one of them. */
export function visitRow(
  { rows }: HandOff,
  r: number,
  source: Rectangle,
  to: Rectangle,
  visit: RouteVisitor,
): void {
  const { sender, relay, channel, arrives, before, after } = rows[r];
  const y = to.y + r;
  const end = to.x + to.width - 1;
  if (relay < 0) {
    visitStraight(sender, to.x > sender ? end : to.x, y, to.x, end, visit);
    return;
  }
  const down = Math.sign(to.y - source.y);
  const from = { x: sender, y: source.y + r };
  if (before > 0) visitStep(from, down, channel, after + 1, visit);
  else {
    // From the first of the rows to the relay of the last one, which the stream reaches first.
    const corner = { x: relay, y: from.y };
    const entry = { x: relay, y: y - down * after };
    const inputs = visitLeg(from, corner, CORE, channel, after + 1, visit);
    const last = visitLeg(corner, entry, inputs, channel, after + 1, visit);
    visit(relay, entry.y, channel, last, CORE, after + 1);
  }
  if (after > 0) visitStep({ x: relay, y: y - down }, down, arrives, before + 1, visit);
  const outputs = (relay > to.x ? LEFT : 0) | (relay < end ? RIGHT : 0);
  if (outputs !== 0) visit(relay, y, 0, CORE, outputs, 1);
  for (let x = to.x; x <= end; x++) {
    if (x < relay) visit(x, y, 0, RIGHT, CORE | (x > to.x ? LEFT : 0), 1);
    if (x > relay) visit(x, y, 0, LEFT, CORE | (x < end ? RIGHT : 0), 1);
  }
}

/** From a core to the one below it, or above. */
function visitStep(
  { x, y }: Core,
  down: number,
  channel: number,
  slices: number,
  visit: RouteVisitor,
): void {
  const next = { x, y: y + down };
  const inputs = visitLeg({ x, y }, next, CORE, channel, slices, visit);
  visit(x, next.y, channel, inputs, CORE, slices);
}

/** Along a row from the sender to the far end of the destination, received by its cores, `first` to `last`. */
function visitStraight(
  sender: number,
  far: number,
  y: number,
  first: number,
  last: number,
  visit: RouteVisitor,
): void {
  const step = Math.sign(far - sender);
  const on = step > 0 ? RIGHT : LEFT;
  const from = step > 0 ? LEFT : RIGHT;
  visit(sender, y, 0, CORE, on, 1);
  for (let x = sender + step; x !== far + step; x += step) {
    const inside = x >= first && x <= last;
    visit(x, y, 0, from, (inside ? CORE : 0) | (x === far ? 0 : on), 1);
  }
}

/**
 * From a core straight along its row or its column up to, but without, another one; the stream comes
 * to the first from `inputs`. Gives the input at the last.
 */
function visitLeg(
  from: Core,
  to: Core,
  inputs: number,
  channel: number,
  slices: number,
  visit: RouteVisitor,
): number {
  const [dx, dy] = [Math.sign(to.x - from.x), Math.sign(to.y - from.y)];
  if (dx === 0 && dy === 0) return inputs;
  const port = dx > 0 ? EAST : dx < 0 ? WEST : dy > 0 ? SOUTH : NORTH;
  const [on, back] = [portMask(port), portMask(opposite(port))];
  visit(from.x, from.y, channel, inputs, on, slices);
  for (let x = from.x + dx, y = from.y + dy; x !== to.x || y !== to.y; x += dx, y += dy)
    visit(x, y, channel, back, on, slices);
  return back;
}

/**
 * The chosen token's path: from one core along its row, then along a column, to the nearest core of the
 * region, and from there to all its cores: along that row, and from each of its cores along the column.
 */
export function visitToken(from: Core, to: Rectangle, visit: RouteVisitor): void {
  const x1 = Math.min(Math.max(from.x, to.x), to.x + to.width - 1);
  const y1 = Math.min(Math.max(from.y, to.y), to.y + to.height - 1);
  const corner = { x: x1, y: from.y };
  const turned = visitLeg(from, corner, CORE, 0, 1, visit);
  const inputs = visitLeg(corner, { x: x1, y: y1 }, turned, 0, 1, visit);
  const [top, bottom, left, right] = [to.y, to.y + to.height - 1, to.x, to.x + to.width - 1];
  for (let x = left; x <= right; x++) {
    let outputs = CORE;
    if (y1 > top) outputs |= 1 << NORTH;
    if (y1 < bottom) outputs |= 1 << SOUTH;
    if (x <= x1 && x > left) outputs |= LEFT;
    if (x >= x1 && x < right) outputs |= RIGHT;
    visit(x, y1, 0, x === x1 ? inputs : x < x1 ? RIGHT : LEFT, outputs, 1);
    for (let y = top; y < y1; y++) visit(x, y, 0, 1 << SOUTH, CORE | (y > top ? 1 << NORTH : 0), 1);
    for (let y = bottom; y > y1; y--)
      visit(x, y, 0, 1 << NORTH, CORE | (y < bottom ? 1 << SOUTH : 0), 1);
  }
}
