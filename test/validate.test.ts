/** Predictions next to measurements: errors, limits, sections, and a wrong measurement that is noticed. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadHardware } from '../src/config.js';
import { ALL_LIMITS } from '../src/studies/validate/limits.js';
import {
  PUBLISHED,
  readMeasurements,
  SYSTEMS,
  type Measurement,
} from '../src/studies/validate/measurements.js';
import { cohortOf } from '../src/studies/validate/summary.js';
import type { ValidateDocument } from '../src/studies/validate/document.js';
import { validateMarkdown, validateTable } from '../src/studies/validate/table.js';
import { validateMeasurements } from '../src/studies/validate/validate.js';
import { wafersim } from './helpers/command-line.js';
import { FULL } from './helpers/full.js';
import { OPTIONS } from './helpers/options.js';

const published = readMeasurements(PUBLISHED);
const named = (id: string) => published.find((row) => row.id === id)!;
const validated = (...rows: Measurement[]) => validateMeasurements(rows, published, OPTIONS);
const shifted = (row: Measurement, factor: number): Measurement => ({
  ...row,
  measuredCycles: row.measuredCycles! * factor,
});

/** A gemv that has no counterpart among the published measurements, measured as given. */
const unlisted = (measuredCycles: number): Measurement => ({
  ...named('meshgemv-f16-128-4x4'),
  id: 'gemv-mine',
  params: { ...named('meshgemv-f16-128-4x4').params, k: 64, n: 64 },
  measuredCycles,
});

const QUICK = published.filter(({ kernel }) => ['reduce', 'matvec', 'gemv'].includes(kernel));

describe('published kernels', () => {
  let document: ValidateDocument;
  beforeAll(async () => {
    document = await validated(...QUICK);
  });

  it('are predicted within the limits of their kernels', () => {
    expect(document.rows).toHaveLength(11);
    expect(document.rows.filter(({ passed }) => passed !== true)).toEqual([]);
    expect(document.passed).toBe(true);
  });

  it('have signed errors: more cycles than measured is above zero', () => {
    for (const { predicted, measured, error } of document.rows)
      expect(predicted).toBeCloseTo(measured * (1 + error!), 6);
  });

  const factors = [1.1, 0.9];
  // Up and down; in `npm test` by turns.
  const shifts = QUICK.map((row, i) => [row.id, row, FULL ? factors : [factors[i % 2]]] as const);

  it.each(shifts)('%s is noticed if it is shifted by ten per cent', async (id, row, by) => {
    for (const factor of by) {
      const { rows, passed, summary } = await validated(shifted(row, factor));
      expect(passed).toBe(false);
      expect(rows[0].listed).toBe(true);
      expect(summary['vendor simulator'].failed).toEqual([id]);
    }
  });
});

describe('sections', () => {
  it('of different kinds are never averaged together', async () => {
    const chain = named('reduce-chain-512x4096');
    const asHardware = { ...shifted(chain, 2), id: 'doubled', kind: 'hardware' as const };
    const { summary, rows } = await validated(chain, asHardware);
    expect(Object.keys(summary)).toEqual(['hardware', 'vendor simulator']);
    expect(summary['hardware'].worst).toEqual({ id: 'doubled', error: rows[1].error });
    expect(summary['hardware'].meanAbsoluteError).toBeCloseTo(0.5, 2);
    expect(summary['vendor simulator'].meanAbsoluteError).toBe(Math.abs(rows[0].error!));
  });

  it('state the mean of the absolute errors and the worst one with its sign', async () => {
    const chain = named('reduce-chain-512x4096');
    const low = { ...shifted(chain, 0.8), id: 'low' };
    const high = { ...shifted(chain, 2), id: 'high' };
    const { summary, rows } = await validated(low, high);
    const [above, below] = rows.map(({ error }) => error!);
    expect(above).toBeGreaterThan(0.2);
    expect(below).toBeLessThan(-0.4);
    const { meanAbsoluteError, worst } = summary['vendor simulator'];
    expect(meanAbsoluteError).toBeCloseTo((above - below) / 2, 9);
    expect(worst).toEqual({ id: 'high', error: below });
  });
});

describe('cohorts', () => {
  it('are what was measured on one machine in one way, and never averaged together', async () => {
    const onWse2 = named('matvec-single-pe-f32-10');
    const onWse3 = named('meshgemv-f16-128-4x4');
    const doubled = { ...shifted(onWse3, 2), id: 'doubled' };
    const { rows, summary, cohorts } = await validated(onWse2, onWse3, doubled);
    expect(rows.map(({ cohort }) => cohort)).toEqual([
      'WSE-2 simulator',
      'WSE-3 simulator',
      'WSE-3 simulator',
    ]);
    expect(Object.keys(cohorts!)).toEqual(['WSE-2 simulator', 'WSE-3 simulator']);
    const [first, second, third] = rows.map(({ error }) => error!);
    expect(cohorts!['WSE-2 simulator'].meanAbsoluteError).toBe(Math.abs(first));
    expect(cohorts!['WSE-3 simulator'].meanAbsoluteError).toBeCloseTo(
      (Math.abs(second) + Math.abs(third)) / 2,
      9,
    );
    expect(summary['vendor simulator']).toEqual({
      measurements: 3,
      basis: 'fitted',
      predicted: 3,
      meanAbsoluteError: null,
      worst: null,
      failed: ['doubled'],
    });
  });

  it('have the names of the machines, not of the systems', () => {
    const of = (system: Measurement['system'], kind: Measurement['kind']) =>
      cohortOf({ system, kind });
    expect(of('CS-2', 'hardware')).toBe('WSE-2 hardware');
    expect(of('WSE-2', 'vendor simulator')).toBe('WSE-2 simulator');
    expect(of('CS-3', 'hosted service')).toBe('WSE-3 services');
  });

  it('have sections of their own, in text and Markdown', async () => {
    const document = await validated(...QUICK);
    const headings = ['WSE-2 simulator', 'WSE-3 simulator'];
    expect(validateTable(document, { color: false }).match(/^WSE.*$/gm)).toEqual(headings);
    expect(validateMarkdown(document).match(/^\*\*[^*]*/gm)).toEqual(
      headings.map((title) => `**${title}`),
    );
  });
});

describe('what is fitted', () => {
  const hardware = readdirSync('configs/hardware')
    .map((name) => readFileSync(join('configs/hardware', name), 'utf8'))
    .join('\n');

  /** By its id, or as one of several: `a-10, -30 and -60`, `the three reduce-two-phase-512x4096`. */
  const groups = [...hardware.matchAll(/the (?:three|nine)(?: rows)? ([\w-]+-[\w-]+)/g)];
  const isNamed = (id: string) => {
    const [, stem, end] = /^(.*)(-[^-]+)$/.exec(id)!;
    const several = new RegExp(`${stem}-\\w+(?:,? (?:and )?-\\w+)*?,? (?:and )?${end}\\b`);
    const one = hardware.includes(id) || several.test(hardware);
    return one || groups.some(([, name]) => id.startsWith(`${name}-`));
  };

  it.each(published.map((row) => [row.id, row] as const))(
    '%s is so where the source of a number of the cost table names it',
    (id, { fitted, system }) => {
      expect(fitted !== undefined).toBe(isNamed(id));
      const { provenance } = loadHardware(SYSTEMS[system]);
      for (const path of fitted ?? []) expect(provenance[path], path).toBeDefined();
    },
  );

  it('is chosen on rows of one cohort alone', () => {
    const cohorts = new Map<string, Set<string>>();
    for (const row of published)
      for (const path of row.fitted ?? []) {
        const number = `${SYSTEMS[row.system]} ${path}`;
        cohorts.set(number, (cohorts.get(number) ?? new Set()).add(cohortOf(row)));
      }
    expect(cohorts.size).toBeGreaterThan(8);
    for (const [number, of] of cohorts) expect([...of], number).toHaveLength(1);
  });

  it('has limits that say so of its kernel', () => {
    for (const { kernel, fitted } of ALL_LIMITS) {
      const some = published.some((row) => row.kernel === kernel && row.fitted !== undefined);
      expect(fitted, kernel).toBe(some);
    }
  });

  it('is said of a row with the numbers that were chosen on it', async () => {
    const { rows } = await validated(named('matvec-single-pe-f32-10'), unlisted(1));
    expect(rows[0].fitted).toEqual(['costs.matvec.call', 'costs.matvec.row.f32']);
    expect(rows[1]).not.toHaveProperty('fitted');
  });

  it('is what ships with the project and has such a source, and nothing else', async () => {
    const { rows } = await validated(...QUICK, unlisted(1));
    for (const { id, basis, listed } of rows)
      expect(basis, id).toBe(listed && isNamed(id) ? 'fitted' : 'out of sample');
    expect(rows.filter(({ basis }) => basis === 'fitted')).toHaveLength(10);
  });

  it('is never averaged with what is not, and each mean says which it is', async () => {
    const [fitted, other] = [named('meshgemv-f16-128-4x4'), unlisted(1)];
    const { rows, summary } = await validated(fitted, other);
    expect(rows.map(({ basis }) => basis)).toEqual(['fitted', 'out of sample']);
    const [own, mine] = rows.map(({ id, error }) => ({
      predicted: 1,
      meanAbsoluteError: Math.abs(error!),
      worst: { id, error },
    }));
    expect(summary['vendor simulator']).toEqual({
      measurements: 2,
      basis: 'both',
      predicted: 2,
      meanAbsoluteError: null,
      worst: null,
      calibration: own,
      outOfSample: mine,
      failed: ['gemv-mine'],
    });
    const alone = await validated(fitted);
    expect(alone.summary['vendor simulator']).toEqual(alone.cohorts!['WSE-3 simulator']);
    expect(alone.summary['vendor simulator']).toEqual({
      measurements: 1,
      basis: 'fitted',
      ...own,
      calibration: own,
      failed: [],
    });
    const text = validateTable(alone, { color: false });
    expect(text).toContain('  calibration, 1 fitted: mean absolute error 0.98 %, worst -0.98 %');
    expect(text).toContain('All 1 are within their limits: 1 fitted, 0 out of sample.');
    expect(text).not.toContain('predict');
    const both = validateMarkdown(await validated(fitted, other));
    expect(both).toMatch(/\(calibration, 1 fitted: mean .*; 1 out of sample: mean absolute error /);
    expect(both).toMatch(/^\| meshgemv-f16-128-4x4 \|.*\| fitted \| ±2 % \|/m);
    expect(both).toMatch(/^\| gemv-mine \|.*\| out of sample \| ±4 % \|/m);
  });
});

describe('limits', () => {
  it('give measurements that do not ship with the project their own', async () => {
    const cycles = (await validated(unlisted(1))).rows[0].predicted!;
    const [within, beyond] = [cycles / 1.03, cycles / 1.05];
    expect((await validated(unlisted(within))).rows[0]).toMatchObject({
      listed: false,
      passed: true,
    });
    expect((await validated(unlisted(beyond))).passed).toBe(false);
    const same = { ...named('meshgemv-f16-128-4x4'), id: 'again' };
    expect((await validated(same)).rows[0]).toMatchObject({ listed: true, band: [-0.02, 0.02] });
    // However its grid is spelled.
    const spelled = { ...same, params: { ...same.params, grid: '4x4' } };
    expect((await validated(spelled)).rows[0]).toMatchObject({ listed: true, basis: 'fitted' });
    const other = { ...same, params: { ...same.params, grid: '4x2' } };
    expect((await validated(other)).rows[0]).toMatchObject({ listed: false });
  });
});

describe('what the simulated machine refuses', () => {
  it('is a failure for a kernel, with its reason', async () => {
    const layer = named('waferllm-decode-llama3-8b-420');
    const params = { ...layer.params, grid: [20, 20], groups: 4 };
    const { rows, passed } = await validated({ ...layer, params });
    expect(rows[0]).toMatchObject({ predicted: null, error: null, passed: false });
    expect(rows[0].refused).toMatch(/bytes/);
    expect(passed).toBe(false);
  });

  it('is no verdict for a service that no number of wafers can be simulated for, but named', async () => {
    const service = named('service-llama3.1-70b');
    const params = { ...service.params, batch: 1_000_000_000 };
    const document = await validated({ ...service, params });
    expect(document.rows[0]).toMatchObject({ predicted: null, passed: null });
    expect(document.rows[0].refused).toMatch(/llama-3\.1-70b/);
    expect(document.passed).toBe(true);
    expect(validateTable(document, { color: false })).toMatch(
      /service-llama3\.1-70b is not simulated: llama-3\.1-70b/,
    );
  });
});

describe('texts', () => {
  it('keep rows whole: no controls for terminals, no new columns in Markdown', async () => {
    const chain = named('reduce-chain-512x4096');
    const hostile = { ...chain, id: 'a\u001B[31mb', source: 'one | two\nthree' };
    const document = await validated(hostile);
    expect(validateTable(document, { color: false })).not.toContain('\u001B');
    const line = validateMarkdown(document)
      .split('\n')
      .find((text) => text.includes('7,218'));
    expect(line).toMatch(/^\| a \[31mb \| WSE-2 \| cycles \| 7,218 \|.*\| one \\\| two three \|$/);
  });
});

describe('wafersim validate', () => {
  let home: string;
  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), 'wafersim-validate-'));
  });
  afterAll(() => rmSync(home, { recursive: true }));

  function validate(file: object | undefined, ...args: string[]) {
    const path = join(home, 'mine.json');
    if (file) writeFileSync(path, JSON.stringify(file));
    const own = file ? ['--measurements', path] : [];
    return wafersim('validate', ...own, ...args);
  }

  const fileOf = (...measurements: object[]) => ({ schema: 'measurements/1', measurements });

  it('prints one document with the measurement, the prediction, the error and the source', async () => {
    const { status, stdout, stderr } = await validate(undefined, '--only', 'matvec', '--json');
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const document = JSON.parse(stdout) as ValidateDocument;
    expect(document.schema).toBe('wafersim.validate/1');
    expect(document.rows).toHaveLength(4);
    expect(document.rows[0]).toMatchObject({
      id: 'matvec-single-pe-f32-10',
      measured: 1698,
      kind: 'vendor simulator',
      source: expect.stringContaining('MIMD_dataflow') as string,
    });
  });

  it('exits 1 if a measurement is shifted by ten per cent, and says which', async () => {
    const wrong = shifted(named('reduce-chain-512x4096'), 1.1);
    const { status, stdout } = await validate(fileOf(wrong), '--only', 'reduce');
    expect(stdout).toMatch(/reduce-chain-512x4096 .*FAILED/);
    expect(stdout).toContain('Outside the limit: reduce-chain-512x4096.');
    expect(stdout.match(/FAILED/g)).toHaveLength(1);
    expect(status).toBe(1);
  });

  it('takes further measurements in addition to the published ones', async () => {
    const { status, stdout } = await validate(fileOf(unlisted(1)), '--only', 'gemv', '--json');
    expect(status).toBe(1);
    const ids = (JSON.parse(stdout) as ValidateDocument).rows.map(({ id }) => id);
    expect(ids).toEqual([
      'meshgemv-f16-128-4x4',
      'meshgemv-f16-512-8x8-g2',
      'meshgemv-f16-512-8x8-g4',
      'gemv-mine',
    ]);
  });

  it('refuses a wrong file, a wrong kernel and an --only without a match in one line, exit 2', async () => {
    for (const { status, stdout, stderr } of [
      await validate(fileOf({ id: 'mine' }), '--only', 'mine'),
      await validate(fileOf({ ...unlisted(1), kernel: 'gemw' }), '--only', 'mine'),
      await validate(undefined, '--only', 'nothing'),
    ]) {
      expect(stderr).toMatch(/^[^\n]+\n$/);
      expect(stderr).not.toContain('internal error');
      expect(stdout).toBe('');
      expect(status).toBe(2);
    }
  });
});
