/**
 * The experts that the wafer chose, next to those that the plain decoder chooses from its own scores. The
 * wafer's are rounded, so that near ties may be decided otherwise: the plain decoder then follows the wafer,
 * and every other choice has to be the same.
 */
import type { FloatType } from '../numeric/types.js';
import { closeGroups, type Choice } from '../model/plain/router.js';
import type { CheckResult } from '../report/document.js';

/**
 * By how much of the largest size of what is compared an expert (or a group) may be worse than one that is left
 * out. In f32 rounding leaves about 1e-6. In f16 every input of the router is off by up to 2^-11 of itself from
 * its own rounding alone, and the residual stream is a sum of many roundings before it: of n independent ones the
 * error grows as their root. Those of the deepest models (some 60 layers of four to six roundings of the stream)
 * come to 16 to 19 roundings, as many as one score may be off by; what is compared are two of them.
 */
export const NEAR_TIE = { f32: 1e-5, f16: 32 * 2 ** -11 } as const satisfies Record<
  FloatType,
  number
>;

/** Of all layers and tokens so far. */
export interface Routing {
  /** Choices of the same experts, and all choices. */
  agree: number;
  of: number;
  /** The least gap, relative to the largest score; Infinity where nothing was left out. */
  margin: number;
  /** The first choice that differs and is no near tie. */
  wrong?: NonNullable<CheckResult['wrongExperts']>;
}

export function noRouting(): Routing {
  return { agree: 0, of: 0, margin: Infinity };
}

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
  routing.of++;
  routing.margin = Math.min(routing.margin, margin);
  if (isSame) routing.agree++;
  else if (!followed(chosen, plain.compared.length) || !isNearTie(chosen, plain, NEAR_TIE[type]))
    routing.wrong ??= {
      ...{ token, layer, chosen: chosen.map((of) => (Number.isFinite(of) ? of : null)) },
      ...{ expected: experts, margin },
    };
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

/** How much better the best that is left out is than the worst of the chosen. */
export function worseBy(scores: Float64Array, chosen: readonly number[]): number {
  const own = new Set(chosen);
  let [least, best] = [Infinity, -Infinity];
  for (const [number, score] of scores.entries())
    if (own.has(number)) least = Math.min(least, score);
    else best = Math.max(best, score);
  return best - least;
}

export function largestSize(scores: Float64Array): number {
  return scores.reduce((size, score) => Math.max(size, Math.abs(score)), 0);
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
