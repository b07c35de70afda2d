/** The choice of experts for a token. */
import type { ExpertsSpec, RouterSpec } from '../mlp-spec.js';
import type { ExpertsWeights } from '../model-weights.js';
import { unitNorm } from './norm.js';
import { add, multiply, scaleBy, sigmoid, softmax } from './vectors.js';

/** The residual stream before the MLP, and after the norm before the MLP. */
export interface Inputs {
  stream: Float64Array;
  normed: Float64Array;
}

/** What a router chose for one token. */
export interface Choice {
  /** Numbers of the chosen experts, the best first; of equal ones the lower number. */
  experts: number[];
  /** Those that the token goes through: these, or others that were asked for; what each is multiplied by. */
  taken: readonly number[];
  weights: number[];
  /**
   * How near the best expert that was left out came to the last chosen one, or the best group that was left
   * out to the last kept one: the lesser difference of what was compared; and the same per largest size of
   * what was compared. Infinity if nothing was left out.
   */
  gap: number;
  margin: number;
  /** What was compared, of every expert, closed groups' too; and of every group the sum of its two best. */
  compared: Float64Array;
  groups?: { keep: number; totals: Float64Array };
}

/** @param asked experts to go through whatever the scores say */
export function choose(
  spec: ExpertsSpec,
  weights: ExpertsWeights,
  { stream, normed }: Inputs,
  epsilon: number,
  asked?: readonly number[],
): Choice {
  const { router } = spec;
  const input = router.ownNorm ? ownInput(stream, weights, epsilon) : normed;
  const logits = multiply(weights.router, input);
  if (router.bias === 'logit') add(logits, weights.routerBias!);
  const scores = scoresOf(router, logits);
  // Scores rise with logits, which tell experts apart where scores are all but 0 or 1.
  const compared = router.bias === 'choice' || router.groups ? scores.slice() : logits;
  if (router.bias === 'choice') add(compared, weights.routerBias!);
  const totals = router.groups && groupTotals(compared, router.groups.count);
  const groups = totals && largest(totals, router.groups!.keep);
  const open = groups ? closeGroups(compared, totals.length, groups.best) : compared;
  const { best, gap, margin } = largest(open, spec.topK);
  const taken = asked ?? best;
  return {
    experts: best,
    taken,
    weights: weightsOf(router, weights, taken, scores),
    gap: Math.min(gap, groups?.gap ?? Infinity),
    margin: Math.min(margin, groups?.margin ?? Infinity),
    compared,
    ...(groups && { groups: { keep: groups.best.length, totals } }),
  };
}

/** The residual stream, normed without weights, each element times its own scale and 1/sqrt(dim). */
function ownInput(
  stream: Float64Array,
  { routerScale }: ExpertsWeights,
  epsilon: number,
): Float64Array {
  const normed = unitNorm(stream, epsilon).map((value, i) => value * routerScale![i]);
  scaleBy(normed, 1 / Math.sqrt(normed.length));
  return normed;
}

/** What weights are made of. */
function scoresOf({ score }: RouterSpec, logits: Float64Array): Float64Array {
  if (score === 'sigmoid') return logits.map(sigmoid);
  return score === 'softmax' ? softmax(logits) : logits;
}

/** A group is as good as its two best. */
function groupTotals(compared: Float64Array, count: number): Float64Array {
  const size = compared.length / count;
  return Float64Array.from({ length: count }, (_, group) => {
    const own = compared.slice(group * size, (group + 1) * size).toSorted();
    return own[size - 1] + (size > 1 ? own[size - 2] : 0);
  });
}

/** Takes the experts of all but some groups out of the choice. */
export function closeGroups(
  compared: Float64Array,
  count: number,
  open: readonly number[],
): Float64Array {
  const size = compared.length / count;
  return compared.map((score, expert) =>
    open.includes(Math.floor(expert / size)) ? score : -Infinity,
  );
}

interface Largest {
  /** Numbers of the largest, falling; of equal ones the lower first. */
  best: number[];
  gap: number;
  margin: number;
}

function largest(scores: Float64Array, count: number): Largest {
  // The sort keeps the order of equal scores.
  const order = [...scores.keys()].toSorted((a, b) => scores[b] - scores[a]);
  const gap = count < order.length ? scores[order[count - 1]] - scores[order[count]] : Infinity;
  let size = 0;
  for (const score of scores) if (Number.isFinite(score)) size = Math.max(size, Math.abs(score));
  return { best: order.slice(0, count), gap, margin: gap === 0 ? 0 : gap / size };
}

function weightsOf(
  { score, renormalise, scale, perExpertScale }: RouterSpec,
  weights: ExpertsWeights,
  taken: readonly number[],
  scores: Float64Array,
): number[] {
  const chosen = Float64Array.from(taken, (expert) => scores[expert]);
  const shares = score === 'softmax-of-top' ? softmax(chosen) : chosen;
  let sum = 0;
  for (const share of shares) sum += share;
  // As published: it keeps a sum of zeros from dividing.
  const divisor = renormalise ? sum + 1e-20 : 1;
  return taken.map((expert, i) => {
    const own = perExpertScale ? weights.perExpertScale![expert] : 1;
    return (shares[i] / divisor) * scale * own;
  });
}
