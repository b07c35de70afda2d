/** A plan of a sweep, from a file or a command line: a base, settings over it, and the axes that vary it. */
import { dirname, isAbsolute, join } from 'node:path';
import { stringify } from 'yaml';
import { ConfigError } from '../../config/errors.js';
import { readText, type NamedFile } from '../../config/files.js';
import { closest, validate } from '../../config/problems.js';
import { child, originAt, keyOriginAt, settingOf, type Setting } from '../../config/tree.js';
import { readYaml, type Node, type Origin } from '../../config/yaml.js';
import { shown } from '../../report/format.js';
import { valuesOf } from './axis-values.js';
import { MOST_POINTS } from './plan-limits.js';
import { planSchema, type Axis } from './plan-schema.js';
import type { AxisValue, Base } from './point.js';

/** Values that are set together: of one path, or of several of a zip. */
export interface PlanAxis {
  paths: string[];
  /** For each step of the axis, the value of each path. */
  steps: AxisValue[][];
  /** Where a step's values stand, for errors. */
  settings: Setting[][];
}

export interface Plan {
  base: Base;
  /** As they were written. */
  set: Setting[];
  axes: PlanAxis[];
  exclude: Record<string, AxisValue>[];
  /** Where it is written, for errors. */
  excludedAt: string;
  pareto: { x: string; y: string };
  /** What plan.yaml of a store holds. */
  text: string;
  /** The plan's own file. */
  files: NamedFile[];
}

/**
 * Reads a plan.
 * @throws ConfigError one line, `file:line:col: path: expected ..., found ...`, on the first problem
 */
export function readPlan(path: string): Plan {
  const files: NamedFile[] = [];
  const text = readText({ path, from: 'the command line' }, files);
  const tree = readYaml(text, path);
  const isConfig = child(tree, 'base') === undefined && child(tree, 'hardware') !== undefined;
  if (isConfig)
    throw new ConfigError(
      `${path}: expected a plan with base and axes, or --axis with a configuration, found a configuration`,
    );
  const { base: written, ...plan } = planOf(tree, path);
  const base = isAbsolute(written) ? written : join(dirname(path), written);
  return { ...plan, base: { path: base, written, plan: path }, text, files };
}

/** The plan that a command line spells: a configuration, settings `a.b=v`, and axes `a.b=v,w`. */
export function planOfArguments(
  base: string,
  set: readonly string[],
  axes: readonly string[],
): Plan {
  const all = new Map<string, Node>();
  for (const option of axes) {
    const { path, axis } = axisOf(option);
    if (all.has(path))
      throw new ConfigError(`--axis ${option}: expected a path of its own, found ${path} again`);
    all.set(path, axis);
  }
  const origin: Origin = { label: 'the command line' };
  const list = set.map((text): Node => ({ origin: { label: `--set ${text}` }, value: text }));
  const tree: Node = {
    origin,
    value: new Map<string, Node>([
      ['base', { origin, value: base }],
      ['set', { origin, value: list }],
      ['axes', { origin, value: all }],
    ]),
  };
  const { base: written, ...plan } = planOf(tree);
  const spelt = {
    base,
    ...(set.length > 0 && { set }),
    axes: Object.fromEntries(
      plan.axes.map(({ paths, steps }) => [paths[0], steps.map(([v]) => v)]),
    ),
  };
  const text = `# From a command line: paths are relative to where it was given.\n${stringify(spelt)}`;
  return { ...plan, base: { path: written, written }, text, files: [] };
}

/** `path=v,w`, or `path={range: [from, to, step]}`. */
function axisOf(option: string): { path: string; axis: Node } {
  const label = `--axis ${option}`;
  const split = option.indexOf('=');
  const path = option.slice(0, Math.max(split, 0));
  if (path === '') throw new ConfigError(`${label}: expected path=value,value, found no =`);
  const list = readYaml(`[${option.slice(split + 1)}]`, label);
  const only = Array.isArray(list.value) && list.value.length === 1 ? list.value[0] : undefined;
  return { path, axis: relabelled(only?.value instanceof Map ? only : list, { label }) };
}

function relabelled(node: Node, origin: Origin): Node {
  const { value } = node;
  if (Array.isArray(value)) return { origin, value: value.map((item) => relabelled(item, origin)) };
  if (!(value instanceof Map)) return { origin, value };
  const entries = [...value].map(([key, inner]): [string, Node] => [
    key,
    relabelled(inner, origin),
  ]);
  return { origin, key: origin, value: new Map(entries) };
}

/** What a tree says, checked but for what its settings set. */
function planOf(tree: Node, file?: string) {
  const { base, set, axes, zip, exclude, pareto } = validate(planSchema, tree);
  const refuse = (path: readonly (string | number)[], what: string): never => {
    const { label } = originAt(tree, path);
    throw new ConfigError(`${label}: ${path.join('.')}: ${what}`);
  };
  const all: PlanAxis[] = [];
  const known = new Set<string>();
  const add = (place: (string | number)[], of: Record<string, Axis>) => {
    const paths = Object.keys(of);
    const lists = paths.map((path) => {
      if (known.has(path)) refuse([...place, path], 'expected a path of its own, found it again');
      known.add(path);
      return valuesOf(of[path], (what, inside = []) => refuse([...place, path, ...inside], what));
    });
    if (paths.length === 0) refuse(place, 'expected paths and their values, found none');
    const [first] = lists;
    for (const [i, list] of lists.entries())
      if (list.length !== first.length)
        refuse(
          [...place, paths[i]],
          `expected ${first.length} values as of ${paths[0]}, found ${list.length}`,
        );
    const steps = first.map((_, step) => lists.map((list) => list[step]));
    const texts = steps.map((values) => values.map(textOf).join(', '));
    const again = texts.findIndex((text, i) => texts.indexOf(text) < i);
    if (again >= 0)
      refuse(
        [...place, paths[0], again],
        `expected different values at each step, found ${texts[again]} again`,
      );
    const settings = steps.map((values, step) =>
      values.map((value, i) => setting(tree, [...place, paths[i]], step, value, file)),
    );
    all.push({ paths, steps, settings });
  };
  for (const [path, axis] of Object.entries(axes)) add(['axes'], { [path]: axis });
  for (const [i, entry] of zip.entries()) add(['zip', i], entry);
  if (all.length === 0) refuse([], 'expected axes or zip, found neither');
  const points = all.reduce((product, { steps }) => product * steps.length, 1);
  if (points > MOST_POINTS)
    refuse(['axes'], `expected at most ${MOST_POINTS} points, found ${points}`);
  for (const [i, entry] of exclude.entries())
    for (const [path, value] of Object.entries(entry)) {
      const axis = all.find(({ paths }) => paths.includes(path));
      if (axis === undefined) refuse(['exclude', i, path], notAnAxis(path, [...known]));
      const at = axis!.paths.indexOf(path);
      const values = axis!.steps.map((step) => step[at]);
      if (!values.some((one) => isEqual(one, value)))
        refuse(
          ['exclude', i, path],
          `expected one of ${values.map(textOf).join(', ')}, found ${textOf(value)}`,
        );
    }
  const nodes = child(tree, 'set')?.value as readonly Node[] | undefined;
  return {
    ...{ base, axes: all, exclude, pareto },
    excludedAt: originAt(tree, ['exclude']).label,
    set: set.map((text, i): Setting => settingAt(text, nodes![i].origin, undefined, file)),
  };
}

function notAnAxis(path: string, known: string[]): string {
  const near = closest(path, known);
  const hint = near === undefined ? `one of ${known.join(', ')}` : `an axis; did you mean ${near}?`;
  return near === undefined ? `expected ${hint}, found no axis` : `expected ${hint}`;
}

/** A value of an axis as a setting, whose errors name where the value stands, or its path. */
function setting(
  tree: Node,
  place: (string | number)[],
  step: number,
  value: AxisValue,
  file: string | undefined,
): Setting {
  const path = String(place.at(-1));
  const origin = originAt(tree, [...place, step]);
  const key = place.length === 2 ? keyOriginAt(tree, place.map(String)) : undefined;
  return settingAt(settingOf(path, value), origin, key ?? originAt(tree, place), file);
}

function settingAt(text: string, { label }: Origin, key?: Origin, file?: string): Setting {
  // A --set names itself.
  if (label === `--set ${text}`) return text;
  const of = file === undefined ? {} : { file };
  return { text, origin: { label, ...of }, ...(key && { key: { label: key.label, ...of } }) };
}

export function isEqual(a: AxisValue, b: AxisValue): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** A value as tables show it. */
export function textOf(value: AxisValue): string {
  return shown(typeof value === 'string' ? value : JSON.stringify(value));
}
