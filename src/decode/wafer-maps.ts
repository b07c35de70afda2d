/** The wafer core by core: what each one did in a step, what it holds, and how loaded its links are. */
import { RAMP } from '../hardware/mesh.js';
import type { RunResult } from '../engine/engine.js';
import { sramBytesOf, type Program } from '../program/program.js';
import type { WaferMap } from '../report/detail.js';

/** Links of a core, one per direction; the ramp is none. */
const LINKS = RAMP;

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
    }
  addMemory(map, stage);
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
