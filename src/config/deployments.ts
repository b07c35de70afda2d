/**
 * Several models on one system: what `deployments` may say, and a configuration as one of them has it. Each is placed
 * on wafers of its own, and its model drafts for another one where that says so.
 */
import * as z from 'zod';
import { amount, choice, ConfigError, count, expected, text } from './errors.js';
import { section } from './hardware-file.js';
import { model } from './model-schema.js';
import { child, merge, withKey, writtenOut } from './tree.js';
import type { Node } from './yaml.js';

const WAFERS = 'auto or an integer, 1 to 4096';

const deployment = section('a mapping with name and model', {
  name: text('a name').describe('What results call it, and rows of a trace that name a model'),
  model: z
    .union([z.string(), model], expected('the path of a config.json or a mapping'))
    .exactOptional()
    .describe('Its model, with the keys of model; that of the whole configuration without'),
  wafers: z
    .union([choice('auto'), count(1, 4096)], expected(WAFERS))
    .default('auto')
    .describe('Wafers of its own; auto: as many as it takes'),
  draft: text('the name of another deployment')
    .exactOptional()
    .describe(
      'The deployment whose model drafts for it, and serves nothing else; workload.speculation says how many tokens',
    ),
  share: amount(0, 1e9)
    .exactOptional()
    .describe('Its part of the requests, next to the parts of the others'),
  workload: z
    .record(z.string(), z.unknown(), expected('a mapping'))
    .exactOptional()
    .describe(
      'What it has in place of keys of workload; with requests of its own it takes no others',
    ),
});

type Deployment = z.output<typeof deployment>;

/** The deployments of a system. Drafts serve nothing by themselves, and for one model each. */
export const deployments = z
  .array(deployment, expected('a list of deployments'))
  .min(1, expected('at least one deployment'))
  .superRefine((all, context) => {
    const refuse = (i: number, key: string, message: string) =>
      context.addIssue({ code: 'custom', path: [i, key], message, input: all[i] });
    all.forEach((one, i) => {
      if (all.findIndex(({ name }) => name === one.name) < i)
        refuse(i, 'name', `expected one of its own, found ${one.name} again`);
      const drafting = draftingFor(all, one.name);
      if (drafting.length > 1)
        refuse(
          all.indexOf(drafting[1]),
          'draft',
          `expected a deployment that drafts for no other, found ${one.name}, which drafts for ${drafting[0].name}`,
        );
      for (const key of drafting.length > 0 ? (['draft', 'share', 'workload'] as const) : [])
        if (one[key] !== undefined)
          refuse(
            i,
            key,
            `expected none, as it drafts for ${drafting[0].name} and serves nothing else, found one`,
          );
      if (one.draft === undefined) return;
      const others = all.filter(({ name }) => name !== one.name).map(({ name }) => name);
      if (!others.includes(one.draft))
        refuse(
          i,
          'draft',
          `expected the name of another deployment${others.length > 0 ? ` (${others.join(', ')})` : ''}, found ${one.draft}`,
        );
    });
  });

function draftingFor(all: readonly Deployment[], name: string): Deployment[] {
  return all.filter(({ draft }) => draft === name);
}

/** Those that serve requests: all but the drafts. */
export function servingOf<T extends { name: string; draft?: string }>(all: readonly T[]): T[] {
  const drafts = new Set(all.map(({ draft }) => draft));
  return all.filter(({ name }) => !drafts.has(name));
}

/** Keys of a workload that say which requests come: one of them takes the place of another one. */
export const REQUESTS = ['trace', 'arrivals', 'sessions'] as const;

/**
 * The configuration as a deployment has it: its model, its workload, its draft. Without a name it is the whole
 * system's, with those of the first one.
 * @param tree as it is written, short forms written out
 */
export function withDeployment(tree: Node, name: string | undefined): Node {
  const one = entryOf(tree, name);
  if (one === undefined) return tree;
  const own = child(one, 'model');
  const withModel = own === undefined ? tree : withKey(tree, 'model', writtenOut(own));
  const withWork = withWorkload(withModel, child(one, 'workload'));
  const draft = child(one, 'draft');
  return draft === undefined ? withWork : withDraft(withWork, draft, entryOf(tree, draft.value));
}

/** The wafers of one of the deployments, in place of those of the whole system, whoever says how many those are. */
export function withOwnWafers(tree: Node, name: string | undefined): Node {
  const one = name === undefined ? undefined : entryOf(tree, name);
  if (one === undefined) return tree;
  const hardware = child(tree, 'hardware') ?? { origin: one.origin, value: new Map() };
  const wafers = child(one, 'wafers') ?? { origin: one.origin, value: 'auto' };
  return withKey(tree, 'hardware', withKey(hardware, 'wafers', wafers));
}

/** The deployment of this name, or the first one; none if there is no such, or it is no mapping. */
function entryOf(tree: Node, name: unknown): Node | undefined {
  const list = child(tree, 'deployments')?.value;
  const entries = Array.isArray(list) ? (list as readonly Node[]) : [];
  const found =
    name === undefined ? entries[0] : entries.find((one) => child(one, 'name')?.value === name);
  return found?.value instanceof Map ? found : undefined;
}

function withWorkload(tree: Node, own: Node | undefined): Node {
  if (!(own?.value instanceof Map)) return tree;
  const common = child(tree, 'workload');
  if (common === undefined) return withKey(tree, 'workload', own);
  const hasOwn = REQUESTS.some((key) => child(own, key) !== undefined);
  const rest = hasOwn
    ? REQUESTS.reduce((node, key) => withKey(node, key, undefined), common)
    : common;
  return withKey(tree, 'workload', merge(rest, own));
}

/** The draft of `workload.speculation` is another deployment's model, on that one's wafers. */
function withDraft(tree: Node, named: Node, one: Node | undefined): Node {
  const model = child(one, 'model') ?? child(tree, 'model');
  if (one === undefined || model === undefined) return tree;
  const workload = child(tree, 'workload') ?? { origin: named.origin, value: new Map() };
  const speculation = child(workload, 'speculation');
  const twice = child(speculation, 'draft');
  if (twice !== undefined)
    throw new ConfigError(
      `${(twice.key ?? twice.origin).label}: workload.speculation.draft: expected none with the draft of a deployment, found one`,
    );
  const wafers = child(one, 'wafers');
  const isCounted = wafers !== undefined && wafers.value !== 'auto';
  const written = writtenOut(model);
  const draft = isCounted ? withKey(written, 'wafers', wafers) : written;
  const asked = withKey(speculation ?? { origin: named.origin, value: new Map() }, 'draft', draft);
  return withKey(tree, 'workload', withKey(workload, 'speculation', asked));
}
