/**
 * How far rows are off, by cohort: what was measured on one machine in one way. Cohorts are never averaged
 * together, nor is what was fitted with what was not.
 */
import type { Basis, ErrorSummary, ValidateRow, ValidateSummary } from './document.js';
import { KINDS, SYSTEMS } from './measurements.js';
import type { Measurement } from './measurements.js';

/** The machine that a system consists of, and where it was measured. */
const CHIPS: Record<Measurement['system'], string> = {
  'WSE-2': 'WSE-2',
  'CS-2': 'WSE-2',
  'WSE-3': 'WSE-3',
  'CS-3': 'WSE-3',
};
const PLACES: Record<Measurement['kind'], string> = {
  hardware: 'hardware',
  'vendor simulator': 'simulator',
  'hosted service': 'services',
};

/** Such as `WSE-3 simulator`. */
export function cohortOf({ system, kind }: Pick<Measurement, 'system' | 'kind'>): string {
  return `${CHIPS[system]} ${PLACES[kind]}`;
}

const COHORTS = [
  ...new Set(
    (Object.keys(SYSTEMS) as Measurement['system'][]).flatMap((system) =>
      KINDS.map((kind) => cohortOf({ system, kind })),
    ),
  ),
];

/** Summaries of the cohorts that there are rows of. */
export function cohortSummaries(rows: ValidateRow[]): Record<string, ValidateSummary> {
  return summariesOf(rows, COHORTS, ({ cohort }) => cohort);
}

/** Summaries by kind; where a kind has rows of several cohorts they have no figures of errors. */
export function kindSummaries(rows: ValidateRow[]): Record<string, ValidateSummary> {
  return summariesOf(rows, KINDS, ({ kind }) => kind);
}

function summariesOf(
  rows: ValidateRow[],
  names: readonly string[],
  nameOf: (row: ValidateRow) => string,
): Record<string, ValidateSummary> {
  const sections = names.map((name) => [name, rows.filter((row) => nameOf(row) === name)] as const);
  const present = sections.filter(([, section]) => section.length > 0);
  return Object.fromEntries(present.map(([name, section]) => [name, summarize(section)]));
}

function summarize(section: ValidateRow[]): ValidateSummary {
  const of = (basis: Basis) => section.filter((row) => row.basis === basis);
  const [fitted, others] = [of('fitted'), of('out of sample')];
  const basis = fitted.length === 0 ? 'out of sample' : others.length === 0 ? 'fitted' : 'both';
  const together = new Set(section.map(({ cohort }) => cohort)).size === 1;
  return {
    measurements: section.length,
    basis,
    ...errorSummary(section),
    ...((!together || basis === 'both') && { meanAbsoluteError: null, worst: null }),
    ...(together && fitted.length > 0 && { calibration: errorSummary(fitted) }),
    ...(together && others.length > 0 && { outOfSample: errorSummary(others) }),
    failed: section.filter(({ passed }) => passed === false).map(({ id }) => id),
  };
}

interface SignedError {
  id: string;
  error: number;
}

/** Mean and worst of the errors of rows; those without one are left out. */
export function errorSummary(rows: { id: string; error: number | null }[]): ErrorSummary {
  const errors = rows.filter((row): row is SignedError => row.error !== null);
  const size = ({ error }: SignedError) => Math.abs(error);
  const total = errors.reduce((sum, entry) => sum + size(entry), 0);
  const worst = errors.reduce<SignedError | null>(
    (most, entry) => (most === null || size(entry) > size(most) ? entry : most),
    null,
  );
  return {
    predicted: errors.length,
    meanAbsoluteError: errors.length === 0 ? null : total / errors.length,
    worst: worst && { id: worst.id, error: worst.error },
  };
}
