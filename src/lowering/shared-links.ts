/**
 * Links that a stage's hand-off has in common with other stages. Stages are simulated one by one, so wavelets
 * of two of them never wait for each other on a link; this says which could, and what that costs at most.
 */
import { elementsPerWavelet } from '../numeric/types.js';
import { RAMP } from '../hardware/mesh.js';
import { visitRow, visitToken } from './hand-off.js';
import type { Rectangle, RouteVisitor } from './hand-off.js';
import { coreIn } from './joined.js';
import type { Source } from './core-writer.js';
import { handOffOf } from './stage.js';

/** A stage's program on its wafer; its links are numbered core * 4 + port. */
export interface StageLinks {
  wafer: number;
  /** Where the program's rectangle lies. */
  box: Rectangle;
  /**
   * The hand-off: links of each row's path (a token has one path), and the wavelets on each of them. Rows
   * that share a stream have one path, in which a link stands once for each row whose slice passes it.
   */
  paths: number[][];
  wavelets: number;
  /** Cycles from the first sender's start until the last receiver has everything, at most. */
  handOffCycles: number;
  /** Wavelets of the whole stage over each link. */
  linkWavelets: Float64Array;
  /** Colours that a core's router knows. */
  colorsAt(core: number): number;
}

/** Two stages whose wavelets want the same links. */
export interface SharedPair {
  /** The stage whose hand-off it is, and the other one: maybe the same, at work for another token. */
  handOff: number;
  other: number;
  links: number;
  /** Wavelets over these links, of both. */
  handOffWavelets: number;
  otherWavelets: number;
  /** Cycles that both lose at most, together, each time that they meet. */
  cyclesAtMost: number;
}

/** Links of each path from `source` to `region`, by number in a program's rectangle. */
export function pathsOf(source: Source, region: Rectangle, box: Rectangle): number[][] {
  const paths = new Map<number, number[]>();
  const addTo = (path: number): RouteVisitor => {
    const links = paths.get(path) ?? [];
    paths.set(path, links);
    return (x, y, _, __, outputs, slices) => {
      const core = (y - box.y) * box.width + (x - box.x);
      for (let port = 0; port < RAMP; port++)
        if ((outputs >> port) & 1) for (let i = 0; i < slices; i++) links.push(core * 4 + port);
    };
  };
  if (source.kind === 'token') visitToken(source.core, region, addTo(0));
  else {
    const plan = handOffOf(source, region);
    for (const [r, { relay }] of plan.rows.entries())
      visitRow(plan, r, source.region, region, addTo(source.shares ? relay : r));
  }
  return [...paths.values()];
}

/** Wavelets that a sender sends. */
export function waveletsOf({ length, type }: Source): number {
  return Math.ceil(length / elementsPerWavelet(type));
}

/**
 * The pairs of a hand-off and a stage that have links in common.
 * @param canMeet whether a token's hand-off (first) may be on its way while another token is at work in
 *   a stage (second)
 */
export function sharedLinks(
  stages: StageLinks[],
  canMeet: (handOff: number, other: number) => boolean,
): SharedPair[] {
  const pairs: SharedPair[] = [];
  stages.forEach((stage, handOff) => {
    const own = new Float64Array(stage.box.width * stage.box.height * 4);
    for (const links of stage.paths) for (const link of links) own[link] += stage.wavelets;
    stages.forEach((with_, other) => {
      if (!overlap(stage, with_) || !canMeet(handOff, other)) return;
      const pair = pairOf(stage, with_, own);
      if (pair.links > 0) pairs.push({ handOff, other, ...pair });
    });
  });
  return pairs;
}

/** Both on one wafer, and their rectangles overlap. */
function overlap({ wafer, box: a }: StageLinks, { wafer: on, box: b }: StageLinks): boolean {
  const across = a.x < b.x + b.width && b.x < a.x + a.width;
  return wafer === on && across && a.y < b.y + b.height && b.y < a.y + a.height;
}

/**
 * What a hand-off and another stage share. Of two wavelets that want one link the later one loses a
 * cycle to the other, so over a link no wavelet waits longer than for all wavelets of the other stage; nor
 * does one wavelet wait for more than one of each colour of the router, which lets them pass one after the other. The
 * hand-off is over when the slowest of its rows is. The other stage loses no more than if it stood
 * still as long as the hand-off lasts.
 */
function pairOf(
  stage: StageLinks,
  other: StageLinks,
  own: Float64Array,
): Omit<SharedPair, 'handOff' | 'other'> {
  const { box, paths, wavelets, handOffCycles } = stage;
  const counted = new Uint8Array(own.length);
  const shared = { links: 0, handOffWavelets: 0, otherWavelets: 0 };
  let slowest = 0;
  for (const links of paths) {
    let wait = 0;
    for (const link of links) {
      const core = coreIn(other.box, box, link >> 2);
      if (core < 0) continue;
      const all = other.linkWavelets[core * 4 + (link & 3)];
      const its = all - (stage === other ? own[link] : 0);
      if (its === 0) continue;
      wait += Math.min(its, wavelets * other.colorsAt(core));
      if (counted[link]) continue;
      counted[link] = 1;
      shared.links++;
      shared.handOffWavelets += own[link];
      shared.otherWavelets += its;
    }
    slowest = Math.max(slowest, wait);
  }
  const others = Math.min(handOffCycles + slowest, shared.handOffWavelets);
  return { ...shared, cyclesAtMost: slowest + others };
}
