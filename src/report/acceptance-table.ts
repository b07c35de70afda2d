/** Rounds of every number of tokens, and what acceptance makes of them, as text. */
import type { AcceptanceResult, RunDocument } from './document.js';
import { markdownTable, table } from './format.js';
import { count, fixed } from './numbers.js';

/** Cells of a table: heads, and a row for each number of tokens. */
export function acceptanceCells({ chances, target, rounds }: AcceptanceResult): {
  head: string[];
  rows: string[][];
} {
  const asked = target === undefined ? [] : [`for ${count(target)} tokens/s`];
  return {
    head: ['tokens', 'cycles per round', ...chances.map(String), ...asked],
    rows: rounds.map(({ tokens, cyclesPerRound, tokensPerSecondPerUser, needed }) => [
      String(tokens),
      count(cyclesPerRound),
      ...tokensPerSecondPerUser.map((speed) => fixed(speed, 1)),
      ...(target === undefined ? [] : [neededText(needed)]),
    ]),
  };
}

function neededText(needed: number | null | undefined): string {
  if (needed === undefined || needed === null) return '1 is not enough';
  // Rounded up: with what is shown it is enough.
  return needed === 0 ? '0' : (Math.ceil(needed * 1e4) / 1e4).toFixed(4);
}

export function acceptanceTable(acceptance: AcceptanceResult): string {
  const { head, rows } = acceptanceCells(acceptance);
  const { cyclesPerAccepted: more } = acceptance;
  return [
    table(head, rows),
    '  tokens/s per user, by the chance of a drafted token, which is assumed; cycles are simulated',
    ...(more === undefined
      ? []
      : [`  and ${count(more)} cycles for each accepted token, which the layer takes once more`]),
  ].join('\n');
}

/**
 * The same in Markdown, with what it is of.
 * @param model its name
 * @param context tokens in the cache
 */
export function acceptanceMarkdown(
  { model, context }: { model: string; context: number },
  { decode, placement: { wafers = 1, draft } }: RunDocument,
  acceptance: AcceptanceResult,
): string {
  const { head, rows } = acceptanceCells(acceptance);
  const { cyclesPerAccepted: more } = acceptance;
  const lies = draft?.shared === true ? 'on the same wafers' : 'on wafers of its own';
  const text = [
    `${model}, drafted by ${decode.speculation!.draft} ${lies} (${count(wafers)} in all),`,
    `${count(context)} tokens in the cache; plain decoding ${fixed(decode.tokensPerSecondPerUser, 1)} tokens/s.`,
    ...(more === undefined
      ? []
      : [`Each accepted token adds ${count(more)} cycles to the next round.`]),
  ];
  return `${text.join(' ')}\n\n${markdownTable(head, rows)}`;
}
