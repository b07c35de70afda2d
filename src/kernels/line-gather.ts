/**
 * Gather to a core within a line, by plain moves and static routes: on each side of it a chain of cores, two
 * channels alternating from core to core, the other way round on the other side. Each core sends its own
 * words, then passes on those of the cores beyond it; the root stores one side and then the other, the nearest
 * core first. A station says what one core does; it is plain data and knows neither axis nor colours.
 */
import { passOn, send, store, type Code, type Stretch } from '../program/builder.js';
import type { StationRoute } from './line.js';

export interface GatherStation {
  /** Where its words lie at the root, in lots of one core's: 0 at the root itself. */
  lot: number;
  routes: StationRoute[];
  /** Of a core that sends: its channel, and how many cores beyond it send on the other one. */
  sends?: { channel: number; beyond: number };
  /** Of the root: the channels of its sides, and how many cores send on each. */
  takes: { channel: number; cores: number }[];
}

/** Stations of `before` cores, the root, and `after` cores, from one end of the line to the other. */
export function gatherStations(before: number, after: number): GatherStation[] {
  return Array.from({ length: before + 1 + after }, (_, core) => {
    if (core === before) return rootOf(before, after);
    const isBefore = core < before;
    const distance = Math.abs(before - core);
    const beyond = (isBefore ? before : after) - distance;
    const channel = channelAt(distance, isBefore);
    const [outwards, inwards] = isBefore
      ? (['back', 'ahead'] as const)
      : (['ahead', 'back'] as const);
    const routes: StationRoute[] = [{ channel, from: 'core', to: [inwards] }];
    if (beyond > 0) routes.push({ channel: 1 - channel, from: outwards, to: ['core'] });
    const lot = distance + (isBefore ? 0 : before);
    return { lot, routes, sends: { channel, beyond }, takes: [] };
  });
}

function rootOf(before: number, after: number): GatherStation {
  const sides = [
    { from: 'back', channel: channelAt(1, true), cores: before },
    { from: 'ahead', channel: channelAt(1, false), cores: after },
  ] as const;
  const some = sides.filter(({ cores }) => cores > 0);
  return {
    lot: 0,
    routes: some.map(({ from, channel }) => ({ channel, from, to: ['core'] })),
    takes: some.map(({ channel, cores }) => ({ channel, cores })),
  };
}

/** The channel on which a core at this distance from the root sends. */
function channelAt(distance: number, isBefore: boolean): number {
  return (distance + (isBefore ? 0 : 1)) % 2;
}

/** Appends the gather of every core's `own` words, whole wavelets; at the root they are followed by room for all. */
export function gatherOn(
  code: Code,
  { sends, takes }: GatherStation,
  colors: readonly number[],
  own: Stretch,
): void {
  if (sends !== undefined) {
    const { channel, beyond } = sends;
    send(code, own, colors[channel]);
    if (beyond > 0) passOn(code, own, beyond, colors[1 - channel], colors[channel]);
  }
  let at = own.at + own.length;
  for (const { channel, cores } of takes) {
    const length = cores * own.length;
    store(code, { ...own, at, length }, colors[channel]);
    at += length;
  }
}
