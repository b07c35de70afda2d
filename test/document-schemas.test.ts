/** Real documents of every kind against their schemas: a field that a schema does not know is an error. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { afterAll, describe, expect, it } from 'vitest';
import { DOCUMENT_SCHEMAS, documentSchema } from '../src/studies/documentation/document-schemas.js';
import type { DocumentName } from '../src/studies/documentation/document-schemas.js';
import { wafersim } from './helpers/command-line.js';
import { cases } from './helpers/full.js';

const home = mkdtempSync(join(tmpdir(), 'wafersim-schemas-'));
afterAll(() => rmSync(home, { recursive: true }));

const KERNEL = ['kernel', 'reduce', '--algorithm', 'chain', '--pes', '8', '--words', '16'];
const TINY = 'configs/tiny.yaml';
const timed = ['--set', 'workload.data=false'];
const TRAFFIC = [
  ...['kernel', 'traffic', '--pattern', 'uniform', '--mesh', '4x4', '--cycles', '200'],
  ...['--loads', '0.05,0.1'],
];

/** Commands by the schema of what they print. */
const PRINTED: [DocumentName, string[]][] = [
  ['kernel', KERNEL],
  ['kernel', TRAFFIC],
  ['diff', ['diff', ...KERNEL, '--engines', 'reference,fast']],
  ['bench', ['bench', '--cases', 'kernel/reduce-chain', '--baseline']],
  ['run', ['run', TINY]],
  ...cases<[DocumentName, string[]]>(
    [],
    [
      ['kernel', ['kernel', 'reduce', '--algorithm', 'auto', '--pes', '8', '--words', '16']],
      ['run', ['run', 'configs/serving-tiny.yaml', '--set', 'workload.requests=4']],
      ['run', ['run', TINY, ...timed, '--set', 'workload.batch=3']],
      ['run', ['run', TINY, ...timed, '--set', 'hardware.wafers=2', '--set', 'hardware.height=13']],
      ['compare', ['compare', TINY, ...timed, '--strategies', 'snake,greedy']],
      ['validate', ['validate', '--only', 'reduce']],
      [
        'sweep-document',
        ['sweep', TINY, ...timed, '--axis', 'workload.batch=1,2', '-o', join(home, 'sweep')],
      ],
    ],
  ),
];

const ajv = new Ajv({ strict: true, strictRequired: false, allowUnionTypes: true });

/** What a schema says of a document: as the library has it, and as JSON Schema. */
function problemsOf(name: DocumentName, document: unknown): { library: unknown; json: unknown } {
  const { error } = DOCUMENT_SCHEMAS[name].safeParse(document);
  const validate =
    ajv.getSchema(name) ?? ajv.addSchema(documentSchema(name), name).getSchema(name)!;
  return {
    library: error?.issues.map(({ path, message }) => `${path.map(String).join('.')}: ${message}`),
    json: validate(document) ? undefined : ajv.errorsText(validate.errors),
  };
}

const FINE = { library: undefined, json: undefined };

/** A copy with one more field in the object that a path leads to. */
function withField(document: unknown, path: (string | number)[]): unknown {
  const copy = structuredClone(document);
  let node = copy as Record<string | number, unknown>;
  for (const key of path) node = node[key] as typeof node;
  node['unheardOf'] = 1;
  return copy;
}

/** Paths to all objects with fields of their own that a document has outside its configuration, one of each list. */
function objectsIn(value: unknown, path: (string | number)[] = []): (string | number)[][] {
  if (typeof value !== 'object' || value === null || path[0] === 'config') return [];
  const below = (Array.isArray(value) ? value.slice(0, 1) : value) as Record<string, unknown>;
  return [
    ...(Array.isArray(value) ? [] : [path]),
    ...Object.entries(below).flatMap(([key, of]) =>
      objectsIn(of, [...path, Array.isArray(value) ? Number(key) : key]),
    ),
  ];
}

describe.each(PRINTED.map(([name, args]) => [args.join(' '), name, args] as const))(
  '%s',
  (_, name, args) => {
    it(`prints what the schema of ${name} says, and nothing else`, async () => {
      const { stdout, stderr } = await wafersim(...args, '--json');
      expect(stdout, stderr).not.toBe('');
      const document = JSON.parse(stdout) as Record<string, unknown>;
      expect(problemsOf(name, document)).toEqual(FINE);
      // Records of numbers by names take any name, but no more than numbers.
      const open = objectsIn(document).filter((path) => {
        const { library, json } = problemsOf(name, withField(document, path));
        expect(library === undefined, path.join('.')).toBe(json === undefined);
        return library === undefined;
      });
      const NAMED =
        /^(?:cases\.0\.breakdown|points\.0\.(?:axes|operators)|reuse\.lines\.why|skippedTensors|.*transportSources|.*rejections)$/;
      expect(open.map((path) => path.join('.')).filter((path) => !NAMED.test(path))).toEqual([]);
      const { schema: _schema, ...without } = document;
      expect(problemsOf(name, without)).not.toEqual(FINE);
    });
  },
);

it('schemas are draft-07, and of every document that has one', async () => {
  for (const name of Object.keys(DOCUMENT_SCHEMAS)) {
    const { stdout } = await wafersim('schema', name);
    const schema = JSON.parse(stdout) as Record<string, unknown>;
    expect(schema).toMatchObject({
      $schema: 'http://json-schema.org/draft-07/schema#',
      additionalProperties: false,
    });
    expect(ajv.validateSchema(schema)).toBe(true);
  }
});

it('a figure of nothing is null, and a number elsewhere is not', () => {
  const { ttftMs } = (
    documentSchema('run') as { properties: { serving: { properties: Record<string, never> } } }
  ).properties.serving.properties;
  expect(ttftMs).toMatchObject({ properties: { p50: { type: ['number', 'null'] } } });
});
