/** What is said of decoding with drafted tokens, as a terminal, a page and a comparison show it. */
import type { PlacementResult, RoundRows, SpeculationResult } from './document.js';
import { count, fixed, share } from './numbers.js';
import { shown } from './shown.js';

/** The rows of a round in their order, with what they are called. */
export const ROUND_ROWS: readonly [keyof RoundRows, title: string][] = [
  ['draft', 'draft'],
  ['verify', 'verify (a plain token)'],
  ['spacing', 'spacing'],
  ['comparison', 'comparison'],
  ['transport', 'transport'],
  ['rollback', 'rollback'],
  ['others', 'other users'],
];

/** How often drafted tokens are taken to be right: `acceptance 0.8 assumed`, or as they were computed. */
export function acceptanceText({ assumedAcceptance: assumed, ...of }: SpeculationResult): string {
  if (assumed !== undefined) return `acceptance ${chancesText(assumed)} assumed`;
  return of.drafted === 0
    ? 'nothing drafted'
    : `${count(of.accepted)} of ${count(of.drafted)} drafted tokens accepted, as computed`;
}

function chancesText(assumed: number | readonly number[]): string {
  return typeof assumed === 'number' ? String(assumed) : assumed.join(', ') || 'of no token';
}

/**
 * The speed of one user: with an assumed acceptance the mean of all draws, which one run's draws only come near.
 */
export function speculativeSpeed({ expected, tokensPerSecondPerUser: own }: SpeculationResult) {
  return expected?.tokensPerSecondPerUser ?? own;
}

/** Names and values, in lines or in a list. */
export function speculationFacts(speculation: SpeculationResult): [name: string, value: string][] {
  const { expected, tokensPerRound, tokens, rounds, cyclesPerRound, draft, users } = speculation;
  const given = expected?.tokensPerRound ?? tokensPerRound;
  const found: [string, string][] = [
    [
      'speculative',
      `${fixed(speculativeSpeed(speculation), 1)} tokens/s per user, ${acceptanceText(speculation)}`,
    ],
    [
      'round',
      `${count(expected?.cyclesPerRound ?? cyclesPerRound)} cycles for ${fixed(given, 2)} of ${tokens} tokens, drafted by ${shown(draft)}`,
    ],
  ];
  if (users !== undefined)
    found.push([
      'all users',
      `${fixed(users * speculativeSpeed(speculation), 1)} tokens/s of ${count(users)} users, ${acceptanceText(speculation)}`,
    ]);
  if (expected === undefined) return found;
  const many = rounds.length === 1 ? '1 round' : `${count(rounds.length)} rounds`;
  const speed = fixed(speculation.tokensPerSecondPerUser, 1);
  found.push([
    'drawn',
    `${many} with ${fixed(tokensPerRound, 2)} tokens each, ${speed} tokens/s per user`,
  ]);
  return found;
}

/** The rows of a mean round, and their sum. */
export function roundRows({ breakdown, cyclesPerRound }: SpeculationResult): string[][] {
  const rows = ROUND_ROWS.flatMap(([key, title]) => {
    const cycles = breakdown[key];
    return cycles === undefined ? [] : [[title, count(cycles), share(cycles, cyclesPerRound)]];
  });
  return [...rows, ['all', count(cyclesPerRound), share(cyclesPerRound, cyclesPerRound)]];
}

export const ROUND_HEAD = ['part of a round', 'cycles', 'share'];

/** Where the draft lies; nothing without one. */
export function draftPlaceText({ draft }: PlacementResult): string | undefined {
  if (draft === undefined) return undefined;
  const { model, shared: isShared, wafers, coresUsed, regions } = draft;
  const own = wafers === 1 ? 'a wafer of its own' : `${count(wafers)} wafers of its own`;
  const where = isShared ? "in the lower rows of the model's wafers" : `on ${own}`;
  return `draft ${shown(model)}: ${count(regions.length)} regions of ${count(coresUsed)} cores ${where}`;
}
