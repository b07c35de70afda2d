/** Files of measurements: what ships with the project, and one clear line for whatever is wrong. */
import { afterAll, describe, expect, it } from 'vitest';
import {
  joined,
  PUBLISHED,
  readMeasurements,
  type Measurement,
} from '../src/studies/validate/measurements.js';
import { validateMeasurements } from '../src/studies/validate/validate.js';
import { complaint, temporaryFolder } from './config-files.js';
import { OPTIONS } from './helpers/options.js';

const folder = temporaryFolder();
afterAll(() => folder.remove());

const ROW = {
  id: 'mine',
  kernel: 'reduce',
  params: { algorithm: 'chain', pes: 4, words: 8, dtype: 'f32' },
  measuredCycles: 100,
  system: 'WSE-2',
  kind: 'hardware',
  source: 'my own machine',
};

const file = (...measurements: unknown[]) =>
  JSON.stringify({ schema: 'measurements/1', measurements }, null, 1);
const complaintOf = (text: string) => {
  const path = folder.write('mine.json', text);
  return complaint(() => readMeasurements(path), folder);
};

describe('the published measurements', () => {
  it('all have the source of the measurement, its machine and its method', () => {
    const all = readMeasurements(PUBLISHED);
    expect(all).toHaveLength(30);
    expect(new Set(all.map(({ kind }) => kind)).size).toBe(3);
  });
});

describe('a file of measurements', () => {
  it('is read as it is written', () => {
    const path = folder.write('good.json', file(ROW, { ...ROW, id: 'two', note: 'a note' }));
    expect(readMeasurements(path)).toEqual([ROW, { ...ROW, id: 'two', note: 'a note' }]);
  });

  it('adds to the published ones, and takes the place of those with the same id', () => {
    const own = [{ ...ROW, id: 'b', measuredCycles: 7 }, ROW] as Measurement[];
    const first = [
      { ...ROW, id: 'a' },
      { ...ROW, id: 'b' },
    ] as Measurement[];
    const both = joined(first, own).map(({ id, measuredCycles }) => [id, measuredCycles]);
    expect(both).toEqual([
      ['a', 100],
      ['b', 7],
      ['mine', 100],
    ]);
  });

  const wrong: [what: string, text: string, message: RegExp][] = [
    [
      'nothing',
      '',
      /mine\.json:1:1: expected a mapping with schema and measurements, found nothing/,
    ],
    ['a list', '[]', /expected a mapping with schema and measurements, found a list/],
    [
      'broken JSON',
      '{"schema": "measurements/1", ',
      /mine\.json:1:\d+: expected valid YAML, found/,
    ],
    [
      'another schema',
      '{"schema":"runs/1","measurements":[]}',
      /schema: expected measurements\/1, found "runs/,
    ],
    [
      'no list',
      '{"schema":"measurements/1","measurements":{}}',
      /measurements: expected a list, found a mapping/,
    ],
    [
      'a number for a measurement',
      file(3),
      /mine\.json:4:3: expected a measurement with its id, found 3/,
    ],
    ['no id', file({ ...ROW, id: undefined }), /id: expected a text, found nothing/],
    [
      'the same id twice',
      file(ROW, ROW),
      /mine\.json:19:10: id: expected one of its own, found mine again/,
    ],
    [
      'a misspelt key',
      file({ ...ROW, measuredCycels: 3 }),
      /measuredCycels: .*did you mean measuredCycles\?/,
    ],
    [
      'no value',
      file({ ...ROW, measuredCycles: undefined }),
      /measuredCycles: expected for the kernel reduce a number, found nothing/,
    ],
    [
      'a text for a value',
      file({ ...ROW, measuredCycles: '100' }),
      /measuredCycles: expected a number above 0, found "100"/,
    ],
    [
      'a value of 0',
      file({ ...ROW, measuredCycles: 0 }),
      /measuredCycles: expected a number above 0, found 0/,
    ],
    [
      'a negative value',
      file({ ...ROW, measuredCycles: -5 }),
      /measuredCycles: expected a number above 0, found -5/,
    ],
    [
      'cycles and a speed',
      file({ ...ROW, measuredTokensPerSecond: 5 }),
      /measuredTokensPerSecond: .*only measuredCycles, found both/,
    ],
    [
      'an unknown system',
      file({ ...ROW, system: 'WSE-9' }),
      /system: expected WSE-2 or CS-2 or WSE-3 or CS-3, found "WSE-9"/,
    ],
    [
      'an unknown kind',
      file({ ...ROW, kind: 'guess' }),
      /kind: expected hardware or vendor simulator or hosted service, found "guess"/,
    ],
    [
      'a kernel at a service',
      file({ ...ROW, kind: 'hosted service' }),
      /kind: expected hosted service for the kernel service/,
    ],
    [
      'params that are a list',
      file({ ...ROW, params: [] }),
      /params: expected a mapping .*, found a list/,
    ],
    [
      'a kernel that speculates',
      file({ ...ROW, speculation: false }),
      /speculation: expected no such key for the kernel reduce, found false/,
    ],
    [
      'a list of nothing that was fitted',
      file({ ...ROW, fitted: [] }),
      /fitted: expected a path, found a list/,
    ],
    ['no source', file({ ...ROW, source: '' }), /source: expected a text, found ""/],
  ];
  it.each(wrong)('with %s is refused in one line with its place', (_, text, message) => {
    const found = complaintOf(text);
    expect(found).toMatch(message);
    expect(found).toMatch(/^mine\.json:\d+:\d+: [^\n]+$/);
  });

  it('that is not there is named', () => {
    const missing = () => readMeasurements(`${folder.path}/nowhere.json`);
    expect(complaint(missing, folder)).toBe(
      'measurements: expected the file nowhere.json, found no such file',
    );
  });
});

describe('a measurement of something unknown', () => {
  const service = {
    ...{ id: 'mine', kernel: 'service', system: 'CS-3', kind: 'hosted service', source: 'me' },
    measuredTokensPerSecond: 5,
  };
  const wrong: [what: string, row: object, message: RegExp][] = [
    ['a kernel', { ...ROW, kernel: 'sort' }, /kernel: expected one of reduce, .*found sort/],
    ['an option', { ...ROW, params: { ...ROW.params, colour: 3 } }, /kernel reduce: colour: /],
    [
      'a value',
      { ...ROW, params: { ...ROW.params, pes: -1 } },
      /kernel reduce: pes: expected a whole/,
    ],
    [
      'sizes',
      { ...ROW, params: { ...ROW.params, model: 3 } },
      /params\.model: expected a mapping of sizes, found 3/,
    ],
    [
      'a model',
      { ...service, params: { model: '../secret' } },
      /params\.model: expected the name of a bundled model/,
    ],
    [
      'a model file',
      { ...service, params: { model: 'gpt-9' } },
      /expected the file .*gpt-9\.json, found no such file/,
    ],
    [
      'wafers',
      { ...service, params: { model: 'tiny', wafers: 'x' } },
      /hardware\.wafers: expected a number/,
    ],
    [
      'a setting',
      { ...service, params: { model: 'tiny', bach: 1 } },
      /workload\.bach: .*did you mean batch\?/,
    ],
  ];
  it.each(wrong)('(%s) is refused in one line that begins with its id', async (_, row, message) => {
    const error = await validateMeasurements([row as Measurement], [], OPTIONS).catch(
      (reason: unknown) => reason as Error,
    );
    expect(error).toMatchObject({ name: 'ConfigError' });
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).toMatch(/^measurement mine: [^\n]+$/);
  });
});
