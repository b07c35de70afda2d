/** The experts that the wafer chose, next to those that the plain decoder chooses from its own scores. */
import type { FloatType } from '../numeric/types.js';
import { closeGroups, type Choice } from '../model/plain/router.js';
import type { CheckResult } from '../report/document.js';
import { count, largestSize, NEAR_TIE, noChoices, worseBy, type Choices } from './choices.js';

export type Routing = Choices<NonNullable<CheckResult['wrongExperts']>>;
export const noRouting = (): Routing => noChoices();

/** What the plain decoder can follow: as many different experts as there have to be. */
export function followed(chosen: readonly number[], count: number): readonly number[] | undefined {
  const isExpert = (expert: number) => Number.isInteger(expert) && expert >= 0 && expert < count;
  return chosen.every(isExpert) && new Set(chosen).size === chosen.length ? chosen : undefined;
}

/** Adds a layer's choice for a token to what is known. */
export function addChoice(
  routing: Routing,
  type: FloatType,
  { token, layer }: { token: number; layer: number },
  chosen: readonly number[],
  plain: Choice,
): void {
  const { experts, margin } = plain;
  const isSame = sorted(chosen).join() === sorted(experts).join();
  count(routing, { isSame, margin }, () =>
    followed(chosen, plain.compared.length) && isNearTie(chosen, plain, NEAR_TIE[type])
      ? undefined
      : {
          ...{ token, layer, chosen: chosen.map((of) => (Number.isFinite(of) ? of : null)) },
          ...{ expected: experts, margin },
        },
  );
}

/**
 * Whether scores that are off by so little make this choice: no expert that is left out is better than one of the
 * chosen by more. With groups, those of the chosen have to be open, and those that are better by more than any
 * that is left out; groups in between are open or not.
 */
function isNearTie(chosen: readonly number[], { compared, groups }: Choice, relative: number) {
  if (groups === undefined) return worseBy(compared, chosen) <= relative * largestSize(compared);
  const { totals, keep } = groups;
  const order = totals.toSorted((a, b) => b - a);
  const allowed = relative * largestSize(totals);
  const size = compared.length / totals.length;
  const own = new Set(chosen.map((expert) => Math.floor(expert / size)));
  for (const group of own) if (totals[group] < order[keep - 1] - allowed) return false;
  const open = [...totals.keys()].filter(
    (group) => own.has(group) || !(totals[group] <= order[keep] + allowed),
  );
  if (open.length > keep) return false;
  const among = closeGroups(compared, totals.length, open);
  return worseBy(among, chosen) <= relative * largestSize(compared);
}

/** What is reported of models with experts. */
export function routingResult({ agree, of, margin, wrong }: Routing): Partial<CheckResult> {
  if (of === 0) return {};
  return {
    expertsAgree: agree === of,
    expertChoices: { agree, of },
    ...(Number.isFinite(margin) && { routingMargin: margin }),
    ...(wrong && { wrongExperts: wrong }),
  };
}

function sorted(experts: readonly number[]): number[] {
  return experts.toSorted((a, b) => a - b);
}
