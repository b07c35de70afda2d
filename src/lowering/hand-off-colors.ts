/**
 * Colours for the hand-offs. A router has one route per colour, so two hand-offs whose paths share a
 * router need different colours there; far apart, the same colours serve again. First fit, in the order of
 * a token's path. Where that finds none, the hand-off with the most lanes of those that are in the way
 * sends its rows by shared streams instead (hand-off.ts), and all is tried again.
 */
import type { WaferSpec } from '../hardware/wafer.js';
import { CapacityError } from '../placement/placement.js';
import type { Place } from './places.js';
import type { Source } from './core-writer.js';
import { FIRST_HAND_OFF_COLOR, GATHER_COLORS } from './lines.js';
import type { Rectangle } from './hand-off.js';
import { channelsOf, visitStage } from './stage.js';

export interface HandOffTo {
  source: Source;
  place: Place;
  /** Whether the place has a router, whose gather has colours of its own. */
  gathers?: boolean;
}

/** A hand-off with the colours of its channels. */
export type Colored = HandOffTo & { colors: number[] };

/** Gives each hand-off its colours; throws CapacityError if there are too few. */
export function colorHandOffs(wafer: WaferSpec, handOffs: HandOffTo[]): Colored[] {
  const all = handOffs.slice();
  for (;;) {
    const colored = firstFit(wafer, all);
    const failed = all[colored.length];
    if (failed === undefined) return colored;
    const wide = widest(all.slice(0, colored.length + 1), failed, wafer);
    if (wide === undefined)
      throw new CapacityError(
        `the hand-off to ${failed.place.name} finds no free colour of ${wafer.fabric.colors} on ` +
          'its path; choose another placement.strategy or more hardware.fabric.colors',
      );
    all[wide] = sharing(all[wide])!;
  }
}

/** Colours of the hand-offs on the paths of a placement, and which of them share streams; of the last paths alone. */
export interface KeptColors {
  paths?: string;
  found: { colors: number[]; shares: boolean }[];
}

/** The same, found once for all steps whose hand-offs have the same paths. */
export function colorOnce(wafer: WaferSpec, handOffs: HandOffTo[], kept: KeptColors): Colored[] {
  const paths = JSON.stringify(handOffs.map(pathKey));
  if (kept.paths !== paths) {
    const colored = colorHandOffs(wafer, handOffs);
    const found = colored.map(({ source, colors }) => ({ colors, shares: sharesStreams(source) }));
    Object.assign(kept, { paths, found });
  }
  return handOffs.map((handOff, i): Colored => {
    const { colors, shares } = kept.found[i];
    return { ...(shares && !sharesStreams(handOff.source) ? sharing(handOff)! : handOff), colors };
  });
}

function sharesStreams(source: Source): boolean {
  return source.kind === 'rows' && source.shares === true;
}

/** All that the path of a hand-off, and what it keeps from others, depends on. */
function pathKey({ source, place, gathers }: HandOffTo): unknown {
  const { x, y, width, height, wafer } = place;
  const from = source.kind === 'token' ? source.core : rectangleOf(source.region);
  return [from, sharesStreams(source), x, y, width, height, wafer, gathers];
}

function rectangleOf({ x, y, width, height }: Rectangle): Rectangle {
  return { x, y, width, height };
}

/** The same with shared streams instead of lanes; undefined where there is one lane or none. */
function sharing(handOff: HandOffTo): HandOffTo | undefined {
  const { source, place } = handOff;
  if (source.kind === 'token' || source.shares || channelsOf(source, place) < 3) return undefined;
  return { ...handOff, source: { ...source, shares: true } };
}

/** Number of the hand-off with the most lanes whose path meets that of `failed`; the last of equal ones. */
function widest(
  all: HandOffTo[],
  failed: HandOffTo,
  { width, height }: WaferSpec,
): number | undefined {
  const wafer = { width, height };
  const path = new Uint8Array(routersOf(wafer));
  visitStage(failed.source, failed.place, (x, y) => {
    path[routerAt(wafer, x, y)] = 1;
  });
  let most = 0;
  let found: number | undefined;
  for (const [i, handOff] of all.entries()) {
    const channels = channelsOf(handOff.source, handOff.place);
    if (channels < most || !sharing(handOff) || handOff.place.wafer !== failed.place.wafer)
      continue;
    let meets = false;
    visitStage(handOff.source, handOff.place, (x, y) => {
      meets ||= path[routerAt(wafer, x, y)] === 1;
    });
    if (!meets) continue;
    most = channels;
    found = i;
  }
  return found;
}

type Size = Pick<WaferSpec, 'width' | 'height'>;

/** Colours of the hand-offs up to the first one that finds none. */
function firstFit({ width, height, fabric }: WaferSpec, handOffs: HandOffTo[]): Colored[] {
  const wafer = { width, height };
  /** Colours taken at each router of each wafer, as bits. */
  const taken: Uint32Array[] = [];
  for (const { place, gathers } of handOffs)
    if (gathers)
      takeGather((taken[place.wafer] ??= new Uint32Array(routersOf(wafer))), place, wafer);
  const colored: Colored[] = [];
  for (const handOff of handOffs) {
    const { source, place } = handOff;
    const there = (taken[place.wafer] ??= new Uint32Array(routersOf(wafer)));
    const blocked = new Uint32Array(channelsOf(source, place));
    visitStage(source, place, (x, y, channel) => {
      blocked[channel] |= there[routerAt(wafer, x, y)];
    });
    const colors: number[] = [];
    for (const used of blocked) {
      let color = FIRST_HAND_OFF_COLOR;
      while ((used >>> color) & 1 || colors.includes(color)) color++;
      if (color >= fabric.colors) return colored;
      colors.push(color);
    }
    visitStage(source, place, (x, y, channel) => {
      there[routerAt(wafer, x, y)] |= 1 << colors[channel];
    });
    colored.push({ ...handOff, colors });
  }
  return colored;
}

/** The colours of a gather along the rows of a place. */
function takeGather(taken: Uint32Array, { x, y, width, height }: Place, wafer: Size): void {
  let colors = 0;
  for (const color of GATHER_COLORS) colors |= 1 << color;
  for (let row = y; row < y + height; row++)
    for (let column = x; column < x + width; column++)
      taken[routerAt(wafer, column, row)] |= colors;
}

// One column more on either side, for what comes from and goes to other wafers.
const routersOf = ({ width, height }: Size) => (width + 2) * height;
const routerAt = ({ width }: Size, x: number, y: number) => y * (width + 2) + x + 1;
