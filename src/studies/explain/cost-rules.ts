/** What the cost of tokens rests on: prices as they are given, and what is counted. */
import type { ResolvedConfig } from '../../config.js';
import { OURS } from '../../mapping/mapping.js';
import { leaves } from '../../report/format.js';
import type { Assumption } from './document.js';

/** None of a configuration without prices. */
export function costRules({
  economics,
  priceSources,
}: Pick<ResolvedConfig, 'economics' | 'priceSources'>): Assumption[] {
  if (economics === undefined) return [];
  const rule = (text: string, source = OURS, grade: Assumption['grade'] = 'assumed') => {
    return { about: 'cost' as const, text, grade, source };
  };
  const prices = leaves(economics).map(([path, value]) => {
    const { source, grade, assumed } = priceSources[path] ?? {};
    const said = `economics.${path} is ${String(value)} (USD, USD/kWh, USD/h, s).`;
    return rule(said, source ?? `economics.${path}`, assumed ? 'assumed' : grade);
  });
  return [
    ...prices,
    rule('Systems draw their stated power in every hour, whatever the load.'),
    rule(
      'Systems that are owned cost their price over their lifetime, and energy; rented ones their hours alone.',
    ),
  ];
}
