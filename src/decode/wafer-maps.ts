/** The wafer core by core: what each one did in a step, what it holds, and how loaded its links are. */
import { LINKS } from '../hardware/mesh.js';
import type { RunResult } from '../engine/engine.js';
import { sramBytesOf, type Program } from '../program/program.js';
import type { WaferMap } from '../report/detail.js';
import type { StageTiming } from './timeline.js';
import type { Visit } from './visit.js';
import { idleBefore, waitsSince } from './waiting-before.js';

export interface MappedStage {
  program: Program;
  result: RunResult;
  /** Where the program's first core lies on the wafer; columns beyond the edges are ports. */
  x0: number;
  y0: number;
  /** Cores of the stage's own region: first core of the program, columns and rows. */
  origin: number;
  columns: number;
  rows: number;
  /** Cycles of start-up, which a core whose program is a loop does not spend on every token. */
  startUp: number;
  /** Tokens of the step that pass the stage. */
  times: number;
}

const NONE = new Float64Array(0);

export function emptyMap(wafer: number, width: number, height: number): WaferMap {
  const perCore = () => new Float64Array(width * height);
  return {
    wafer,
    width,
    height,
    busy: perCore(),
    waiting: perCore(),
    sram: perCore(),
    link: perCore(),
    compute: perCore(),
    waitOutput: perCore(),
    between: perCore(),
    idle: perCore(),
    links: NONE,
  };
}

/** Adds what the stage's cores, its senders included, did; and what the region's cores hold. */
export function addToMap(map: WaferMap, stage: MappedStage): void {
  const { program, result, x0, y0, startUp, times } = stage;
  const { compute, setup, waitInput, waitOutput } = result;
  const works = program.roles.map(({ operations }) => operations.length > 0);
  for (let y = 0; y < program.height; y++)
    for (let x = 0; x < program.width; x++) {
      const core = y * program.width + x;
      if (!works[program.roleOf[core]] || !isOnWafer(map, x0 + x, y0 + y)) continue;
      const at = (y0 + y) * map.width + x0 + x;
      map.busy[at] += (compute[core] + setup[core] - startUp) * times;
      map.waiting[at] += (waitInput[core] + waitOutput[core]) * times;
      map.compute[at] += compute[core] * times;
      map.waitOutput[at] += waitOutput[core] * times;
    }
  addMemory(map, stage);
}

/** Adds what a region's cores did from their last end to a visit, as its causes count it (see waiting-before.ts). */
export function addBefore(
  map: WaferMap,
  { columns, rows, isPort, programStart }: StageTiming,
  place: { x: number; y: number },
  { visit: { done, first, start }, chosen, times }: { visit: Visit; chosen: number; times: number },
): void {
  if (done === undefined || isPort) return;
  const { own } = start;
  for (let row = 0, of = 0; row < rows; row++)
    for (let column = 0; column < columns; column++, of++) {
      const at = (place.y + row) * map.width + place.x + column;
      const begun = first + own[of] + programStart;
      const since = waitsSince(done[of], chosen, begun);
      map.idle[at] += idleBefore(done[of], since) * times;
      map.between[at] += (begun - since) * times;
    }
}

/** Adds that a stage's cores, all of which start together, are idle from their end to that of the stage. */
export function addIdle(
  map: WaferMap,
  { program: { width, height }, result: { end }, x0, y0, times }: MappedStage,
  cycles: number,
): void {
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      map.idle[(y0 + y) * map.width + x0 + x] += (cycles - end[y * width + x]) * times;
}

function addMemory(map: WaferMap, { program, x0, y0, origin, columns, rows }: MappedStage): void {
  const bytes = program.roles.map(sramBytesOf);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      const core = origin + row * program.width + column;
      const x = x0 + (core % program.width);
      const y = y0 + Math.floor(core / program.width);
      if (!isOnWafer(map, x, y)) continue;
      const at = y * map.width + x;
      // A tied table is visited twice, with one memory.
      map.sram[at] = Math.max(map.sram[at], bytes[program.roleOf[core]]);
    }
}

function isOnWafer({ width, height }: WaferMap, x: number, y: number): boolean {
  return x >= 0 && y >= 0 && x < width && y < height;
}

/** Sets the load of links from `wavelets` over each: (y * width + x) * 4 + port. */
export function setLinks(map: WaferMap, wavelets: Float64Array): void {
  map.links = wavelets;
  for (let core = 0; core < map.link.length; core++) {
    let busiest = 0;
    for (let port = 0; port < LINKS; port++)
      busiest = Math.max(busiest, wavelets[core * LINKS + port]);
    map.link[core] = busiest;
  }
}
