/**
 * Experts that come in groups, of which only the best are chosen from: each row of the root's column finds the
 * two best experts of some groups, the column adds up what the rows have found, and every row then takes the
 * experts of all but the best groups out of the choice.
 */
import { allReduce } from '../kernels/collectives.js';
import type { RouterSpec } from '../model/mlp-spec.js';
import { LEAST } from '../numeric/types.js';
import { append, cell, fill, put, rank, vector, type CoreCode } from '../program/builder.js';
import type { ExpertsCore, LayerCore } from './layer-core.js';

type Groups = NonNullable<RouterSpec['groups']>;

/** Cells of `groupBest`: the best score and its place, then the second one's; two constants. */
const [BEST, PLACE, SECOND, LOWEST, HIGHEST] = [0, 1, 2, 3, 4];

/** What the root's column can do before its token arrives. */
export function prepareGroups(core: CoreCode, { count }: Groups): void {
  const { at } = core;
  fill(core, 'f32', at.groupTotals, count, 0);
  fill(core, 'f32', at.groupLimits, count, LEAST.f32);
  fill(core, 'f32', at.groupBest + LOWEST, 1, LEAST.f32);
  fill(core, 'f32', at.groupBest + HIGHEST, 1, -LEAST.f32);
}

/** Lowers the scores of experts of all but the best groups below every other. */
export function closeGroups(
  core: CoreCode,
  { column, shape }: LayerCore,
  { spec, rowIndex }: ExpertsCore,
  { count, keep }: Groups,
): void {
  const { at } = core;
  const size = spec.count / count;
  for (let group = rowIndex; group < count; group += shape.rows) addTwoBest(core, group, size);
  allReduce(core, column, 'add', 'f32', at.groupTotals, count);
  for (let group = 0; group < count; group++) {
    const limit = at.groupLimits + group;
    const own = at.groupTotals + group;
    rank(core, { at: at.groupTotals, length: count, own, to: at.rank });
    const open = { from: at.groupBest + HIGHEST, length: 1, to: limit, stride: 0 };
    put(core, 'f32', { test: at.rank, below: keep, ...open });
    const scores = cell(at.expertScores + group * size);
    vector(core, 'min', 'f32', size, scores, scores, cell(limit, 0));
  }
}

/** The group's two best scores added up; the best one is out of the way while the second is looked for. */
function addTwoBest(core: CoreCode, group: number, size: number): void {
  const { at } = core;
  const scores = at.expertScores + group * size;
  const [best, place, second] = [BEST, PLACE, SECOND].map((word) => at.groupBest + word);
  const largest = (value: number, id: number) =>
    append(core, { kind: 'argmax', type: 'f32', at: scores, length: size, first: 0, value, id });
  const overwrite = (from: number) =>
    put(core, 'f32', { test: place, below: size, from, length: 1, to: scores, stride: 1 });
  largest(best, place);
  overwrite(at.groupBest + LOWEST);
  largest(second, at.rank);
  overwrite(best);
  vector(core, 'add', 'f32', 1, cell(at.groupTotals + group), cell(best), cell(second));
}
