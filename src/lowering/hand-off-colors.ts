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

/** The routers of a path: stretches of rows, each on a channel. */
interface Path {
  channels: number;
  /** Of each stretch its first router, from that of the place's corner on; how many there are; and the channel. */
  stretches: Int32Array;
}

type PathOf = (handOff: HandOffTo) => Path;

/** Gives each hand-off its colours; throws CapacityError if there are too few. */
export function colorHandOffs(
  { width, height, fabric }: WaferSpec,
  handOffs: HandOffTo[],
): Colored[] {
  const { colors } = fabric;
  const size = { width, height };
  const all = handOffs.slice();
  const pathOf = pathFinder(size);
  for (;;) {
    const colored = firstFit(size, colors, all, pathOf);
    const failed = all[colored.length];
    if (failed === undefined) return colored;
    const wide = widest(all.slice(0, colored.length + 1), failed, size, pathOf);
    if (wide === undefined)
      throw new CapacityError(
        `the hand-off to ${failed.place.name} finds no free colour of ${colors} on ` +
          'its path; choose another placement.strategy or more hardware.fabric.colors',
      );
    all[wide] = sharing(all[wide])!;
  }
}

/** Finds paths; those of one shape are the same, and most are of a few shapes. */
function pathFinder(wafer: Size): PathOf {
  const known = new Map<string, Path>();
  return (handOff) => {
    const { source, place } = handOff;
    const shape = JSON.stringify(shapeOf(handOff));
    let path = known.get(shape);
    if (path === undefined) {
      const stretches: number[] = [];
      const corner = cornerOf(handOff, wafer);
      visitStage(source, place, (x, y, channel) => {
        addRouter(stretches, routerAt(wafer, x, y) - corner, channel);
      });
      path = { channels: channelsOf(source, place), stretches: Int32Array.from(stretches) };
      known.set(shape, path);
    }
    return path;
  };
}

/** Adds a router to the last stretch, if it is on either end of it, or as a new one. */
function addRouter(stretches: number[], router: number, channel: number): void {
  const last = stretches.length - 3;
  if (last < 0 || stretches[last + 2] !== channel) stretches.push(router, 1, channel);
  else if (router === stretches[last] + stretches[last + 1]) stretches[last + 1]++;
  else if (router === stretches[last] - 1) {
    stretches[last]--;
    stretches[last + 1]++;
  } else stretches.push(router, 1, channel);
}

/** All that a path depends on, seen from its place. */
function shapeOf({ source, place }: HandOffTo): unknown[] {
  const { x, y, width, height } = place;
  const seen = (of: { x: number; y: number }) => [of.x - x, of.y - y];
  if (source.kind === 'token') return [width, height, ...seen(source.core)];
  const { region } = source;
  return [width, height, ...seen(region), region.width, region.height, sharesStreams(source)];
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
  wafer: Size,
  pathOf: PathOf,
): number | undefined {
  const taken = new Uint32Array(routersOf(wafer));
  take(taken, cornerOf(failed, wafer), pathOf(failed), () => 1);
  let most = 0;
  let found: number | undefined;
  for (const [i, handOff] of all.entries()) {
    const path = pathOf(handOff);
    if (path.channels < most || !sharing(handOff) || handOff.place.wafer !== failed.place.wafer)
      continue;
    const met = takenOn(taken, cornerOf(handOff, wafer), path);
    if (met.every((bits) => bits === 0)) continue;
    most = path.channels;
    found = i;
  }
  return found;
}

type Size = Pick<WaferSpec, 'width' | 'height'>;

/** Colours of the hand-offs up to the first one that finds none. */
function firstFit(wafer: Size, most: number, handOffs: HandOffTo[], pathOf: PathOf): Colored[] {
  /** Colours taken at each router of each wafer, as bits. */
  const taken: Uint32Array[] = [];
  for (const { place, gathers } of handOffs)
    if (gathers)
      takeGather((taken[place.wafer] ??= new Uint32Array(routersOf(wafer))), place, wafer);
  const colored: Colored[] = [];
  for (const handOff of handOffs) {
    const there = (taken[handOff.place.wafer] ??= new Uint32Array(routersOf(wafer)));
    const [path, corner] = [pathOf(handOff), cornerOf(handOff, wafer)];
    const colors: number[] = [];
    for (const used of takenOn(there, corner, path)) {
      let color = FIRST_HAND_OFF_COLOR;
      while ((used >>> color) & 1 || colors.includes(color)) color++;
      if (color >= most) return colored;
      colors.push(color);
    }
    take(there, corner, path, (channel) => 1 << colors[channel]);
    colored.push({ ...handOff, colors });
  }
  return colored;
}

/** By channel of a path: what is taken at its routers. */
function takenOn(taken: Uint32Array, corner: number, { channels, stretches }: Path): Uint32Array {
  const found = new Uint32Array(channels);
  for (let i = 0; i < stretches.length; i += 3) {
    const first = corner + stretches[i];
    const end = first + stretches[i + 1];
    let bits = 0;
    for (let router = first; router < end; router++) bits |= taken[router];
    found[stretches[i + 2]] |= bits;
  }
  return found;
}

/** Takes the routers of a path, each with the bits of its channel. */
function take(
  taken: Uint32Array,
  corner: number,
  { stretches }: Path,
  bitsOf: (channel: number) => number,
): void {
  for (let i = 0; i < stretches.length; i += 3) {
    const first = corner + stretches[i];
    const end = first + stretches[i + 1];
    const bits = bitsOf(stretches[i + 2]);
    for (let router = first; router < end; router++) taken[router] |= bits;
  }
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
const routerAt = ({ width }: Pick<Size, 'width'>, x: number, y: number) => y * (width + 2) + x + 1;
const cornerOf = ({ place }: HandOffTo, wafer: Size) => routerAt(wafer, place.x, place.y);
