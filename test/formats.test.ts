/** `--format` means the same on every command: the document, or the rows of its main table with raw numbers. */
import Papa from 'papaparse';
import { describe, expect, it } from 'vitest';
import { csvOf, dataTable, flatTable, markdownOf, ndjsonOf } from '../src/report/data-table.js';
import { wafersim } from './helpers/command-line.js';
import { cases } from './helpers/full.js';

type Row = Record<string, unknown>;

const KERNEL = ['kernel', 'reduce', '--algorithm', 'chain', '--pes', '8', '--words', '16'];
const TINY = ['configs/tiny.yaml', '--set', 'workload.data=false'];

/** A command, how many rows it prints, and some of what is in the first. */
interface Case {
  args: string[];
  rows: (document: Row) => number;
  first?: (document: never) => Row;
}

const of = (list: string) => (document: Row) => (document[list] as unknown[]).length;
const one = () => 1;

const CASES: Case[] = [
  {
    args: KERNEL,
    rows: one,
    first: ({ cycles, coreCycles }: { cycles: number; coreCycles: Row }) => {
      const { compute, waitInput } = coreCycles;
      return {
        'options.pes': 8,
        cycles,
        computeCoreCycles: compute,
        waitInputCoreCycles: waitInput,
      };
    },
  },
  {
    args: [
      ...['kernel', 'traffic', '--pattern', 'uniform', '--mesh', '4x4', '--cycles', '200'],
    ].concat(...['--loads', '0.05,0.1']),
    rows: of('loads'),
    first: ({ loads }: { loads: { cycles: number; acceptedLoad: number }[] }) => {
      const [{ cycles, acceptedLoad }] = loads;
      return { load: 0.05, cycles, acceptedLoad };
    },
  },
  { args: ['inspect', ...TINY, '--what', 'placement'], rows: of('regions') },
  { args: ['inspect', ...TINY, '--what', 'model'], rows: of('operators') },
  {
    args: ['explain'],
    rows: (document) =>
      of('assumptions')(document) + of('numbers')(document) + of('notModelled')(document),
  },
  ...cases<Case>(
    [],
    [
      {
        args: ['run', ...TINY],
        rows: one,
        first: ({ decode, fabric }: { decode: Row; fabric: Row }) => {
          const { cyclesPerToken, tokensPerSecondPerUser } = decode;
          const { idle } = decode['coreCycles'] as Row;
          const { waveletHops } = fabric;
          return { cyclesPerToken, tokensPerSecondPerUser, idleCoreCycles: idle, waveletHops };
        },
      },
      { args: ['diff', ...KERNEL, '--engines', 'reference,fast'], rows: of('programs') },
      {
        args: ['bench', '--cases', 'kernel/reduce-chain'],
        rows: ({ cases: all }) =>
          (all as { metrics: Row }[]).reduce(
            (sum, { metrics }) => sum + Object.keys(metrics).length,
            0,
          ),
      },
      {
        args: ['compare', ...TINY, '--strategies', 'snake,greedy'],
        rows: of('runs'),
        first: ({ rows }: { rows: Row[] }) => ({
          name: 'snake',
          differenceCycles: 0,
          cyclesPerToken: rows[0]['cyclesPerToken'],
        }),
      },
      { args: ['inspect', ...TINY, '--what', 'waits'], rows: of('waits') },
      { args: ['inspect', ...TINY, '--what', 'wafer'], rows: () => NaN },
      { args: ['validate', '--only', 'reduce'], rows: of('rows') },
      { args: ['fleet', 'configs/tiny.yaml', '--megawatts', '1'], rows: of('rows') },
      { args: ['capacity', 'configs/serving-tiny.yaml', '--slo', 'ttft.p99<=500ms'], rows: one },
    ],
  ),
];

const parsedCsv = (text: string) =>
  Papa.parse<Record<string, string>>(text.trimEnd(), { header: true }).data;
const parsedNdjson = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Row);
/** As CSV has it. */
const texts = (row: Row) =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, value === null ? '' : String(value)]),
  );

describe.each(CASES.map((each) => [each.args.join(' '), each] as const))(
  '%s',
  (_, { args, rows, first }) => {
    it('prints the same rows as CSV, NDJSON and Markdown, with the numbers of its document', async () => {
      const as = async (format: string) => {
        const { status, stdout, stderr } = await wafersim(...args, '--format', format);
        expect([status, stderr]).toEqual([0, expect.not.stringContaining('error')]);
        return stdout;
      };
      const document = JSON.parse(await as('json')) as Row;
      const ndjson = parsedNdjson(await as('ndjson'));
      const many = rows(document);
      if (!Number.isNaN(many)) expect(ndjson).toHaveLength(many);
      if (first) expect(ndjson[0]).toMatchObject(first(document as never));
      const isOfHost = (row: Row) => row['kind'] === 'host';
      const simulated = ndjson.filter((row) => !isOfHost(row)).map(texts);
      expect(parsedCsv(await as('csv')).filter((row) => !isOfHost(row))).toEqual(simulated);
      const lines = (await as('markdown')).trimEnd().split('\n');
      expect(lines).toHaveLength(ndjson.length + 2);
      expect(lines[0]).toBe(`| ${Object.keys(ndjson[0]).join(' | ')} |`);
    });
  },
);

describe('--format', () => {
  it('is table unless it is given, and --json is short for json', async () => {
    const [plain, table, json, short] = await Promise.all([]).then(async () => [
      await wafersim(...KERNEL),
      await wafersim(...KERNEL, '--format', 'table'),
      await wafersim(...KERNEL, '--format', 'json'),
      await wafersim(...KERNEL, '--json'),
    ]);
    expect(plain.stdout.split('\n')[0]).toBe(table.stdout.split('\n')[0]);
    const { host: _, ...document } = JSON.parse(json.stdout) as Row;
    const { host: __, ...other } = JSON.parse(short.stdout) as Row;
    expect(document).toEqual(other);
  });

  it.each<[string[], RegExp]>([
    [
      [...KERNEL, '--format', 'xml'],
      /--format <name>' argument 'xml' is invalid\. Allowed choices/,
    ],
    [[...KERNEL, '--format', 'csv', '--json'], /'--json' cannot be used with option '--format/],
    [
      ['inspect', ...TINY, '--what', 'program', '--format', 'csv'],
      /--format: expected table or json, as a program has no table of rows, found csv/,
    ],
    [['serve', 'configs/serving-tiny.yaml', '--format', 'csv'], /Allowed choices are table, json/],
    [['validate', '--markdown', '--format', 'csv'], /'--markdown' cannot be used with option/],
    [['run', ...TINY, '--trace-core', '3,5'], /--trace-core: expected -o DIR as well/],
    [['run', ...TINY, '--trace-core', '3;5'], /Expected x,y or wafer:x,y/],
    [
      ['run', ...TINY, '-o', 'no-such/x', '--trace-core', '1:3,5'],
      /--trace-core 1:3,5: expected a core of .*, from 0:0,0 to 0:31,23/,
    ],
    [
      ['run', ...TINY, '-o', 'no-such/x', '--trace-core', '28,0'],
      /--trace-core 0:28,0: expected a core of a region/,
    ],
    [
      ['run', 'configs/serving-tiny.yaml', '-o', 'no-such/x', '--trace-core', '1,1'],
      /--trace-core: expected a decode run, found workload.kind: serving/,
    ],
  ])('is refused in one line where it has no meaning: %s', async (args, message) => {
    const { status, stdout, stderr } = await wafersim(...args);
    expect(stdout).toBe('');
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(status).toBe(2);
  });
});

describe('a table', () => {
  const table = dataTable(
    [
      { name: 'a "b", c', cycles: 12, share: NaN },
      { name: 'd|e\nf', cycles: undefined, share: 0.5 },
    ],
    [
      ['name', 'text', ({ name }) => name],
      ['cycles', 'integer', ({ cycles }) => cycles],
      ['share', 'number', ({ share }) => share],
    ],
  );

  it('has nothing where there is no number, and keeps what formats could take for their own', () => {
    expect(csvOf(table)).toBe('name,cycles,share\n"a ""b"", c",12,\n"d|e\nf",,0.5\n');
    expect(ndjsonOf(table).split('\n')[1]).toBe('{"name":"d|e\\nf","cycles":null,"share":0.5}');
    expect(markdownOf(table)).toBe(
      '| name | cycles | share |\n| :-- | --: | --: |\n| a "b", c | 12 |  |\n| d\\|e f |  | 0.5 |\n',
    );
  });

  it('of records has a column for each plain value of any, with its path', () => {
    const flat = flatTable([
      { a: 1, in: { b: 'x', list: [1, 2] } },
      { a: 1.5, in: { c: true } },
    ]);
    expect(flat.map(({ name, type, cells }) => [name, type, ...cells])).toEqual([
      ['a', 'number', 1, 1.5],
      ['in.b', 'text', 'x', null],
      ['in.list', 'text', '[1,2]', null],
      ['in.c', 'boolean', null, true],
    ]);
  });
});
