/**
 * A suite of benchmarks as data: kernels with their options, configurations to run, each with
 * settings over it. Files that it names are relative to it.
 */
import * as z from 'zod';
import { bundled } from '../../bundled.js';
import { asNamed, readText, referenceOf } from '../../config/files.js';
import type { NamedFile, ReadFile, Reference } from '../../config/files.js';
import { validate } from '../../config/problems.js';
import { child, originAt } from '../../config/tree.js';
import { readYaml, type Node } from '../../config/yaml.js';
import { ConfigError, expected, text } from '../../config/errors.js';
import { section } from '../../config/hardware-file.js';
import { existsSync } from '../../platform/node.js';
import type { KernelOptions } from '../kernel/kernel.js';

/** `written` is the configuration or the hardware as the suite names it. */
export type SuiteCase = { id: string; sets: string[]; written: string } & (
  | { kind: 'run'; config: string }
  | { kind: 'kernel'; kernel: string; hardware: string; options: KernelOptions }
);

/** The project's own suite. */
export const SUITE = bundled('bench/suite.yaml');

const HARDWARE = 'configs/hardware/wse3.yaml';

const id = /^[\w.][\w./-]*$/;
const scalar = z.union(
  [z.string(), z.number(), z.boolean()],
  expected('a text, a number, true or false'),
);
const file = text('the path of a file');

const entry = section('a case with id and run or kernel', {
  id: z.string(expected('a name')).regex(id, expected('a name of letters, digits, . / _ -')),
  run: file.exactOptional(),
  kernel: z.string(expected('the name of a kernel')).exactOptional(),
  hardware: file.exactOptional(),
  options: z.record(z.string(), scalar, expected('a mapping of options')).exactOptional(),
  set: z.record(z.string(), scalar, expected('a mapping of settings')).exactOptional(),
}).superRefine(({ run, kernel, hardware, options }, context) => {
  const wrong = (path: string, message: string) =>
    context.addIssue({ code: 'custom', path: [path], message });
  if ((run === undefined) === (kernel === undefined))
    wrong('run', `expected run or kernel, found ${run === undefined ? 'neither' : 'both'}`);
  if (run !== undefined && hardware !== undefined)
    wrong('hardware', 'expected with kernel only; a configuration names its own');
  if (run !== undefined && options !== undefined)
    wrong('options', 'expected with kernel only; settings of a configuration stand under set');
});

const suite = section('a mapping with schema and cases', {
  schema: z.literal('wafersim.suite/1', expected('wafersim.suite/1')),
  cases: z.array(entry, expected('a list of cases')).min(1, expected('cases')),
});

/**
 * Reads a suite.
 * @param files where the suite's own file is noted
 * @throws ConfigError one line, `file:line:col: path: expected ..., found ...`, on the first problem
 */
export function readSuite(path: string, files?: NamedFile[]): SuiteCase[] {
  const read: ReadFile[] = [];
  const tree = readYaml(readText({ path, from: 'suite' }, read), path);
  files?.push(...read.map(asNamed));
  const { cases } = validate(suite, tree);
  const nodes = child(tree, 'cases')!.value as Node[];
  const ids = new Set<string>();
  return cases.map(({ id, run, kernel, hardware, options = {}, set = {} }, i) => {
    if (ids.has(id)) {
      const at = originAt(tree, ['cases', i, 'id']).label;
      throw new ConfigError(`${at}: cases.${i}.id: expected one of its own, found ${id} again`);
    }
    ids.add(id);
    const sets = Object.entries(set).map(([key, value]) => `${key}=${value}`);
    const fileAt = (key: 'run' | 'hardware') => {
      const kind = key === 'hardware' ? key : undefined;
      return existing(referenceOf(child(nodes[i], key)!, key, path, kind));
    };
    if (run !== undefined) return { id, sets, written: run, kind: 'run', config: fileAt('run') };
    const machine = hardware === undefined ? bundled(HARDWARE) : fileAt('hardware');
    const written = hardware ?? HARDWARE;
    return { id, sets, written, kind: 'kernel', kernel: kernel!, hardware: machine, options };
  });
}

function existing({ path, from }: Reference): string {
  if (existsSync(path)) return path;
  throw new ConfigError(`${from}: expected the file ${path}, found no such file`);
}
