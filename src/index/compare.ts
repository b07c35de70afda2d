/** Comparisons of the library. */
import type { ResolvedConfig } from '../config.js';
import type { RunDocument } from '../report/document.js';
import { compareAll as compareAllWith } from '../studies/compare/compare.js';
import type { Compared, CompareOptions } from '../studies/compare/compare.js';
import { compareStrategies, comparison, whyIncomparable } from '../studies/compare/compare.js';
import type { CompareDocument } from '../studies/compare/document.js';
import { IncomparableError } from '../studies/incomparable.js';
import { withDefaults } from './defaults.js';

/**
 * Simulates configurations of one workload, each with a placement strategy of its own, and puts them
 * side by side; the others are compared with the first.
 * @param options as of `simulate`
 * @returns the document `wafersim.compare/1`
 * @throws what `simulate` throws; IncomparableError if they differ in anything but the strategy (of
 *   such, `compareRuns` puts finished runs side by side)
 */
export function compare(
  configs: readonly ResolvedConfig[],
  { onDetails, ...options }: Partial<CompareOptions> = {},
): Promise<CompareDocument> {
  return compareStrategies([...configs], { ...withDefaults(options), onDetails });
}

/**
 * Simulates configurations of the same model doing the same work, whatever their hardware and their
 * placements, with what they have in common simulated once, and puts them and finished runs side by
 * side.
 * @param all configurations and runs with their names; the others are compared with the first
 * @param options as of `simulate`
 * @returns the document `wafersim.compare/1`
 * @throws what `simulate` throws; IncomparableError, before anything is simulated, if model or work differ
 */
export function compareAll(
  all: readonly Compared[],
  { onDetails, ...options }: Partial<CompareOptions> = {},
): Promise<CompareDocument> {
  return compareAllWith(all, { ...withDefaults(options), onDetails });
}

/**
 * Puts finished runs side by side under these names.
 * @throws IncomparableError if they are not of the same model doing the same work
 */
export function compareRuns(
  runs: readonly RunDocument[],
  names: readonly string[],
): CompareDocument {
  const why = whyIncomparable([...runs], [...names]);
  if (why !== undefined) throw new IncomparableError(why);
  return comparison([...runs], [...names]);
}
