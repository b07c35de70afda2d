/** Options of synthetic traffic, checked against the colours and cores that a pattern takes. */
import { ConfigError } from '../../config/errors.js';
import type { WaferSpec } from '../../hardware/wafer.js';
import { traffic, TRAFFIC_PATTERNS, type TrafficOptions } from '../../kernels/traffic.js';
import { uniformDistances } from '../../kernels/traffic-patterns.js';
import { seededRandom } from '../../numeric/random.js';
import type { Program } from '../../program/program.js';
import type { KernelOptions, OptionReader } from './options.js';

/** Times at which wavelets are generated, sent and taken are kept: some ten bytes for each. */
const MOST_WAVELETS = 100_000_000;

/** Loads of one curve. */
const MOST_LOADS = 100;

export function trafficProgram(o: OptionReader, wafer: WaferSpec): Program {
  const pattern = o.choice('pattern', TRAFFIC_PATTERNS);
  const [width, height] = o.grid('mesh', wafer);
  const reach = reachOf(o, pattern, width, height, wafer);
  const load = o.positive('load', 1);
  const cycles = o.integer('cycles', { max: 1e7 });
  const options = { pattern, ...reach, width, height, load, cycles };
  const wavelets = Math.round(sendersOf(options) * load * cycles);
  if (wavelets > MOST_WAVELETS)
    throw new ConfigError(
      `kernel traffic: expected at most ${MOST_WAVELETS} wavelets, found about ${wavelets}`,
    );
  return traffic(options, seededRandom(o.text('seed', '1')));
}

function sendersOf({ pattern, sources, width, height }: TrafficOptions): number {
  return pattern === 'hot-spot' ? sources : width * height;
}

/** How far a pattern sends, and from how many cores. Throws ConfigError where colours run out. */
function reachOf(
  o: OptionReader,
  pattern: TrafficOptions['pattern'],
  width: number,
  height: number,
  { fabric: { colors } }: WaferSpec,
): { distance: number; sources: number } {
  const none = { distance: 1, sources: 1 };
  const sendsEast = pattern === 'neighbor' || pattern === 'shift' || pattern === 'uniform';
  if (sendsEast && colors < 2)
    throw new ConfigError(
      `kernel traffic: pattern: expected multicast, transpose or hot-spot on a fabric of one colour, found ${pattern}, which takes two`,
    );
  switch (pattern) {
    case 'neighbor':
      return none;
    case 'shift': {
      const because = 'one colour less than the fabric has';
      return { ...none, distance: o.integer('distance', { max: colors - 1, because }) };
    }
    case 'multicast': {
      const otherwise = Math.max(1, width - 1);
      return { ...none, distance: o.integer('distance', { otherwise }) };
    }
    case 'uniform': {
      const max = uniformDistances(colors).length;
      const because = `a distance takes one colour more than it is far, and the fabric has ${colors}`;
      const otherwise = Math.max(1, Math.min(max, width - 1));
      return { ...none, distance: o.integer('distance', { max, because, otherwise }) };
    }
    case 'transpose': {
      if (width === height && width <= colors) return none;
      const why = `each column takes a colour, and the fabric has ${colors}`;
      throw new ConfigError(
        `kernel traffic: mesh: expected a square up to ${colors}x${colors} (${why}), found ${width}x${height}`,
      );
    }
    case 'hot-spot': {
      const others = width * height - 1;
      const max = Math.min(colors, others);
      const because =
        others > colors
          ? `each source takes a colour at the hot spot, and the fabric has ${colors}`
          : 'the other cores of the mesh';
      return { ...none, sources: o.integer('sources', { max, because, otherwise: max }) };
    }
  }
}

/** The loads of `--loads 0.05,0.1`, if it is given; the options without it. */
export function splitLoads(given: KernelOptions): { loads?: number[]; others: KernelOptions } {
  const { loads: text, ...others } = given;
  if (text === undefined) return { others };
  const parts = Array.isArray(text) ? text : String(text).split(',');
  const loads = parts.map((part) => (String(part).trim() === '' ? NaN : Number(part)));
  const fits = loads.every((load) => load > 0 && load <= 1);
  if (!fits || loads.length > MOST_LOADS)
    throw new ConfigError(
      `kernel traffic: loads: expected up to ${MOST_LOADS} numbers over 0 and up to 1, ` +
        `such as 0.05,0.1,0.2, found ${parts.join(',')}`,
    );
  if (others.load !== undefined)
    throw new ConfigError('kernel traffic: load: expected nothing next to loads, found both');
  return { loads, others };
}
