/**
 * What a service loses to its software, host and network, as one constant: fitted on the service of
 * one small model alone, it scales the predictions of all other services, whose errors are then out of sample.
 */
import type { ServiceScale, ValidateRow } from './document.js';
import { errorSummary } from './summary.js';

/** The one service that the constant is fitted on. */
const FITTED_ON = 'service-llama3.1-8b';

/** The constant, and each judged service's prediction times it; undefined without the service it is fitted on. */
export function serviceScale(rows: ValidateRow[]): ServiceScale | undefined {
  const services = rows.filter(({ kernel, error }) => kernel === 'service' && error !== null);
  const known = services.find(({ id }) => id === FITTED_ON);
  if (known === undefined) return undefined;
  const constant = known.measured / known.predicted!;
  const scaled = services.map((row) => {
    const predicted = row.predicted! * constant;
    const basis = row === known ? ('fitted' as const) : ('out of sample' as const);
    return { id: row.id, predicted, error: predicted / row.measured - 1, basis };
  });
  const others = scaled.filter(({ basis }) => basis === 'out of sample');
  return { fittedOn: FITTED_ON, constant, rows: scaled, outOfSample: errorSummary(others) };
}
