/** Plans of sweeps: the points that they have, and what is said of those that cannot be. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadConfig, planOfArguments, readPlan, sweepSchema } from '../src/index.js';
import { runIdentity } from '../src/identity.js';
import { pointsOf } from '../src/studies/sweep/points.js';
import { wafersim } from './helpers/command-line.js';
import { planFile, QUICK } from './helpers/sweeps.js';

const home = mkdtempSync(join(tmpdir(), 'wafersim-plan-'));
afterAll(() => rmSync(home, { recursive: true }));

const TINY = resolve('configs/tiny.yaml');
const plan = (text: string) => readPlan(planFile(home, `base: ${TINY}\n${text}`));
const steps = (axis: string) => plan(`axes: { workload.context: ${axis} }`).axes[0].steps.flat();
const resolved = async (text: string) => pointsOf(plan(text), async () => {});

describe('an axis', () => {
  it('is a list, or numbers at equal steps up to the last that is not beyond', () => {
    expect(steps('[5, 3, 9]')).toEqual([5, 3, 9]);
    expect(steps('{ range: [10, 31, 7] }')).toEqual([10, 17, 24, 31]);
    expect(steps('{ range: [10, 30, 7] }')).toEqual([10, 17, 24]);
    expect(steps('{ range: [3, 1, -1] }')).toEqual([3, 2, 1]);
    expect(steps('{ range: [4, 4, 5] }')).toEqual([4]);
  });

  it('has no more digits than it was given', () => {
    expect(steps('{ range: [0.1, 0.5, 0.1] }')).toEqual([0.1, 0.2, 0.3, 0.4, 0.5]);
    expect(steps('{ range: [1e-7, 3e-7, 1e-7] }')).toEqual([1e-7, 2e-7, 3e-7]);
  });

  it('doubles', () => {
    expect(steps('{ log2: [1024, 8192] }')).toEqual([1024, 2048, 4096, 8192]);
    expect(steps('{ log2: [3, 20] }')).toEqual([3, 6, 12]);
  });
});

describe('the points of a plan', () => {
  it('are every combination in the order written, without those that an entry excludes', async () => {
    const points = await resolved(`
set: [workload.tokens=1]
axes: { placement.strategy: [snake, greedy], workload.context: [4, 8] }
zip: [{ placement.rows: [4, 8], placement.growth: [minimal, fill] }]
exclude: [{ placement.strategy: greedy, workload.context: 4 }, { placement.rows: 8, workload.context: 8 }]
`);
    expect(points.map(({ settings }) => settings.slice(1).map((of) => of.split('=')[1]))).toEqual([
      ['snake', '4', '4', 'minimal'],
      ['snake', '4', '8', 'fill'],
      ['snake', '8', '4', 'minimal'],
      ['greedy', '8', '4', 'minimal'],
    ]);
    expect(points.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
    expect(points[0].axes).toEqual({
      'placement.strategy': 'snake',
      'workload.context': 4,
      'placement.rows': 4,
      'placement.growth': 'minimal',
    });
  });

  it('have the key and the files of a run with their settings', async () => {
    const [point] = await resolved('axes: { hardware.clock: [1.1 GHz, 900 MHz] }');
    expect(point.settings).toEqual(['hardware.clock=1.1 GHz']);
    const { wafer, files } = loadConfig(TINY, point.settings);
    expect(wafer.clockHz).toBe(1.1e9);
    expect(point.files).toEqual(files);
    expect(point.key).toBe(runIdentity(loadConfig(TINY, point.settings)).key);
  });

  it('set texts that YAML would read otherwise, and lists', async () => {
    const axes = `workload.prompt: ["true", "12", "a: b", "it's #1", " x"]`;
    const { axes: read } = plan(`axes: { ${axes} }`);
    expect(read[0].settings.map(([of]) => (typeof of === 'string' ? of : of.text))).toEqual([
      'workload.prompt=true',
      'workload.prompt="12"',
      'workload.prompt=a: b',
      "workload.prompt=it's #1",
      'workload.prompt= x',
    ]);
    const lists = await resolved(
      'set: [workload.context=0]\naxes: { workload.prompt: [[1, 2], [3]] }',
    );
    expect(lists.map(({ settings }) => settings)).toEqual([
      ['workload.context=0', 'workload.prompt=[1,2]'],
      ['workload.context=0', 'workload.prompt=[3]'],
    ]);
  });

  it('are the same from a command line', async () => {
    const set = ['workload.tokens=1'];
    const words = ['workload.context=4,8', 'placement.strategy=snake,greedy'];
    const spelt = planOfArguments(TINY, set, words);
    const text = 'axes: { workload.context: [4, 8], placement.strategy: [snake, greedy] }';
    const expected = await resolved(`set: [workload.tokens=1]\n${text}`);
    const points = await pointsOf(spelt, async () => {});
    expect(points.map(({ key }) => key)).toEqual(expected.map(({ key }) => key));
    // What the store keeps of it is a plan too.
    const again = await pointsOf(readPlan(planFile(home, spelt.text)), async () => {});
    expect(again.map(({ key }) => key)).toEqual(expected.map(({ key }) => key));
    expect(planOfArguments(TINY, [], ['workload.context={log2: [4, 16]}']).axes[0].steps).toEqual([
      [4],
      [8],
      [16],
    ]);
  });

  it('find files next to the plan', async () => {
    const small = resolve('configs/hardware/small.yaml');
    planFile(join(home), '');
    const text = `axes: { hardware.extends: [${small}] }`;
    expect((await resolved(text))[0].files.map(({ path }) => path)).toContain(small);
    await expect(resolved('axes: { hardware.extends: [beside.yaml] }')).rejects.toThrow(
      `plan.yaml:2:28: hardware.extends: expected the file ${join(home, 'beside.yaml')}`,
    );
  });
});

describe('a bad plan', () => {
  const BAD: [what: string, text: string, says: RegExp][] = [
    ['no axes', '', /:1:1: (?:: )?expected axes or zip, found neither$/],
    [
      'an empty axis',
      'axes: { workload.context: [] }',
      /:2:27: axes\.workload\.context: expected at least one value, found a list$/,
    ],
    [
      'an unknown path',
      'axes: { workload.contxt: [4, 8] }',
      /:2:9: workload\.contxt: expected a known key, found an unknown one; did you mean context\?$/,
    ],
    [
      'a value of the wrong kind',
      'axes: { workload.batch: [1, two] }',
      /:2:29: workload\.batch: expected an integer, at least 1, at most 1000000000, found "two"$/,
    ],
    [
      'an unknown key',
      'axis: { workload.batch: [1] }',
      /:2:1: axis: expected a known key, found an unknown one; did you mean axes\?$/,
    ],
    [
      'a path twice',
      'axes: { workload.batch: [1] }\nzip: [{ workload.batch: [1] }]',
      /:3:25: zip\.0\.workload\.batch: expected a path of its own, found it again$/,
    ],
    [
      'a value twice',
      'axes: { workload.batch: [1, 2, 1] }',
      /:2:32: axes\.workload\.batch\.2: expected different values at each step, found 1 again$/,
    ],
    [
      'a zip of unequal lengths',
      'zip: [{ workload.batch: [1, 2], workload.context: [4] }]',
      /:2:51: zip\.0\.workload\.context: expected 2 values as of workload\.batch, found 1$/,
    ],
    [
      'a million points',
      'axes: { workload.context: { range: [1, 1000, 1] }, workload.seed: { range: [1, 1000, 1] } }',
      /:2:7: axes: expected at most 10000 points, found 1000000$/,
    ],
    [
      'an endless axis',
      'axes: { workload.context: { range: [1, 1e15, 1] } }',
      /:2:36: axes\.workload\.context\.range: expected at most 10000 points, found 1000000000000000$/,
    ],
    [
      'a step that leads away',
      'axes: { workload.context: { range: [1, 9, -1] } }',
      /:2:36: axes\.workload\.context\.range: expected steps from 1 towards 9, found a step of -1$/,
    ],
    [
      'no step',
      'axes: { workload.context: { range: [1, 9, 0] } }',
      /:2:43: axes\.workload\.context\.range\.2: expected a step other than 0, found 0$/,
    ],
    [
      'a double of nothing',
      'axes: { workload.context: { log2: [0, 8] } }',
      /:2:36: axes\.workload\.context\.log2\.0: expected a number above 0, found 0$/,
    ],
    [
      'a value that is a mapping',
      'axes: { workload.context: [{ a: 1 }] }',
      /:2:28: axes\.workload\.context\.0: expected a text, a number, true, false, or a list of them, found a mapping$/,
    ],
    [
      'an exclusion by no axis',
      'axes: { workload.batch: [1, 2] }\nexclude: [{ workload.btch: 1 }]',
      /:3:28: exclude\.0\.workload\.btch: expected an axis; did you mean workload\.batch\?$/,
    ],
    [
      'an exclusion of no value',
      'axes: { workload.batch: [1, 2] }\nexclude: [{ workload.batch: 3 }]',
      /:3:29: exclude\.0\.workload\.batch: expected one of 1, 2, found 3$/,
    ],
    [
      'everything excluded',
      'axes: { workload.batch: [1] }\nexclude: [{ workload.batch: 1 }]',
      /:3:10: exclude: expected to leave a point, found all 1 of them excluded$/,
    ],
    [
      'a setting that is none',
      'set: [workload.batch]\naxes: { workload.context: [4] }',
      /:2:7: expected path=value, found "workload\.batch"$/,
    ],
    [
      'an unknown metric',
      'axes: { workload.batch: [1] }\npareto: { x: speed, y: tpotMs }',
      /:3:14: pareto\.x: expected cyclesPerToken or .*, found "speed"$/,
    ],
    [
      'what no run can do',
      `set: [mapping=waferllm, ${QUICK[1]}]\naxes: { workload.batch: [1, 2] }`,
      /plan\.yaml: point 1: workload\.batch: expected 1 with mapping: waferllm, which serves one user, found 2$/,
    ],
  ];

  it.each(BAD)('with %s gets one line and exit code 2', async (_, text, says) => {
    const path = planFile(home, `base: ${TINY}\n${text}\n`);
    const store = join(home, 'store');
    const { status, stdout, stderr } = await wafersim('sweep', path, '-o', store);
    expect(stderr.trimEnd()).toMatch(says);
    expect(stderr.split('\n')).toHaveLength(2);
    expect([stdout, status]).toEqual(['', 2]);
  });

  it.each([
    [[], /^sweep: expected a plan, or a configuration with --axis, found none\n$/],
    [
      [TINY],
      /tiny\.yaml: expected a plan with base and axes, or --axis with a configuration, found a configuration\n$/,
    ],
    [['none.yaml'], /expected the file none\.yaml, found no such file\n$/],
    [
      [TINY, '--axis', 'workload.batch'],
      /^--axis workload\.batch: expected path=value,value, found no =\n$/,
    ],
    [
      [TINY, '--axis', 'workload.batch='],
      /^--axis workload\.batch=: axes\.workload\.batch: expected at least one value, found a list\n$/,
    ],
    [
      [TINY, '--axis', 'workload.btch=1'],
      /^--axis workload\.btch=1: workload\.btch: expected a known key, found an unknown one; did you mean batch\?\n$/,
    ],
    [
      [TINY, '--axis', 'workload.batch=1', '--axis', 'workload.batch=2'],
      /expected a path of its own, found workload\.batch again\n$/,
    ],
    [
      [TINY, '--axis', 'workload.batch=1', '--shard', '2/2'],
      /Expected i\/n with i from 0 to n - 1/,
    ],
    [
      [resolve('configs/serving-tiny.yaml'), '--axis', `workload.trace=${TINY}`, '--jobs', '1'],
      /^\S*serving-tiny\.yaml: point 0: workload: expected one of trace, arrivals or sessions/,
    ],
    [
      ['--status', '-o', join(home, 'nothing')],
      /nothing: expected the store of a sweep, found no plan\.ndjson in it\n$/,
    ],
  ])('on the command line likewise: %j', async (args, says) => {
    const { status, stdout, stderr } = await wafersim('sweep', ...args);
    expect(stderr).toMatch(says);
    expect([stdout, status]).toEqual(['', 2]);
  });
});

describe('the schema of plans', () => {
  it('in configs/ is the one of this version (wafersim schema sweep > configs/sweep.schema.json)', async () => {
    const file = JSON.parse(readFileSync('configs/sweep.schema.json', 'utf8')) as unknown;
    expect(file).toEqual(sweepSchema());
    expect(JSON.parse((await wafersim('schema', 'sweep')).stdout)).toEqual(file);
  });

  it('is draft-07, needs a base, and has no unknown keys', () => {
    expect(sweepSchema()).toMatchObject({
      $schema: 'http://json-schema.org/draft-07/schema#',
      additionalProperties: false,
      required: ['base'],
      properties: {
        axes: { additionalProperties: { anyOf: [{ type: 'array', minItems: 1 }, {}, {}] } },
        pareto: { properties: { x: { enum: expect.arrayContaining(['tpotMs']) as unknown } } },
      },
    });
  });
});
