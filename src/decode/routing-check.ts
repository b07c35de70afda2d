/**
 * The experts that the wafer chose, next to those that the plain decoder chooses from its own scores. The
 * wafer's are rounded, so that near ties may be decided otherwise: the plain decoder then follows the wafer,
 * and every other choice has to be the same.
 */
import type { FloatType } from '../numeric/types.js';
import type { Choice } from '../model/plain/router.js';
import type { CheckResult } from '../report/document.js';

/** Relative gaps between the last chosen expert and the best that was left out, below which either may be chosen. */
const NEAR_TIE = { f32: 1e-5, f16: 3e-2 } as const satisfies Record<FloatType, number>;

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
  else if (!(margin <= NEAR_TIE[type]) || !followed(chosen, Infinity))
    routing.wrong ??= {
      ...{ token, layer, chosen: chosen.map((of) => (Number.isFinite(of) ? of : null)) },
      ...{ expected: experts, margin },
    };
}

/** What is reported of models with experts. */
export function routingResult({ agree, of, margin, wrong }: Routing): Partial<CheckResult> {
  if (of === 0) return {};
  return {
    expertsAgree: { agree, of },
    ...(Number.isFinite(margin) && { routingMargin: margin }),
    ...(wrong && { wrongExperts: wrong }),
  };
}

function sorted(experts: readonly number[]): number[] {
  return experts.toSorted((a, b) => a - b);
}
