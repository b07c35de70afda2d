/**
 * Reduce: the sum of one vector per core of a row of cores, into core 0. Chain, tree, star and
 * two-phase as in Luczynski et al., "Near-Optimal Wafer-Scale Reduce" (HPDC 2024); the last two
 * differ in what a core without switch positions can do, see there.
 */
import type { FloatType, WaferSpec } from '../program/builder.js';
import type { Program } from '../program/program.js';
import { chainReduce } from './reduce-chain.js';
import { starReduce } from './reduce-star.js';
import { treeReduce } from './reduce-tree.js';
import { twoPhaseReduce } from './reduce-two-phase.js';

export const REDUCE_ALGORITHMS = ['chain', 'tree', 'star', 'two-phase'] as const;

export interface ReduceOptions {
  algorithm: (typeof REDUCE_ALGORITHMS)[number];
  /** Cores of the row. */
  pes: number;
  /** Elements of each core's vector. */
  words: number;
  /** Cores of a group of the two-phase reduce. */
  group: number;
  dtype: FloatType;
}

/**
 * The program; each core's vector is its buffer `vector`, and core 0's holds the sum at the end.
 */
export function reduce(options: ReduceOptions, wafer: WaferSpec): Program {
  return { ...ALGORITHMS[options.algorithm](options, wafer), root: 0 };
}

const ALGORITHMS = {
  chain: chainReduce,
  tree: treeReduce,
  star: starReduce,
  'two-phase': twoPhaseReduce,
};
