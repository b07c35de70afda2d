/** The picture of a player: cores by what they do, wavelets on links and in queues, at the end of a cycle. */
import { EAST, RAMP, STEP_X, STEP_Y, WEST, neighbour } from '../../hardware/mesh.js';
import { CORE_QUEUE, STATES } from '../../recording/recording.js';
import { cyclesInto, type Moment, type Replay } from '../../recording/replay.js';
import { drawMark, type Inks } from './player-inks.js';
import type { PathStep } from './player-text.js';

/** What the reader has chosen. */
export interface Look {
  colors: ReadonlySet<number>;
  /** A core, or -1. */
  selected: number;
  hovered: number;
  /** The critical path, where it is shown. */
  path: readonly PathStep[];
}

/** Where the mesh lies on the canvas: pixels from core to core, and its corner. */
export interface Frame {
  pitch: number;
  left: number;
  top: number;
}

/** Shares of the pitch: half a router, half a core, how far lanes are from the middle, a wavelet and one that stands. */
const ROUTER = 0.32;
const CORE = 0.16;
const LANE = 0.11;
const WAVELET = 0.085;
const STANDING = 0.03;
/** Wavelets of a queue that are drawn; a cross stands for more. */
const MOST_DRAWN = 4;

export function drawMoment(
  pen: CanvasRenderingContext2D,
  { pitch, left, top }: Frame,
  replay: Replay,
  moment: Moment,
  look: Look,
  inks: Inks,
): void {
  const { recording } = replay;
  const { width, height } = recording;
  const middle = (core: number): [x: number, y: number] => [
    left + ((core % width) + 0.5) * pitch,
    top + (Math.floor(core / width) + 0.5) * pitch,
  ];
  pen.lineWidth = Math.max(1, pitch / 60);
  for (let core = 0; core < width * height; core++) {
    drawLanes(pen, middle(core), pitch, inks, (port) => neighbour(core, port, width, height) >= 0);
    drawCore(pen, middle(core), pitch, STATES[moment.state[core]], inks);
  }
  drawPath(pen, look.path, moment.cycle, (x, y) => middle(y * width + x), pitch, inks);
  for (const [core, ink] of [
    [look.hovered, inks.soft],
    [look.selected, inks.text],
  ] as const)
    if (core >= 0) outline(pen, middle(core), ROUTER * pitch + 2, ink, 2);

  const standing = new Map<number, number>();
  for (const { core, port, color, ready } of moment.held) {
    if (!look.colors.has(color)) continue;
    const [x, y] = middle(core);
    for (const at of ready) {
      if (at > moment.cycle) {
        if (port >= RAMP) continue;
        const cycles = cyclesInto(recording, core, port) + 1;
        const place = onLink(port, (at - moment.cycle) / cycles);
        const radius = Math.min(WAVELET, (0.45 * (1 - 2 * ROUTER)) / (cycles - 1));
        drawMark(pen, x + place.x * pitch, y + place.y * pitch, radius * pitch, color, inks);
        continue;
      }
      const before = standing.get(core * 6 + port) ?? 0;
      standing.set(core * 6 + port, before + 1);
      if (before > MOST_DRAWN) continue;
      const place = inQueue(port, before);
      const [markX, markY, size] = [x + place.x * pitch, y + place.y * pitch, STANDING * pitch];
      if (before === MOST_DRAWN) drawCross(pen, markX, markY, size, inks.text);
      else drawMark(pen, markX, markY, size, color, inks);
    }
  }
}

/** A point on the lane by which a port is reached; `share` 1 is at the other router, 0 at this one. */
function onLink(port: number, share: number): { x: number; y: number } {
  const outward = ROUTER + share * (1 - 2 * ROUTER);
  return atPort(port, outward, LANE);
}

/** The place of a wavelet that stands in a queue, the first one next to its lane. */
function inQueue(port: number, index: number): { x: number; y: number } {
  const along = index * 1.85 * STANDING;
  const inside = ROUTER - 1.4 * STANDING;
  // Next to the lanes that leave by the west and the east: what comes from the core, and what goes to it.
  if (port === RAMP) return atPort(WEST, inside, -0.03 - along);
  if (port === CORE_QUEUE) return atPort(EAST, inside, -0.03 - along);
  return atPort(port, inside, 0.08 + along);
}

/** So far out by a port, and so far to the right of one who comes in by it. */
function atPort(port: number, outward: number, right: number): { x: number; y: number } {
  const [inX, inY] = [-STEP_X[port as 0], -STEP_Y[port as 0]];
  return { x: -inX * outward - inY * right, y: -inY * outward + inX * right };
}

function drawLanes(
  pen: CanvasRenderingContext2D,
  [x, y]: [number, number],
  pitch: number,
  inks: Inks,
  has: (port: number) => boolean,
): void {
  pen.strokeStyle = inks.line;
  pen.beginPath();
  for (let port = 0; port < RAMP; port++) {
    if (!has(port)) continue;
    const [near, far] = [onLink(port, 0), onLink(port, 1)];
    pen.moveTo(x + near.x * pitch, y + near.y * pitch);
    pen.lineTo(x + far.x * pitch, y + far.y * pitch);
  }
  pen.stroke();
}

/** By colour and by pattern: who sees no colours sees what a core does too. */
function drawCore(
  pen: CanvasRenderingContext2D,
  [x, y]: [number, number],
  pitch: number,
  state: (typeof STATES)[number],
  inks: Inks,
): void {
  const [router, core] = [ROUTER * pitch, CORE * pitch];
  pen.fillStyle = inks.back;
  pen.strokeStyle = inks.soft;
  pen.fillRect(x - router, y - router, 2 * router, 2 * router);
  pen.strokeRect(x - router, y - router, 2 * router, 2 * router);
  drawState(pen, x, y, core, state, inks);
}

/** A square of half size `half` that says what a core does; the legend draws it too. */
export function drawState(
  pen: CanvasRenderingContext2D,
  x: number,
  y: number,
  half: number,
  state: (typeof STATES)[number],
  inks: Inks,
): void {
  const [west, north, size] = [x - half, y - half, 2 * half];
  pen.fillStyle = state === 'idle' ? inks.back : inks.states[state];
  pen.fillRect(west, north, size, size);
  pen.strokeStyle = state === 'idle' ? inks.line : inks.states[state];
  pen.strokeRect(west, north, size, size);
  pen.strokeStyle = pen.fillStyle = inks.back;
  pen.beginPath();
  if (state === 'waitInput' || state === 'waitOutput') {
    pen.moveTo(west, north + size);
    pen.lineTo(west + size, north);
  }
  if (state === 'waitOutput') {
    pen.moveTo(west, north);
    pen.lineTo(west + size, north + size);
  }
  pen.stroke();
  if (state === 'setup') pen.fillRect(x - half / 2, y - half / 2, half, half);
}

function outline(
  pen: CanvasRenderingContext2D,
  [x, y]: [number, number],
  half: number,
  ink: string,
  thick: number,
): void {
  const before = pen.lineWidth;
  pen.lineWidth = thick;
  pen.strokeStyle = ink;
  pen.strokeRect(x - half, y - half, 2 * half, 2 * half);
  pen.lineWidth = before;
}

/** The path so far, and the core at which it is in this cycle. */
function drawPath(
  pen: CanvasRenderingContext2D,
  path: readonly PathStep[],
  cycle: number,
  middle: (x: number, y: number) => [number, number],
  pitch: number,
  inks: Inks,
): void {
  const past = path.filter(({ from }) => from <= cycle);
  const last = past.at(-1);
  if (last === undefined) return;
  const before = pen.lineWidth;
  pen.lineWidth = Math.max(2, pitch / 20);
  pen.strokeStyle = inks.mark;
  pen.beginPath();
  for (const { x, y } of past) pen.lineTo(...middle(x, y));
  pen.stroke();
  pen.lineWidth = before;
  outline(pen, middle(last.x, last.y), ROUTER * pitch, inks.mark, Math.max(3, pitch / 16));
}

function drawCross(
  pen: CanvasRenderingContext2D,
  x: number,
  y: number,
  half: number,
  ink: string,
): void {
  pen.strokeStyle = ink;
  pen.beginPath();
  pen.moveTo(x - half, y);
  pen.lineTo(x + half, y);
  pen.moveTo(x, y - half);
  pen.lineTo(x, y + half);
  pen.stroke();
}

/** The core at a point of the canvas, or -1. */
export function coreAt(
  { pitch, left, top }: Frame,
  { width, height }: { width: number; height: number },
  x: number,
  y: number,
): number {
  const [column, row] = [Math.floor((x - left) / pitch), Math.floor((y - top) / pitch)];
  const isInside = column >= 0 && row >= 0 && column < width && row < height;
  return isInside ? row * width + column : -1;
}

/** The mesh as large as it fits a width, and no larger than is good to look at. */
export function frameOf(
  { width, height }: { width: number; height: number },
  room: number,
): Frame & { width: number; height: number } {
  const pitch = Math.max(LEAST_PITCH, Math.min(MOST_PITCH, Math.floor(room / width)));
  return { pitch, left: 0, top: 0, width: pitch * width, height: pitch * height };
}

const LEAST_PITCH = 18;
const MOST_PITCH = 84;
