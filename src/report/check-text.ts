/** What a run that computes says about its numbers: its section of the table, and one line if it failed. */
import type { CheckResult } from './document.js';

/** @param skipped tensors of the checkpoint that are no part of the model */
export function checkText(
  check: CheckResult,
  skipped: Partial<Record<string, number>> = {},
): string {
  const { tolerance, choice, head, users, roundedFormats = [] } = check;
  const lines = [
    `logits differ by ${error(check)} of the largest, tolerance ${tolerance.toExponential(0)}${verdict(logitsPassed(check))}`,
  ];
  if (choice !== undefined)
    lines.push(
      `${choice ? `every chosen token is the first largest of ${owner(head)} logits` : wrong(check)}${verdict(choice)}`,
    );
  const { passed, wrongExperts: experts, wrongPositions: positions } = check;
  lines.push(
    ...choicesText('experts', check.expertChoices, {
      margin: check.routingMargin,
      wrongOne: experts && wrongExperts(experts),
      passed,
    }),
    ...choicesText('positions', check.positionChoices, {
      margin: check.selectionMargin,
      wrongOne: positions && wrongPositions(positions),
      passed,
    }),
  );
  if (users && users.of > users.checked.length)
    lines.push(
      `computed for user ${users.checked.join(', ')} of ${users.of}; the others run the same programs`,
    );
  if (roundedFormats.length > 0)
    lines.push(
      `both with the checkpoint's weights rounded to ${roundedFormats.join(' and ')}; model.weightBits=16, or 32 in f32, keeps them`,
    );
  const kinds = Object.entries(skipped).map(([kind, many]) => `${many} of ${kind}`);
  if (kinds.length > 0) lines.push(`tensors that are no part of the model: ${kinds.join(', ')}`);
  return lines.map((line) => `  ${line}`).join('\n');
}

/** Why a check failed; one line without a line break. */
export function checkFailure(check: CheckResult): string {
  const why = [
    ...(logitsPassed(check)
      ? []
      : [`logits differ by ${error(check)} of the largest, tolerance ${check.tolerance}`]),
    ...(check.choice === false ? [wrong(check)] : []),
    ...(check.wrongExperts ? [wrongExperts(check.wrongExperts)] : []),
    ...(check.wrongPositions ? [wrongPositions(check.wrongPositions)] : []),
  ];
  return `check: failed, ${why.join('; ')}`;
}

interface ChoicesFound {
  margin: number | undefined;
  /** What is said of the first that is wrong. */
  wrongOne: string | undefined;
  passed: boolean | undefined;
}

/** How often both chose the same, and how near ties came; nothing where nothing is chosen. */
function choicesText(
  what: string,
  choices: { agree: number; of: number } | undefined,
  { margin, wrongOne, passed }: ChoicesFound,
): string[] {
  if (choices === undefined) return [];
  const { agree, of } = choices;
  const same = `${agree} of ${of} choices of ${what} are those of the plain implementation`;
  const least = margin === undefined ? '' : `, whose least margin is ${margin.toExponential(2)}`;
  const isRight = passed === undefined ? undefined : wrongOne === undefined;
  const rest = agree < of && wrongOne === undefined ? '; the others are near ties' : '';
  return [
    `${same}${least}${rest}${verdict(isRight)}`,
    ...(wrongOne === undefined ? [] : [wrongOne]),
  ];
}

function wrongPositions(of: NonNullable<CheckResult['wrongPositions']>): string {
  const { token, layer, chosen, extra, missing, margin } = of;
  const listed = (positions: number[]) => (positions.length > 0 ? positions.join(', ') : 'none');
  return (
    `layer ${layer} chose ${chosen} positions of ${of.of} for token ${token}, ${listed(extra)} among them in place of ` +
    `${listed(missing)}, which the plain implementation chose by a margin of ${margin.toExponential(2)}`
  );
}

function wrongExperts(of: NonNullable<CheckResult['wrongExperts']>): string {
  const { token, layer, chosen, expected, margin } = of;
  const found = chosen.map((expert) => expert ?? 'NaN').join(', ');
  return (
    `layer ${layer} chose experts ${found} for token ${token} where the plain implementation chose ` +
    `${expected.join(', ')} by a margin of ${margin.toExponential(2)}`
  );
}

/** What is not said of the choices is said of the logits. */
function logitsPassed({ passed, ...of }: CheckResult) {
  const { choice, wrongExperts: wrongOnes, logitsMaxRelativeError, tolerance } = of;
  if ((choice !== false && wrongOnes === undefined) || passed === undefined) return passed;
  return Number.isFinite(logitsMaxRelativeError) && logitsMaxRelativeError <= tolerance;
}

/** JSON, which has no NaN, says null. */
function error({ logitsMaxRelativeError }: CheckResult): string {
  return Number.isFinite(logitsMaxRelativeError) ? logitsMaxRelativeError.toExponential(2) : 'NaN';
}

function wrong({ wrongChoice, head }: CheckResult): string {
  if (wrongChoice === undefined) return 'a chosen token is not the first largest of its logits';
  const { step, chosen, largest } = wrongChoice;
  const should =
    largest === null ? 'are not all numbers' : `have their first largest at ${largest}`;
  return `step ${step} chose token ${chosen ?? 'NaN'} where ${owner(head)} logits ${should}`;
}

function owner(head: CheckResult['head']): string {
  return head === 'host' ? "the host's" : "the wafer's own";
}

function verdict(passed: boolean | undefined): string {
  return passed === undefined ? '' : passed ? ': passed' : ': FAILED';
}
