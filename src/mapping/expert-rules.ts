/** The rules that a simulation of experts rests on, in words. */
import type { Asked } from './mapping.js';

/** @param placed how experts lie on the columns of their layer */
export function expertRules(
  workload: Asked['workload'],
  placed: Asked['placement']['experts'] = 'sliced',
): string[] {
  const scores =
    'Scores of experts are 32 bits; a row finds the places of some experts among all, and of equal scores the lower number is first.';
  if (placed === 'sliced')
    return [
      'Every core keeps a slice of every expert and multiplies those that are chosen, so that times do not depend on the choice.',
      scores,
    ];
  return [
    "A strip of columns keeps a slice of each of its experts and multiplies those that are chosen; columns without any add zeros to their row's sum, so that times depend on how many each strip has.",
    choiceRule(workload),
    'Which of the chosen experts a strip has is known when its step is written; finding it out takes one subtraction for all of them, and no branch.',
    scores,
  ];
}

/** Who chooses the experts of strips. */
function choiceRule({ data, routing, routingDraws, routingSkew }: Asked['workload']): string {
  if (data)
    return "A step is written for the plain decoder's choice of experts, and the run stops if the simulated cores choose others.";
  const drawn = (how: string) =>
    `Experts are drawn ${how}, for each layer and token anew and none twice, by workload.seed; a step has those of one drawn token, for all users, and ${routingDraws} tokens are simulated (workload.routingDraws).`;
  if (routing === undefined || routing === 'uniform') return drawn('with equal chances');
  if (routing === 'skewed')
    return drawn(
      `by popularity, 1 / (rank + c), of which the largest is ${routingSkew} times the mean (workload.routingSkew) and ranks are others in each layer`,
    );
  return `Experts are those of ${routing}, of up to ${routingDraws} tokens of it (workload.routingDraws); a step has those of one token, for all users.`;
}
