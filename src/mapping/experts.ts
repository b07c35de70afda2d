/**
 * How a mixture of experts and its router are cut over the cores of a layer (docs/machine-model.md, section 5b).
 * Every core keeps a slice of every expert, as of a dense MLP's matrices; or columns form strips, each with some
 * experts, and a core keeps a slice of every expert of its strip. The router's matrix lies on a few
 * columns around the root of the rows, some experts on each; each row of the root's column finds the places of
 * some experts among all.
 */
import { widenedTypesOf } from '../model/formats.js';
import type { ExpertsSpec } from '../model/mlp-spec.js';
import type { ModelSpec } from '../model/model.js';
import type { AddBuffer } from './buffers.js';

/** Experts that a column of the router judges at least, and columns that it has at most. */
const LEAST_SCORES = 4;
const MOST_COLUMNS = 64;

export interface ExpertsShape {
  /** Strips of columns, columns of each, and its experts; columns that are left over have none. */
  strips: number;
  stripColumns: number;
  held: number;
  /** Units on a column of the expert that every token goes through. */
  sharedInner: number;
  /** Units on a column of the dense MLP next to the experts. */
  parallelInner: number;
  /** Units on a column of all that a token goes through, if as many of its experts as can be are of one strip. */
  units: number;
  /** Words of the sum of gate and up: two of each unit, and what the shared expert's gate is made of. */
  sums: number;
  /** Columns of the router, and experts that each of them judges. */
  routerColumns: number;
  scores: number;
  /** Experts whose places a row finds, at most. */
  ranked: number;
  /** Words of a chosen expert: its number, its score, and what its weight is multiplied by if it has that. */
  entry: number;
  /** Words of all chosen ones, and of what else the rows add up for their weights. */
  slots: number;
  /** Experts whose biases lie on one row, and on one column. */
  biasesOfRow: number;
  biasesOfColumn: number;
}

/** What a column of cores has of the router: its scores, and at the root of the rows the choice too. */
export type RouterPart = 'column' | 'root';

/** @param strips a divisor of the number of experts, at most one for each column */
export function expertsShape(
  spec: ExpertsSpec,
  rows: number,
  columns: number,
  strips: number,
): ExpertsShape {
  const { count, topK, inner, shared, parallel, router } = spec;
  const least = Math.max(LEAST_SCORES, Math.ceil(count / Math.min(MOST_COLUMNS, columns)));
  const scores = Math.min(count, least);
  const sharedInner = Math.ceil((shared?.inner ?? 0) / columns);
  const parallelInner = Math.ceil((parallel?.inner ?? 0) / columns);
  const stripColumns = Math.floor(columns / strips);
  const held = count / strips;
  const besides = sharedInner + parallelInner;
  const units = Math.min(topK, held) * Math.ceil(inner / stripColumns) + besides;
  const entry = router.perExpertScale ? 3 : 2;
  // Field by field, as in shapes.ts.
  return {
    strips,
    stripColumns,
    held,
    sharedInner,
    parallelInner,
    units,
    sums: sumsOf(spec, units),
    routerColumns: Math.ceil(count / scores),
    scores,
    ranked: Math.ceil(count / rows),
    entry,
    slots: topK * entry + (needsAllShares(spec) ? 1 : 0),
    biasesOfRow: Math.ceil(held / rows),
    biasesOfColumn: Math.ceil(held / stripColumns),
  };
}

/** Words that a column with so many units adds up. */
export function sumsOf({ shared }: ExpertsSpec, units: number): number {
  return 2 * units + (shared?.gate ? 1 : 0);
}

/** A column's place among the strips: its strip, -1 if it has none, and its number there. */
export function stripOf({ strips, stripColumns }: ExpertsShape, column: number) {
  const strip = Math.floor(column / stripColumns);
  return { strip: strip < strips ? strip : -1, column: column % stripColumns };
}

/**
 * The slots of a token's experts by strips: which of the chosen, the best first, each strip has.
 */
export type StripSlots = readonly (readonly number[])[];

/** Without strips every column computes all of the chosen. */
export function allSlots({ topK }: ExpertsSpec): StripSlots {
  return [Array.from({ length: topK }, (_, slot) => slot)];
}

/** Slots in turn for strips that have so many of the chosen each. */
export function slotsFor(loads: readonly number[]): StripSlots {
  let from = 0;
  return loads.map((load) => Array.from({ length: load }, () => from++));
}

/** As many of the chosen in each strip as can be. */
export function balancedLoads({ topK }: ExpertsSpec, strips: number): number[] {
  return Array.from(
    { length: strips },
    (_, strip) => Math.floor(((strip + 1) * topK) / strips) - Math.floor((strip * topK) / strips),
  );
}

const largestLoads = new Map<string, number>();

/**
 * Experts that the strip with most of a token's has, on average over all choices: each load's share of choices is
 * the coefficient of x^topK in (sum of C(held, j) x^j up to it)^strips, over C(count, topK). For estimates alone.
 */
export function meanLargestLoad({ count, topK }: ExpertsSpec, strips: number): number {
  const key = `${count} ${topK} ${strips}`;
  let mean = largestLoads.get(key);
  if (mean === undefined) {
    const held = count / strips;
    const all = waysUpTo(Math.min(topK, held), held, strips, topK);
    let above = 0;
    for (let load = 0; load < Math.min(topK, held); load++)
      above += 1 - waysUpTo(load, held, strips, topK) / all;
    largestLoads.set(key, (mean = above));
  }
  return mean;
}

/** Ways to choose so many experts with at most `most` of any strip, up to a factor that all have. */
function waysUpTo(most: number, held: number, strips: number, topK: number): number {
  const ofStrip = [1];
  for (let j = 1; j <= most; j++) ofStrip.push((ofStrip[j - 1] * (held - j + 1)) / j);
  let ways = [1];
  for (let strip = 0; strip < strips; strip++) {
    const next = Array.from({ length: topK + 1 }, () => 0);
    for (const [i, way] of ways.entries())
      for (let j = 0; j <= most && i + j <= topK; j++) next[i + j] += way * ofStrip[j];
    ways = next;
  }
  return ways[topK];
}

/** Are weights shares of all experts, and not of the chosen ones alone, where no shares are compared? */
export function needsAllShares({ router }: ExpertsSpec): boolean {
  return router.score === 'softmax' && !router.renormalise && !choosesByShares({ router });
}

/** Are experts chosen by their shares of all? Each row's root then finds them all, as it has all logits. */
export function choosesByShares({ router }: Pick<ExpertsSpec, 'router'>): boolean {
  return router.score === 'softmax' && (router.bias === 'choice' || router.groups !== undefined);
}

/** Are experts chosen by their sigmoids? Otherwise by logits, which rise with what weights are made of. */
export function choosesBySigmoid({ router }: ExpertsSpec): boolean {
  return router.score === 'sigmoid' && (router.bias === 'choice' || router.groups !== undefined);
}

/** Where the router's bias lies: with the experts of each column, or all of it where their shares are compared. */
export function biasedAt({ router }: Pick<ExpertsSpec, 'router'>): 'column' | 'root' | undefined {
  if (router.bias === 'none') return undefined;
  return router.bias === 'choice' && choosesByShares({ router }) ? 'root' : 'column';
}

/** What the columns of the router keep in addition to its matrix. */
export function addRouter(
  add: AddBuffer,
  model: ModelSpec,
  spec: ExpertsSpec,
  { dims, of }: { dims: number; of: ExpertsShape },
  part: RouterPart,
): void {
  const { topK, router } = spec;
  if (router.ownNorm) {
    add('routerNorm', model.dtype, dims, true);
    add('routerInput', model.dtype, dims);
  }
  const isRoot = part === 'root';
  const bias = biasedAt(spec);
  if (bias === 'column') add('routerBias', 'f32', of.scores, true);
  add('expertScores', 'f32', of.scores * (isRoot ? of.routerColumns : 1));
  if (!isRoot) return;
  if (router.groups) {
    add('groupTotals', 'f32', router.groups.count);
    add('groupLimits', 'f32', router.groups.count);
    add('groupBest', 'f32', 5);
  }
  // The numbers of the row's own experts, and what else is known of them before a token comes.
  add('candidates', 'f32', of.ranked * of.entry, true);
  if (bias === 'root') add('routerBias', 'f32', spec.count, true);
  else if (router.bias === 'choice') add('candidateBias', 'f32', of.ranked, true);
  if (needsAllShares(spec)) add('candidateShares', 'f32', of.ranked);
  add('rank', 'f32', 1);
  add('slots', 'f32', of.slots);
  add('expertWeights', 'f32', topK);
  add('routerPeak', 'f32', 1);
  add('routerTotal', 'f32', 1);
}

/** What every core keeps of the experts in addition to their matrices. */
export function addExperts(
  add: AddBuffer,
  model: ModelSpec,
  spec: ExpertsSpec,
  { dims, inner, of }: { dims: number; inner: number; of: ExpertsShape },
): void {
  const { topK, router, bias, shared } = spec;
  const value = model.dtype;
  if (shared?.gate) add('sharedGate', value, dims, true);
  if (bias) {
    add('gateUpBias', value, of.biasesOfRow * 2 * inner, true);
    add('downBias', value, of.biasesOfColumn * dims, true);
    // The first expert whose biases lie on the row, and on the column; and the chosen ones counted from there.
    add('firstBiases', value, 2, true);
    add('biasOf', value, 2 * topK);
    add('ownBias', value, Math.max(2 * inner, dims));
  }
  // The first expert of the strip, and the chosen ones counted from there.
  if (of.strips > 1) {
    add('firstExpert', value, 1, true);
    add('ownExperts', value, topK);
  }
  if (router.scalesInput) add('scaledInput', value, dims);
  if (widenedTypesOf(model).includes('i8')) add('expertOut', value, dims);
  add('gateUp', value, of.sums);
  add('activated', value, of.units);
}
