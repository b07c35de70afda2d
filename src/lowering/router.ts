/**
 * The choice of a token's experts (docs/machine-model.md, section 5b): scores on a few columns, added up along y
 * and gathered along x at the root of every row; there each row finds the places of a few experts among all,
 * the column adds up what the rows have of the best, and the row receives their numbers and weights. Scores are
 * f32 from the product on, and of equal ones the lower number comes first.
 */
import { allReduce } from '../kernels/collectives.js';
import { MULTICAST } from '../kernels/line.js';
import { gatherOn } from '../kernels/line-gather.js';
import { biasedAt, choosesByShares, choosesBySigmoid, needsAllShares } from '../mapping/experts.js';
import type { LayerMatrices } from '../mapping/matrices.js';
import { LEAST } from '../numeric/types.js';
import {
  cell,
  fill,
  put,
  rank,
  send,
  special,
  store,
  vector,
  type CoreCode,
} from '../program/builder.js';
import { closeGroups, prepareGroups } from './expert-groups.js';
import { inputAt, layerLabel, squareAt, type ExpertsCore, type LayerCore } from './layer-core.js';
import { GATHER_COLORS } from './lines.js';
import { product, startProduct } from './product.js';
import { cheapest } from './special.js';

/** As published: it keeps a sum of zeros from dividing. */
const LEAST_TOTAL = 1e-20;

/** What a core of the router's columns can do before its token arrives. */
export function prepareRouter(
  core: CoreCode,
  matrices: LayerMatrices,
  { spec, shape, gather }: ExpertsCore,
): void {
  const { at } = core;
  if (gather === undefined) return;
  const bias = spec.router.bias === 'logit' ? at.routerBias : undefined;
  startProduct(core, matrices.router!, { out: at.expertScores, bias });
  if (gather.sends) return;
  if (spec.router.groups) prepareGroups(core, spec.router.groups);
  fill(core, 'f32', at.slots, shape.slots, 0);
  fill(core, 'f32', at.routerPeak, 1, LEAST.f32);
  fill(core, 'f32', at.routerTotal, 1, LEAST_TOTAL);
}

/** From the normed slice to `choice`: the numbers of the chosen experts and their weights. */
export function chooseExperts(core: CoreCode, layer: LayerCore, experts: ExpertsCore): void {
  const { row, model } = layer;
  const { spec, gather } = experts;
  const isRoot = gather !== undefined && gather.sends === undefined;
  core.label = layerLabel('router');
  if (gather) judge(core, layer, experts);
  core.label = layerLabel('experts choice');
  if (isRoot) {
    if (choosesByShares(spec)) takeShares(core, layer, experts);
    if (spec.router.groups) closeGroups(core, layer, experts, spec.router.groups);
    if (experts.ranked.length > 0) place(core, layer, experts);
    if (needsAllShares(spec)) addShares(core, layer, experts);
    allReduce(core, layer.column, 'add', 'f32', core.at.slots, experts.shape.slots);
    weigh(core, layer, experts);
  }
  if (!row.station.multicast) return;
  const choice = { type: model.dtype, at: core.at.choice, length: 2 * spec.topK };
  (isRoot ? send : store)(core, choice, row.colors[MULTICAST]);
}

/** The column's experts, and all of them at the root of the row. */
function judge(core: CoreCode, layer: LayerCore, { spec, shape, gather }: ExpertsCore): void {
  const { column, matrices, costs } = layer;
  const { at } = core;
  const { scores: length } = shape;
  const own = { type: 'f32', at: at.expertScores, length } as const;
  const x = spec.router.ownNorm ? normedForRouter(core, layer) : inputAt(core, layer);
  const bias = spec.router.bias === 'logit' ? at.routerBias : undefined;
  product(core, layer, matrices.router!, { x, out: own.at, bias });
  allReduce(core, column, 'add', 'f32', own.at, length);
  if (choosesBySigmoid(spec)) cheapest(core, costs, 'sigmoid', 'f32', own.at, length);
  const scores = cell(own.at);
  if (spec.router.bias === 'choice' && biasedAt(spec) === 'column')
    vector(core, 'add', 'f32', length, scores, scores, cell(at.routerBias));
  gatherOn(core, gather!, GATHER_COLORS, own);
}

/** The residual stream by the same mean square, times the router's own weights. */
function normedForRouter(core: CoreCode, layer: LayerCore): number {
  const { model, shape } = layer;
  const { at } = core;
  const [x, input] = [cell(at.x), cell(at.routerInput)];
  vector(core, 'mul', model.dtype, shape.dims, input, x, cell(squareAt(core, layer, 'stream'), 0));
  vector(core, 'mul', model.dtype, shape.dims, input, input, cell(at.routerNorm));
  return at.routerInput;
}

/**
 * Shares of all experts in place of their logits, then what the choice adds to each; the row's own ones keep theirs
 * without, of which weights are made.
 */
function takeShares(core: CoreCode, { shape, costs }: LayerCore, experts: ExpertsCore): void {
  const { spec, ranked } = experts;
  const { at } = core;
  const { count, router } = spec;
  const scores = cell(at.expertScores);
  const [peak, total] = [cell(at.routerPeak, 0), cell(at.routerTotal, 0)];
  vector(core, 'max', 'f32', count, peak, scores, peak);
  vector(core, 'sub', 'f32', count, scores, scores, peak);
  cheapest(core, costs, 'exp', 'f32', at.expertScores, count);
  vector(core, 'add', 'f32', count, total, scores, total);
  special(core, 'reciprocal', 'scalar', 'f32', total.at, 1);
  vector(core, 'mul', 'f32', count, scores, scores, total);
  fill(core, 'f32', total.at, 1, LEAST_TOTAL);
  if (ranked.length > 0) takeOwn(core, shape.rows, experts);
  if (router.bias === 'choice')
    vector(core, 'add', 'f32', count, scores, scores, cell(at.routerBias));
}

/** The scores of the row's own experts as they are now. */
function takeOwn(core: CoreCode, rows: number, { shape, ranked }: ExpertsCore): void {
  const { at } = core;
  const judged = cell(at.expertScores + ranked[0], rows);
  vector(core, 'move', 'f32', ranked.length, cell(at.candidates + 1, shape.entry), judged);
}

/** Puts those of the row's experts that are among the best into their slots, which the column adds up. */
function place(core: CoreCode, layer: LayerCore, experts: ExpertsCore): void {
  const { spec, shape, ranked } = experts;
  const { at } = core;
  const { entry } = shape;
  if (spec.router.bias === 'choice' && !choosesByShares(spec)) {
    const judged = cell(at.expertScores + ranked[0], layer.shape.rows);
    const scores = cell(at.candidates + 1, entry);
    vector(core, 'sub', 'f32', ranked.length, scores, judged, cell(at.candidateBias));
  } else if (!choosesByShares(spec)) takeOwn(core, layer.shape.rows, experts);
  for (const [i, expert] of ranked.entries()) {
    const own = at.expertScores + expert;
    rank(core, { at: at.expertScores, length: spec.count, own, to: at.rank });
    const from = at.candidates + i * entry;
    const slot = { from, length: entry, to: at.slots, stride: entry };
    put(core, 'f32', { test: at.rank, below: spec.topK, ...slot });
  }
}

/** What the row's experts add to the sum of which weights are shares. */
function addShares(core: CoreCode, { costs }: LayerCore, experts: ExpertsCore): void {
  const { spec, ranked, shape } = experts;
  const { at } = core;
  const peak = cell(at.routerPeak, 0);
  const shares = cell(at.candidateShares);
  const total = cell(at.slots + shape.slots - 1, 0);
  vector(core, 'max', 'f32', spec.count, peak, cell(at.expertScores), peak);
  const { length } = ranked;
  vector(core, 'sub', 'f32', length, shares, cell(at.candidates + 1, shape.entry), peak);
  cheapest(core, costs, 'exp', 'f32', at.candidateShares, length);
  vector(core, 'add', 'f32', length, total, shares, total);
}

/** From the slots to the numbers of the chosen experts and their weights. */
function weigh(core: CoreCode, { model, costs }: LayerCore, { spec, shape }: ExpertsCore): void {
  const { topK, router } = spec;
  const { at } = core;
  const { dtype } = model;
  const entry = (word: number) => cell(at.slots + word, shape.entry);
  const weights = cell(at.expertWeights);
  const areReady = choosesBySigmoid(spec) || choosesByShares(spec);
  vector(core, 'move', dtype, topK, cell(at.choice), entry(0));
  if (areReady || router.score === 'sigmoid') {
    vector(core, 'move', 'f32', topK, weights, entry(1));
    if (!areReady) cheapest(core, costs, 'sigmoid', 'f32', at.expertWeights, topK);
  } else {
    const peak = cell(at.routerPeak, 0);
    // Where all experts have shares it is the largest score of all, which is known.
    if (!needsAllShares(spec)) vector(core, 'max', 'f32', topK, peak, entry(1), peak);
    vector(core, 'sub', 'f32', topK, weights, entry(1), peak);
    cheapest(core, costs, 'exp', 'f32', at.expertWeights, topK);
  }
  const factor = divisor(core, spec, shape.slots);
  const result = cell(at.choice + topK);
  vector(core, 'mul', dtype, topK, result, weights, factor);
  if (router.perExpertScale) vector(core, 'mul', dtype, topK, result, result, entry(2));
}

/** What weights are multiplied by: the scale, over their sum if they are shares. */
function divisor(core: CoreCode, spec: ExpertsCore['spec'], slots: number) {
  const { topK, router } = spec;
  const { at } = core;
  const areShares = router.score === 'sigmoid' || choosesByShares(spec);
  if (areShares && !router.renormalise) return { constant: router.scale };
  const total = cell(needsAllShares(spec) ? at.slots + slots - 1 : at.routerTotal, 0);
  if (!needsAllShares(spec)) vector(core, 'add', 'f32', topK, total, cell(at.expertWeights), total);
  special(core, 'reciprocal', 'scalar', 'f32', total.at, 1);
  if (router.scale !== 1) vector(core, 'mul', 'f32', 1, total, total, { constant: router.scale });
  return total;
}
