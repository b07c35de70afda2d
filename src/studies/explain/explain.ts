/** Every assumption that the results of a configuration rest on, with grade and source. */
import { assumptionsOf, OMISSIONS } from './assumptions.js';
import type { ResolvedConfig } from '../../config.js';
import { identityOf } from '../../identity.js';
import { valueAt } from '../../report/format.js';
import { checkRun } from '../../decode/refusals.js';
import { servingRules } from './serving-rules.js';
import { speculationRules } from './speculation-rules.js';
import { costRules } from './cost-rules.js';
import type { ExplainDocument, HardwareNumber } from './document.js';

/**
 * Rules, numbers and omissions; the numbers are all those of the hardware file, in its order. Throws
 * ConfigError where no run is possible, so that nothing is explained that does not exist.
 */
export function explain(config: ResolvedConfig): ExplainDocument {
  checkRun(config);
  const { provenance, resolved, wafer, model, canonical, stated, files } = config;
  const numbers = Object.entries(provenance).map(([path, from]): HardwareNumber => {
    // A number, or the word `auto`.
    const value = valueAt(resolved['hardware'], path) as number | string;
    const { source, grade, range, assumed } = from;
    return {
      path,
      value,
      ...(range && { range }),
      ...(grade && { grade }),
      ...(assumed && { assumed }),
      source,
    };
  });
  return {
    schema: 'wafersim.explain/1',
    ...identityOf([canonical, stated], files),
    wafer: wafer.name,
    model: model.name,
    assumptions: [
      ...assumptionsOf(config),
      ...speculationRules(config),
      ...servingRules(config),
      ...costRules(config),
    ],
    numbers,
    notModelled: OMISSIONS,
  };
}
