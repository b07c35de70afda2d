/** What the uncertain numbers of the hardware do to a run, as text. */
import type { RunDocument, Sensitivity } from './document.js';
import { table } from './format.js';
import { count, fixed, percent } from './numbers.js';
import { acceptanceText } from './speculation-text.js';

/** `2,400 to 3,300` tokens per second of one user. */
export function bandText([low, high]: [number, number]): string {
  return `${speed(low)} to ${speed(high)}`;
}

/** The effect of every number, the strongest first, and the bands of all. */
export function sensitivityTable({ decode, sensitivity, sensitivityBand }: RunDocument): string {
  const base = decode.tokensPerSecondPerUser;
  const span = ({ tokensPerSecondPerUser: [low, high] }: Sensitivity) => high - low;
  const all = sensitivity ?? [];
  const draftedSpan = ({ speculativeTokensPerSecondPerUser: speeds }: Sensitivity) =>
    speeds === undefined ? 0 : speeds[1] - speeds[0];
  const moving = all.filter(
    (row) => span(row) > 0 || draftedSpan(row) > 0 || row.refused !== undefined,
  );
  const isDrafted = decode.speculation !== undefined;
  const rows = moving
    .toSorted((a, b) => span(b) - span(a) || draftedSpan(b) - draftedSpan(a))
    .map(({ parameter, range, atEnds, speculativeTokensPerSecondPerUser: drafted }) => [
      parameter,
      range.map(plain).join(' to '),
      ...atEnds.map((end) => (end === null ? 'refused' : speed(end))),
      ...atEnds.map((end) => (end === null ? '' : percent(end / base - 1))),
      ...(isDrafted ? [drafted ? bandText(drafted) : ''] : []),
    ]);
  const head = ['number', 'range', 'tokens/s at its low', 'at its high end', 'change', ''];
  if (isDrafted) head.push('with drafted tokens');
  const still = all.filter((row) => !moving.includes(row)).map(({ parameter }) => parameter);
  return [
    table(head, rows),
    ...moving.flatMap(({ parameter, refused }) =>
      refused === undefined ? [] : [`  ${parameter} refused: ${refused}`],
    ),
    ...(still.length > 0 ? [`  without effect: ${still.join(', ')}`] : []),
    ...(sensitivityBand
      ? [
          `  one at a time: ${bandText(sensitivityBand.oneAtATime)} tokens/s`,
          ...(sensitivityBand.speculativeOneAtATime && decode.speculation
            ? [
                `  with drafted tokens, ${acceptanceText(decode.speculation)}: ${bandText(sensitivityBand.speculativeOneAtATime)} tokens/s`,
              ]
            : []),
          `  all at once, where each alone is slowest and fastest: ${sensitivityBand.allAtOnce.map((end) => (end === null ? 'refused' : speed(end))).join(' to ')} tokens/s`,
        ]
      : []),
  ].join('\n');
}

function speed(tokensPerSecond: number): string {
  return tokensPerSecond < 1000 ? fixed(tokensPerSecond, 1) : count(tokensPerSecond);
}

/** Digits in full, thousands apart; a number may be anything from seconds to Hz. */
function plain(value: number): string {
  return value.toLocaleString('en-US', { maximumSignificantDigits: 15 });
}
