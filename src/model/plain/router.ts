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
  /** What each of them is multiplied by. */
  weights: number[];
  /**
   * By which share of the last chosen score the next one is lower, or by which share of the last kept
   * group's score the next group's is: the lesser. Infinity if nothing was left out.
   */
  margin: number;
}

export function choose(
  spec: ExpertsSpec,
  weights: ExpertsWeights,
  { stream, normed }: Inputs,
  epsilon: number,
): Choice {
  const { router } = spec;
  const input = router.ownNorm ? ownInput(stream, weights, epsilon) : normed;
  const logits = multiply(weights.router, input);
  if (router.bias === 'logit') add(logits, weights.routerBias!);
  const scores = scoresOf(router, logits);
  const judged = scores.slice();
  if (router.bias === 'choice') add(judged, weights.routerBias!);
  const groups = router.groups && keepGroups(judged, router.groups);
  const { best, margin } = largest(judged, spec.topK);
  return {
    experts: best,
    weights: weightsOf(router, weights, best, scores),
    margin: Math.min(margin, groups?.margin ?? Infinity),
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

/** By which experts are judged, and by which their weights are made. */
function scoresOf({ score }: RouterSpec, logits: Float64Array): Float64Array {
  if (score === 'sigmoid') return logits.map(sigmoid);
  return score === 'softmax' ? softmax(logits) : logits;
}

/** Takes the experts of all but the best groups out of the choice; a group is as good as its two best. */
function keepGroups(
  judged: Float64Array,
  { count, keep }: NonNullable<RouterSpec['groups']>,
): { margin: number } {
  const size = judged.length / count;
  const totals = Float64Array.from({ length: count }, (_, group) => {
    const [first, second = 0] = judged
      .slice(group * size, (group + 1) * size)
      .toSorted()
      .reverse();
    return first + second;
  });
  const { best, margin } = largest(totals, keep);
  for (let group = 0; group < count; group++)
    if (!best.includes(group)) judged.fill(-Infinity, group * size, (group + 1) * size);
  return { margin };
}

/** Numbers of the `count` largest, falling, of equal ones the lower first; and how near the next one came. */
function largest(scores: Float64Array, count: number): { best: number[]; margin: number } {
  // The sort keeps the order of equal scores.
  const order = [...scores.keys()].toSorted((a, b) => scores[b] - scores[a]);
  const [last, next] = [scores[order[count - 1]], scores[order[count]] ?? -Infinity];
  return { best: order.slice(0, count), margin: (last - next) / Math.abs(last) };
}

function weightsOf(
  { score, renormalise, scale, perExpertScale }: RouterSpec,
  weights: ExpertsWeights,
  best: number[],
  scores: Float64Array,
): number[] {
  const chosen = Float64Array.from(best, (expert) => scores[expert]);
  const shares = score === 'softmax-of-top' ? softmax(chosen) : chosen;
  let sum = 0;
  for (const share of shares) sum += share;
  // As published: it keeps a sum of zeros from dividing.
  const divisor = renormalise ? sum + 1e-20 : 1;
  return best.map((expert, i) => {
    const own = perExpertScale ? weights.perExpertScale![expert] : 1;
    return (shares[i] / divisor) * scale * own;
  });
}
