/**
 * Ring all-reduce: the vector is cut into one piece per core. Each piece goes once around the ring collecting
 * sums (reduce-scatter), and once more to be copied (all-gather). The ring lies on a row: every core sends
 * to its west neighbour, core 0 to the last one over the whole row.
 *
 * In the reduce-scatter a core sends its own piece, then adds its memory to all that comes by one operation
 * from the fabric to the fabric, and adds the last piece to its memory. No core takes anything while it
 * sends its own piece, so a ramp and a port have to hold one. Longer pieces go in steps in which even
 * cores send first and odd ones receive first, as all pieces of the all-gather do.
 */
import { EAST, RAMP, WEST, accumulate, addBuffer, cell, paddedLength } from '../program/builder.js';
import { elementsPerWavelet, route, send, store, vector } from '../program/builder.js';
import type { CoreCode, Stretch, WaferSpec } from '../program/builder.js';
import type { Program, Route } from '../program/program.js';
import { areaKernel, type AreaOptions } from './collectives.js';

const SCATTER = 0;
const GATHER = 1;

/** Colour from core 0 to the last one; 0 and 1 alternate. */
const AROUND = 2;

/** The program on a row; operations grow with the square of its cores. */
export function ringAllReduce(o: AreaOptions, wafer: WaferSpec): Program {
  const labels = ['reduce-scatter', 'all-gather'];
  const held = 2 * wafer.fabric.queueDepth * elementsPerWavelet(o.dtype);
  const roleAt = (x: number) => `core ${x}`;
  return areaKernel('all-reduce ring', o, wafer, labels, roleAt, (core, whole, x) => {
    const pes = o.width;
    if (pes === 1) return;
    core.routes = ringRoutes(x, pes);
    const piece = paddedLength({ ...whole, length: Math.ceil(whole.length / pes) });
    if (piece <= held) scatterAtOnce(core, whole, x, pes, piece);
    else inSteps(core, x, pes, SCATTER, piecesOf(whole, whole.length / pes, pes));
    inSteps(core, x, pes, GATHER, piecesOf(whole, piece <= held ? piece : whole.length / pes, pes));
  });
}

function sendColor(x: number): number {
  return x === 0 ? AROUND : x % 2;
}

function receiveColor(x: number, pes: number): number {
  return x === pes - 1 ? AROUND : sendColor(x + 1);
}

function ringRoutes(x: number, pes: number): Route[] {
  const last = pes - 1;
  const routes = [route(sendColor(x), RAMP, x === 0 ? EAST : WEST)];
  routes.push(route(receiveColor(x, pes), x === last ? WEST : EAST, RAMP));
  if (x > 0 && x < last) routes.push(route(AROUND, WEST, EAST));
  return routes;
}

/** Pieces by number, taken modulo how many there are; those after the end of the vector are empty. */
function piecesOf(whole: Stretch, size: number, pes: number): (number: number) => Stretch {
  return (number) => {
    const p = (number + pes) % pes;
    const [start, end] = [p, p + 1].map((n) => Math.min(whole.length, Math.floor(n * size)));
    return { ...whole, at: whole.at + start, length: end - start };
  };
}

/** Pieces of equal length, for which the vector is padded; core x ends with the sum of piece x - 1. */
function scatterAtOnce(
  core: CoreCode,
  whole: Stretch,
  x: number,
  pes: number,
  length: number,
): void {
  const padding = pes * length - whole.length;
  if (padding > 0) addBuffer(core, 'padding', whole.type, padding, true);
  const piece = (number: number): Stretch => {
    return { ...whole, at: whole.at + ((number + pes) % pes) * length, length };
  };
  const from = ((x + 1) % pes) * length;
  const own = { ...cell(whole.at), wrap: pes * length, from };
  const [into, out] = [{ color: receiveColor(x, pes) }, { color: sendColor(x) }];
  core.label = SCATTER;
  send(core, piece(x), sendColor(x));
  vector(core, 'add', whole.type, (pes - 2) * length, out, into, own);
  accumulate(core, piece(x - 1), receiveColor(x, pes));
}

/** Piece by piece: adds what comes (reduce-scatter), or stores it (all-gather). */
function inSteps(
  core: CoreCode,
  x: number,
  pes: number,
  label: typeof SCATTER | typeof GATHER,
  piece: (number: number) => Stretch,
): void {
  core.label = label;
  const take = label === SCATTER ? accumulate : store;
  for (let step = 0; step < pes - 1; step++) {
    const sends = () => send(core, piece(x + step - label), sendColor(x));
    if (x % 2 === 0) sends();
    take(core, piece(x + step + 1 - label), receiveColor(x, pes));
    if (x % 2 === 1) sends();
  }
}
