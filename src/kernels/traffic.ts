/**
 * Synthetic traffic, to load the network alone: each sending core generates a wavelet with probability
 * `load` in every cycle (Bernoulli), as network simulators do, and sends it as soon as it can.
 * neighbor: to the next core east. shift: to the core `distance` to the east. uniform: each wavelet to
 * a core at one of the distances 1 to `distance` to the east, chosen at random. multicast: the first of
 * every distance + 1 cores of a row to the others of them. transpose: from (x, y) to (y, x). hot-spot:
 * from `sources` cores to the one in the middle.
 */
import { append, assemble } from '../program/builder.js';
import type { Program } from '../program/program.js';
import { hotSpot, multicast, shifts, transpose, type Pattern } from './traffic-patterns.js';

export const TRAFFIC_PATTERNS = [
  'neighbor',
  'shift',
  'uniform',
  'multicast',
  'transpose',
  'hot-spot',
] as const;

export interface TrafficOptions {
  pattern: (typeof TRAFFIC_PATTERNS)[number];
  /** How far to the east cores send (shift, multicast), or the farthest that they send (uniform). */
  distance: number;
  /** Cores that send to the hot spot. */
  sources: number;
  width: number;
  height: number;
  /** Wavelets per sending core and cycle, over 0 and up to 1. */
  load: number;
  /** Cycles during which wavelets are generated. */
  cycles: number;
}

function patternOf(o: TrafficOptions): Pattern {
  switch (o.pattern) {
    case 'neighbor':
      return shifts([1], o.width);
    case 'shift':
      return shifts([o.distance], o.width);
    case 'uniform':
      return shifts(
        Array.from({ length: o.distance }, (_, i) => i + 1),
        o.width,
      );
    case 'multicast':
      return multicast(o.distance, o.width);
    case 'transpose':
      return transpose(o.width);
    case 'hot-spot':
      return hotSpot(o.sources, o.width, o.height);
  }
}

/**
 * The program; `random` gives numbers in [0, 1) and is drawn core by core, west to east, row by
 * row: once for each cycle, and once more for each wavelet of a core that sends on several colours.
 */
export function traffic(o: TrafficOptions, random: () => number): Program {
  const pattern = patternOf(o);
  const cores = o.width * o.height;
  const { program, station } = assemble('traffic', o.width, o.height, ['traffic']);
  const received = Array.from({ length: cores }, () => new Map<number, number>());
  const sent = received.map((_, core) => {
    const streams = pattern.streams(core);
    const wavelets = generate(o, streams.length, random);
    streams.forEach(({ color, targets }, turn) => {
      const { times, turns } = wavelets;
      const count = turns
        ? turns.reduce((sum, one) => sum + Number(one === turn), 0)
        : times.length;
      for (const target of targets) received[target].set(color, count);
    });
    const sends = streams.map(({ color }) => color);
    return { color: sends[0] ?? -1, ...wavelets, ...(sends.length > 1 && { sends }) };
  });
  for (let core = 0; core < cores; core++) {
    const routes = pattern.routes(core);
    const receives = [...received[core].keys()];
    const expect = [...received[core].values()].reduce((sum, count) => sum + count, 0);
    const { color, ...sends } = sent[core];
    const acts = sends.times.length > 0 || expect > 0;
    const isIdle = !acts && routes.length === 0;
    const name = isIdle ? 'idle' : `core ${core % o.width},${Math.floor(core / o.width)}`;
    station(core, name, (code) => {
      code.routes = routes;
      if (!acts) return;
      const takes = { receive: receives[0] ?? -1, expect };
      const several = receives.length > 1 && { receives };
      append(code, { kind: 'traffic', color, ...sends, ...takes, ...several });
    });
  }
  return program;
}

/** When a core's wavelets are generated, and which of its streams each belongs to. */
function generate({ load, cycles }: TrafficOptions, streams: number, random: () => number) {
  const times: number[] = [];
  const turns: number[] = [];
  const last = streams === 0 ? 0 : cycles;
  for (let cycle = 0; cycle < last; cycle++) {
    if (random() >= load) continue;
    times.push(cycle);
    if (streams > 1) turns.push(Math.floor(random() * streams));
  }
  return {
    times: Int32Array.from(times),
    ...(streams > 1 && { turns: Uint8Array.from(turns) }),
  };
}
