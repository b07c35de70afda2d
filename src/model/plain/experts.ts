/** A mixture of experts: each token goes through a few of many gated MLPs (Shazeer et al. 2017, arXiv 1701.06538). */
import type { ExpertsSpec } from '../mlp-spec.js';
import type { ExpertsWeights } from '../model-weights.js';
import { gatedMlp } from './mlp.js';
import { rmsNorm, type NormRule } from './norm.js';
import { choose, type Choice, type Inputs } from './router.js';
import { add, multiply, scaleBy, sigmoid } from './vectors.js';

/**
 * What the experts and all that stands next to them compute for one token.
 * @param asked experts to go through whatever the router says
 */
export function expertsMlp(
  spec: ExpertsSpec,
  weights: ExpertsWeights,
  rule: NormRule,
  { stream, normed }: Inputs,
  asked?: readonly number[],
): { output: Float64Array; choice: Choice } {
  const choice = choose(spec, weights, { stream, normed }, rule.normEpsilon, asked);
  const output = spec.parallel
    ? parallelMlp(spec, weights, rule, { stream, normed }, choice)
    : mixture(spec, weights, normed, choice);
  if (spec.shared) add(output, sharedExpert(spec, weights, normed));
  return { output, choice };
}

/** The experts and a dense MLP, each with its own norms. */
function parallelMlp(
  spec: ExpertsSpec,
  weights: ExpertsWeights,
  rule: NormRule,
  { stream, normed }: Inputs,
  choice: Choice,
): Float64Array {
  const { mlp, outNorm, expertsNorm, expertsOutNorm } = weights.parallel!;
  const output = rmsNorm(gatedMlp({ act: spec.act, bias: false }, mlp, normed), outNorm, rule);
  const mixed = mixture(spec, weights, rmsNorm(stream, expertsNorm, rule), choice);
  add(output, rmsNorm(mixed, expertsOutNorm, rule));
  return output;
}

/** The chosen experts' outputs, each times its weight; or of inputs times their weights. */
function mixture(
  spec: ExpertsSpec,
  { experts }: ExpertsWeights,
  input: Float64Array,
  { taken, weights }: Choice,
): Float64Array {
  const sum = new Float64Array(input.length);
  for (const [i, expert] of taken.entries()) {
    const weight = weights[i];
    if (spec.router.scalesInput)
      add(
        sum,
        gatedMlp(
          spec,
          experts[expert],
          input.map((value) => value * weight),
        ),
      );
    else add(sum, gatedMlp(spec, experts[expert], input), weight);
  }
  return sum;
}

function sharedExpert(
  { act, shared }: ExpertsSpec,
  weights: ExpertsWeights,
  normed: Float64Array,
): Float64Array {
  const output = gatedMlp({ act, bias: false }, weights.shared!, normed);
  if (shared!.gate) scaleBy(output, sigmoid(multiply(weights.sharedGate!, normed)[0]));
  return output;
}
