/**
 * Published measurements as data: what was run, on which machine, what it took, and who says so. A
 * file (`measurements/1`, JSON or YAML) is checked entry by entry at the door.
 */
import { bundled } from '../../bundled.js';
import * as z from 'zod';
import { readText, type NamedFile } from '../../config/files.js';
import { validate } from '../../config/problems.js';
import { child, plain } from '../../config/tree.js';
import { readYaml, type Node } from '../../config/yaml.js';
import { choice, ConfigError, expected, text as textNamed } from '../../config/errors.js';
import { show } from '../../model/errors.js';

/** Three different things, never averaged together. */
export const KINDS = ['hardware', 'vendor simulator', 'hosted service'] as const;

/** The hardware file that stands for a measured system. */
export const SYSTEMS = {
  'WSE-2': 'wse2',
  'CS-2': 'wse2',
  'WSE-3': 'wse3',
  'CS-3': 'wse3',
} as const;

const file = z.strictObject(
  {
    schema: z.literal('measurements/1', expected('measurements/1')),
    measurements: z.array(z.unknown(), expected('a list')),
  },
  expected('a mapping with schema and measurements'),
);

const text = textNamed('a text');
export const above0 = z.number(expected('a number above 0')).positive(expected('a number above 0'));

const entry = z
  .strictObject({
    id: text,
    kernel: text,
    params: z.record(z.string(), z.unknown(), expected('a mapping of the options of the kernel')),
    measuredCycles: above0.exactOptional(),
    measuredTokensPerSecond: above0.exactOptional(),
    system: choice(...(Object.keys(SYSTEMS) as (keyof typeof SYSTEMS)[])),
    kind: choice(...KINDS),
    source: text,
    note: text.exactOptional(),
    /** Numbers of the bundled hardware file that were chosen on this measurement, which ships with it. */
    fitted: z.array(text, expected('a list of paths')).min(1, expected('a path')).exactOptional(),
    /** Of a service: whether it decodes speculatively; null if nothing is said of it. */
    speculation: z.boolean(expected('true, false or null')).nullable().exactOptional(),
  })
  .superRefine((row, context) => {
    const service = row.kernel === 'service';
    const path = service ? 'measuredTokensPerSecond' : 'measuredCycles';
    const other = service ? 'measuredCycles' : 'measuredTokensPerSecond';
    const of = `expected for the kernel ${row.kernel}`;
    if (row[path] === undefined)
      context.addIssue({ code: 'custom', path: [path], message: `${of} a number, found nothing` });
    if (row[other] !== undefined)
      context.addIssue({
        code: 'custom',
        path: [other],
        message: `${of} only ${path}, found both`,
      });
    if (row.speculation !== undefined && !service)
      context.addIssue({
        code: 'custom',
        path: ['speculation'],
        message: `expected no such key for the kernel ${row.kernel}, found ${String(row.speculation)}`,
      });
    if (service !== (row.kind === 'hosted service'))
      context.addIssue({
        code: 'custom',
        path: ['kind'],
        message: `expected hosted service for the kernel service and for no other, found ${row.kind} for ${row.kernel}`,
      });
  });

/** A measurement, in cycles, or for a hosted service in tokens per second of one user. */
export type Measurement = z.output<typeof entry>;

export const PUBLISHED = bundled('measurements/published.json');

/**
 * Reads a file of measurements.
 * @param files where the file is noted
 * @throws ConfigError one line, `file:line:col: key: expected ..., found ...`, on the first problem
 */
export function readMeasurements(path: string, files?: NamedFile[]): Measurement[] {
  const tree = readYaml(readText({ path, from: 'measurements' }, files), path);
  validate(file, tree);
  const ids = new Set<string>();
  return (child(tree, 'measurements')!.value as Node[]).map((node) => {
    if (!(node.value instanceof Map))
      throw new ConfigError(
        `${node.origin.label}: expected a measurement with its id, found ${show(plain(node))}`,
      );
    const row = validate(entry, node);
    if (ids.has(row.id))
      throw new ConfigError(
        `${child(node, 'id')!.origin.label}: id: expected one of its own, found ${row.id} again`,
      );
    ids.add(row.id);
    return row;
  });
}

/** The first list with those of the second added; one with the same id takes the place of the first. */
export function joined(first: Measurement[], second: Measurement[]): Measurement[] {
  const own = new Map(second.map((row) => [row.id, row]));
  const kept = first.map((row) => own.get(row.id) ?? row);
  const known = new Set(first.map((row) => row.id));
  return [...kept, ...second.filter((row) => !known.has(row.id))];
}
