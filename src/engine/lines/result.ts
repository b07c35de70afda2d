/** What is known of a line once it was simulated. */
import { latestOf } from '../engine.js';
import { NEVER } from '../fast/machine-code.js';
import type { MoveBits } from './move-bits.js';
import type { LineCounts, Shape } from './table.js';
import { mix, mixAll } from '../../numeric/mix.js';

/** What came of a line; its times count from its first start. */
export interface LineResult {
  /** By actor: when it starts and ends its part, and cycles in which it waits for output (none if all are 0). */
  starts: Int32Array;
  ends: Int32Array;
  waitOutput?: Int32Array;
  /**
   * Of the routers with several colours where their pointers are among these, if that can have an effect on the
   * result (`MOVES`).
   */
  places?: Int32Array;
  /** Pointers of those with which it was found last. */
  foundWith?: Int32Array;
  /** Where other lines leave pointers of its routers: router, cycle, pointer; in this order. */
  nudges: Int32Array;
  /**
   * By router: the first and the last cycle with a move, and from when all places that it took, or its core in it,
   * are free again.
   */
  first: Int32Array;
  last: Int32Array;
  free: Int32Array;
  coreFree: Int32Array;
  /** From when all of these are; no cycle of it is later than the other one. */
  freeFrom: number;
  latest: number;
  /** By router: where its pointer is in the end; whether what it did depends on where that was at first. */
  pointers: Uint8Array;
  depends: Uint8Array;
  /** Latest ends of labels: label, cycle and actor, one after the other. */
  labels: Int32Array;
  /** Of labels in which its cores wait: label, core-cycles, and those for output of them. */
  waits: Float64Array;
  hazards: number;
  counts: LineCounts;
  /** The same in every run. */
  hash: number;
  /** Where cores start in bunches: its quiet points (stretch.ts), or the result with other distances it was made of. */
  quiets?: readonly Quiet[];
  stretched?: Stretched;
  /** The cycles in which some routers move, once they were asked for. */
  moves?: MoveBits;
}

/** A router that never moves anything moves first in this cycle. */
export const NEVER_MOVES = NEVER[32];

/** Starts later than this after the first of a line are not for 32 bits. */
export const LATEST_START = 2 ** 29;

/** A point of a line at which nothing moves until some of its cores start (stretch.ts). */
export interface Quiet {
  /** From when on it is quiet; when the first of the cores after that starts. */
  from: number;
  to: number;
  /** Label, how many cores are in it then, and how many of them wait for output, one after the other. */
  labels: Int32Array;
  /** Actors that wait for output. */
  waiting: Int32Array;
}

/** A result of which another one is made, and by how much that is later after each of its quiet points. */
export interface Stretched {
  of: LineResult;
  later: readonly number[];
}

/** From when all places of a line's routers, and its cores, are free. */
export function freeFrom({ actors }: Shape, free: Int32Array, coreFree: Int32Array): number {
  let from = latestOf(free);
  for (let i = 0; i < actors.length; i++) from = Math.max(from, coreFree[actors[i]]);
  return from;
}

/** The latest cycle of a line. */
export function latestIn(ends: Int32Array, last: Int32Array, freeFrom: number): number {
  return Math.max(freeFrom, latestOf(ends), latestOf(last));
}

/** Bytes of a result. */
export function bytesOf({ first, ends, nudges, waits }: LineResult): number {
  return 18 * first.length + 12 * ends.length + 4 * nudges.length + 8 * waits.length + 500;
}

/** A number that starts hardly have in common with others. */
export function keyOf(starts: Int32Array): number {
  return mixAll(0, starts);
}

/**
 * A number that two lines of one run hardly have in common unless they are of one shape and start alike. Where pointers
 * have to be is no part of it: with what a result was simulated first hangs on what came before.
 */
export function hashOf(shape: Shape, starts: Int32Array): number {
  const [a, b] = [mixAll(shape.hash, starts), mixOthers(~shape.hash, starts)];
  return (a >>> 0) * 2 ** 21 + ((b >>> 11) & 0x1fffff);
}

function mixOthers(hash: number, starts: Int32Array): number {
  for (let i = 0; i < starts.length; i++) hash = mix(hash, ~starts[i]);
  return hash;
}
