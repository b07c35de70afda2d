/** What a serving simulation says: the field `serving` of a run's document, and each of `scenarios`. */
import type { AnyRun, ServingResult } from './schema/serving.js';

export type * from './schema/serving.js';

/** The scenarios of a run that served requests; none of any other. */
export function scenariosOf({ serving, scenarios }: AnyRun): ServingResult[] {
  return serving === undefined ? [] : (scenarios ?? [serving]);
}
