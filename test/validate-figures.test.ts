/** Figures of a validation beyond single errors: order within a sweep, one constant for services, speculation. */
import { describe, expect, it } from 'vitest';
import type { ValidateRow } from '../src/studies/validate/document.js';
import { PUBLISHED, readMeasurements } from '../src/studies/validate/measurements.js';
import type { Measurement } from '../src/studies/validate/measurements.js';
import { serviceScale } from '../src/studies/validate/service-scale.js';
import { cohortSummaries, kindSummaries } from '../src/studies/validate/summary.js';
import { rankCorrelation, sweepsOf } from '../src/studies/validate/sweeps.js';
import { validateMarkdown, validateTable } from '../src/studies/validate/table.js';
import { validateMeasurements } from '../src/studies/validate/validate.js';
import { FULL } from './helpers/full.js';
import { OPTIONS } from './helpers/options.js';

const published = readMeasurements(PUBLISHED);

/** A row of a validation with these numbers. */
function row(id: string, measured: number, predicted: number, more: Partial<ValidateRow> = {}) {
  const of = {
    kernel: 'reduce',
    system: 'WSE-2',
    kind: 'vendor simulator',
    unit: 'cycles',
  } as const;
  const judged = { basis: 'fitted', band: [-1, 1], listed: true, passed: true } as const;
  const error = predicted / measured - 1;
  return {
    ...{ id, measured, predicted, error, cohort: 'WSE-2 simulator', source: 'a paper' },
    ...of,
    ...judged,
    band: [-1, 1] as [number, number],
    ...more,
  };
}

describe('the rank correlation', () => {
  it('is one for the same order, minus one for the opposite, whatever the distances', () => {
    expect(rankCorrelation([1, 5, 9], [10, 11, 900])).toBeCloseTo(1, 12);
    expect(rankCorrelation([1, 5, 9], [3, 2, 1])).toBeCloseTo(-1, 12);
  });

  it('by hand for four values of which two are exchanged', () => {
    // 1 - 6 x (0 + 1 + 1 + 0) / (4 x 15)
    expect(rankCorrelation([1, 2, 3, 4], [10, 30, 20, 40])).toBeCloseTo(0.8, 12);
  });

  it('gives equal values the mean of their ranks, and is nothing where all are equal', () => {
    // Ranks 0, 1.5, 1.5, 3 and 0, 1, 2, 3: 4.5 / sqrt(4.5 x 5).
    expect(rankCorrelation([1, 2, 2, 3], [1, 2, 3, 4])).toBeCloseTo(4.5 / Math.sqrt(22.5), 12);
    expect(rankCorrelation([1, 2], [3, 3])).toBeNull();
  });
});

describe('a sweep', () => {
  it('is what one source has of one kernel in one cohort, three at least', () => {
    const rows = [
      row('a', 10, 100),
      row('other source', 10, 10, { source: 'another' }),
      row('b', 20, 90),
      row('other kernel', 10, 10, { kernel: 'matvec' }),
      row('other machine', 10, 10, { cohort: 'WSE-3 simulator' }),
      row('c', 30, 300),
      row('not judged', 10, 10, { error: null }),
    ];
    expect(sweepsOf(rows)).toEqual([
      {
        ...{ cohort: 'WSE-2 simulator', kernel: 'reduce', source: 'a paper' },
        ...{ ids: ['a', 'b', 'c'], rankCorrelation: 0.5, inversions: 1, pairs: 3 },
      },
    ]);
    expect(sweepsOf(rows.slice(0, 3))).toEqual([]);
  });

  it('has no pairs of what was measured equal, and no inversion where predictions are', () => {
    const [sweep] = sweepsOf([row('a', 10, 7), row('b', 10, 5), row('c', 20, 7)]);
    expect(sweep).toMatchObject({ inversions: 0, pairs: 2 });
  });

  it('is printed after the rows of its cohort, and what is inverted is counted', async () => {
    const reduces = published.filter(({ kernel }) => kernel === 'reduce');
    const [first, second, ...rest] = reduces;
    const exchanged = [
      { ...first, measuredCycles: second.measuredCycles! },
      { ...second, measuredCycles: first.measuredCycles! },
    ];
    const document = await validateMeasurements([...exchanged, ...rest], published, OPTIONS);
    // Measured 8,989 9,421 9,061 7,218; predicted 9,421 8,989 9,061 7,218.
    expect(document.sweeps).toMatchObject([{ rankCorrelation: 0.2, inversions: 3, pairs: 6 }]);
    const line =
      'Order of 4 rows of reduce from one source: rank correlation 0.200, 3 of 6 pairs inverted.';
    expect(validateTable(document, { color: false })).toContain(`\n  ${line}\n`);
    expect(validateMarkdown(document)).toContain(`\n\n${line}\n\n`);
  });
});

describe('a summary', () => {
  const OTHER = { basis: 'out of sample' } as const;

  it('has the mean of what errors are off either way, the worst of them, and what failed', () => {
    const rows = [
      row('over', 10, 11),
      row('under', 10, 6, { passed: false }),
      row('not judged', 10, 99, { error: null, passed: null }),
    ];
    const figures = {
      predicted: 2,
      meanAbsoluteError: expect.closeTo(0.25, 12),
      worst: { id: 'under', error: 0.6 - 1 },
    };
    const summary = { measurements: 3, basis: 'fitted', ...figures, failed: ['under'] };
    expect(kindSummaries(rows)).toEqual({
      'vendor simulator': { ...summary, calibration: figures },
    });
    expect(cohortSummaries(rows)).toEqual({
      'WSE-2 simulator': { ...summary, calibration: figures },
    });
  });

  it('has no mean over cohorts, nor over what was fitted and what was not', () => {
    const rows = [
      row('a', 10, 11, OTHER),
      row('b', 10, 13, { ...OTHER, cohort: 'WSE-3 simulator' }),
      row('c', 10, 12, { cohort: 'WSE-3 simulator' }),
    ];
    const none = { meanAbsoluteError: null, worst: null, failed: [] };
    expect(kindSummaries(rows.slice(0, 2))).toEqual({
      'vendor simulator': { measurements: 2, basis: 'out of sample', predicted: 2, ...none },
    });
    const of = (id: string, error: number) => ({
      predicted: 1,
      meanAbsoluteError: error,
      worst: { id, error },
    });
    expect(cohortSummaries(rows)).toEqual({
      'WSE-2 simulator': {
        ...{ measurements: 1, basis: 'out of sample', failed: [] },
        ...of('a', 1.1 - 1),
        outOfSample: of('a', 1.1 - 1),
      },
      'WSE-3 simulator': {
        ...{ measurements: 2, basis: 'both', predicted: 2, ...none },
        calibration: of('c', 1.2 - 1),
        outOfSample: of('b', 1.3 - 1),
      },
    });
  });
});

describe('the constant of services', () => {
  const service = (id: string, measured: number, predicted: number, error?: null) =>
    row(id, measured, predicted, { kernel: 'service', ...(error === null && { error }) });

  it('is fitted on one service alone, and scales all others out of sample', () => {
    const rows = [
      service('large', 400, 1000),
      row('a kernel', 10, 1000),
      service('service-llama3.1-8b', 1800, 2400),
      service('speculates', 4000, 1000, null),
      service('larger', 1000, 1000),
    ];
    expect(serviceScale(rows)).toEqual({
      fittedOn: 'service-llama3.1-8b',
      constant: 0.75,
      rows: [
        { id: 'large', predicted: 750, error: 0.875, basis: 'out of sample' },
        { id: 'service-llama3.1-8b', predicted: 1800, error: 0, basis: 'fitted' },
        { id: 'larger', predicted: 750, error: -0.25, basis: 'out of sample' },
      ],
      outOfSample: {
        predicted: 2,
        meanAbsoluteError: 0.5625,
        worst: { id: 'large', error: 0.875 },
      },
    });
  });

  it('is not there without the service that it is fitted on', () => {
    expect(serviceScale([service('large', 400, 1000)])).toBeUndefined();
  });
});

describe('a service', () => {
  const service = (id: string, more: Partial<Measurement>): Measurement => ({
    ...{ id, kernel: 'service', system: 'CS-3', kind: 'hosted service', source: 'a page' },
    ...{ params: { model: 'tiny', wafers: 1, batch: 1, context: 32 } },
    measuredTokensPerSecond: 1,
    ...more,
  });

  it.runIf(FULL)('that speculates, or may, is simulated and not judged', async () => {
    const speculating = service('speculating', { speculation: true });
    const silent = service('silent', { speculation: null });
    const plain = service('plain', { speculation: false });
    const document = await validateMeasurements([speculating, silent, plain], [], OPTIONS);
    const { rows, cohorts, passed } = document;
    expect(new Set(rows.map(({ predicted }) => predicted)).size).toBe(1);
    expect(rows.map(({ error }) => error === null)).toEqual([true, true, false]);
    expect(rows.map((each) => each.passed)).toEqual([null, null, false]);
    expect(rows.map(({ speculation }) => speculation)).toEqual([true, null, false]);
    expect(cohorts!['WSE-3 services']).toMatchObject({ measurements: 3, predicted: 1 });
    expect(passed).toBe(false);
    // A whole wafer is placed and simulated for each.
    if (FULL)
      expect((await validateMeasurements([speculating, silent], [], OPTIONS)).passed).toBe(true);
    const text = validateTable(document, { color: false });
    expect(text).toMatch(
      /^ {2}speculating .* yes .*\n {2}silent .* not said .*\n {2}plain .* no /m,
    );
    expect(text).toContain('; 2 not judged\n');
    expect(text).toContain(
      'speculating: not judged: it decodes speculatively, with a draft that is not published.',
    );
    expect(validateMarkdown(document)).toMatch(/^\| silent \|.*\| not said \| a page \|$/m);
  });

  it('says of the published ones whether they speculate', () => {
    const services = published.filter(({ kernel }) => kernel === 'service');
    const said = Object.fromEntries(services.map(({ id, speculation }) => [id, speculation]));
    expect(said).toEqual({
      'service-llama3.1-8b': false,
      'service-llama3.1-70b': false,
      'service-llama3.1-8b-2026-05': null,
      'service-llama3.1-70b-2024-10': true,
    });
  });
});
