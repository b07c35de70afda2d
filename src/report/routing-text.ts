/** What is said of runs whose experts lie in strips, as a terminal, a page and a comparison show it. */
import type { RoutingResult } from './document.js';
import { count, fixed } from './numbers.js';

/** Whose choices they are. */
export function choicesText({ source, tokens }: RoutingResult): string {
  const many = tokens === 1 ? '1 token' : `${count(tokens)} tokens`;
  switch (source) {
    case 'trace':
      return `${many} of the file's`;
    case 'reference':
      return `${many} as the plain decoder chooses`;
    default:
      return `${many} drawn, ${source}`;
  }
}

/** Names and values, in lines or in a table; every number of cycles is simulated. */
export function routingFacts(routing: RoutingResult): [name: string, value: string][] {
  const { largestLoad, cyclesPerToken: cycles, tokensPerSecondPerUser: rates } = routing;
  const { balancedCycles, imbalanceCycles } = routing;
  const found: [string, string][] = [
    [
      'experts',
      `${choicesText(routing)}; the fullest strip of a layer has ${loadText(routing)} of a token's on average, ${count(largestLoad.least)} to ${count(largestLoad.most)}`,
    ],
  ];
  if (cycles === undefined || rates === undefined) return found;
  found.push([
    'of these',
    `${count(cycles.mean)} cycles on average (${count(cycles.least)} to ${count(cycles.most)}), ${rateText(routing)} tokens/s per user`,
  ]);
  if (balancedCycles !== undefined && imbalanceCycles !== undefined)
    found.push([
      'balanced',
      `${count(balancedCycles)} cycles with as many experts in every strip; ${count(imbalanceCycles)} lost to imbalance on average`,
    ]);
  return found;
}

/** The mean of layers and tokens. */
export function loadText({ largestLoad }: RoutingResult): string {
  return fixed(largestLoad.mean, 2);
}

/** `306.2 (301.5 to 310.8)`; empty where steps of other choices were not simulated. */
export function rateText({ tokensPerSecondPerUser: rates }: RoutingResult): string {
  if (rates === undefined) return '';
  return `${fixed(rates.mean, 1)} (${fixed(rates.least, 1)} to ${fixed(rates.most, 1)})`;
}
