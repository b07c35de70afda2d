/**
 * What a configuration may not ask for together, though each of its keys is right by itself: positions
 * that the model does not have, and what the mapping of its layers cannot do. Every command that places
 * a model goes through here, so that the same configuration is refused by all of them alike.
 */
import type { ResolvedConfig } from '../config.js';
import { ConfigError } from '../config/errors.js';
import { replicasOf } from '../placement/budget.js';
import { isPerLayer, type Placement } from '../placement/placement.js';
import { isOfLayer, type Asked, type Refusal } from '../mapping/mapping.js';
import type { LayerColumns } from '../mapping/mapping.js';
import { MAPPINGS, MAPPING_NAMES } from '../mapping/mappings.js';
import { draftedBeyond, roomOf } from './positions.js';
import { draftConfigOf } from './speculation/draft.js';
import { FEATURES, featuresOf, type Feature } from '../model/features.js';
import type { ModelSpec } from '../model/model.js';

/** @throws ConfigError with the key, what would do and what was found */
export function checkRun(config: ResolvedConfig, use: Asked['use'] = 'steps'): void {
  checkModel(config, use);
  checkSpeculation(config, use);
}

/** What the model and its placement alone cannot do, whoever drafts for it. */
function checkModel(config: ResolvedConfig, use: Asked['use']): void {
  const features = featuresOf(config.model);
  checkFeatures(config, features);
  checkStored(config);
  checkPositions(config);
  checkLayers(config);
  checkReplicas(config);
  checkStrips(config);
  checkRouting(config);
  checkPrompt(config, use);
  const refused = MAPPINGS[config.mapping].refuse({ ...config, positions: roomOf(config), use });
  if (refused !== undefined) refuse(...refused);
  checkMapping(config, features);
}

/** What a run of the model would be refused for, each by its field; empty if nothing. */
export function missingIn(model: ModelSpec): string[] {
  const stored = storedRefusal(model);
  return [
    ...featuresOf(model).flatMap((feature) =>
      computedByAny(feature) ? [] : [askedBy(model, feature)],
    ),
    ...(stored === undefined ? [] : [`${stored[0]} = ${String(stored[2])}`]),
  ];
}

/** What layers have that no mapping has kernels for, by the names of the file's fields. */
function checkFeatures({ model }: ResolvedConfig, features: readonly Feature[]): void {
  const missing = features.filter((feature) => !computedByAny(feature));
  if (missing.length === 0) return;
  const [field] = fieldOf(model, missing[0]).split(' = ');
  const list = missing.map((feature) => askedBy(model, feature)).join('; ');
  refuse(field, 'a model that the wafer has kernels for', list);
}

/** What the mapping that is asked for does not compute, and another does. */
function checkMapping({ model, mapping }: ResolvedConfig, features: readonly Feature[]): void {
  const missing = features.find((feature) => !MAPPINGS[mapping].computes.includes(feature));
  if (missing === undefined) return;
  const others = MAPPING_NAMES.filter((name) => MAPPINGS[name].computes.includes(missing));
  const field = fieldOf(model, missing);
  const why = `as ${mapping} does not compute ${FEATURES[missing][0]} (${field}), which ${model.name} has`;
  refuse('mapping', `${others.join(' or ')}, ${why}`, mapping);
}

function computedByAny(feature: Feature): boolean {
  return MAPPING_NAMES.some((name) => MAPPINGS[name].computes.includes(feature));
}

function askedBy(model: ModelSpec, feature: Feature): string {
  return `${fieldOf(model, feature)} (${FEATURES[feature][0]})`;
}

function fieldOf({ family, published }: ModelSpec, feature: Feature): string {
  return published?.fields[feature] ?? `model_type = ${family}`;
}

function checkStored({ model }: ResolvedConfig): void {
  const refused = storedRefusal(model);
  if (refused !== undefined) refuse(...refused);
}

/** Weights in a format that cores do not widen, or an unknown one. */
function storedRefusal({ published, stored: known, dtype }: ModelSpec): Refusal | undefined {
  const stored = published?.stored;
  if (stored === undefined || known !== undefined) return undefined;
  const own = dtype === 'f16' ? 16 : 32;
  const what = `weights in a format of model.bits, or model.weightBits: 4, 8 or ${own} in the configuration`;
  return [stored.field, what, stored.says];
}

function refuse(key: string, expected: string, found: unknown): never {
  throw new ConfigError(`${key}: expected ${expected}, found ${String(found)}`);
}

function checkPositions({ model, workload, prompt }: ResolvedConfig): void {
  const { context, tokens } = workload;
  const { name, maxContext } = model;
  const drafted = draftedBeyond(workload);
  const most = maxContext - drafted;
  const beyond = drafted === 0 ? '' : `, ${drafted} of them for drafted tokens beyond the last`;
  const why = `${name} has ${maxContext} positions${beyond}`;
  if (prompt !== undefined) {
    const left = most - prompt.length + 1;
    if (left < 1) refuse('workload.prompt', `at most ${most} tokens, as ${why}`, prompt.length);
    if (tokens > left)
      refuse('workload.tokens', `at most ${left} after the prompt, as ${why}`, tokens);
    return;
  }
  if (tokens > most) refuse('workload.tokens', `at most ${most}, as ${why}`, tokens);
  if (context + tokens > most)
    refuse('workload.context', `at most ${most - tokens}, as ${why}`, context);
}

/**
 * Rounds of several users are alike if they take the same time whatever is accepted; and the draft has to run where the
 * model does.
 */
function checkSpeculation(config: ResolvedConfig, use: Asked['use']): void {
  const { workload } = config;
  const { speculation, batch, kind } = workload;
  if (speculation === undefined) return;
  const isServed = kind === 'serving' || use === 'serving';
  if (batch > 1 && !isServed && speculation.draft.kind === 'mtp') {
    const why = 'whose layer takes what each user has accepted once more';
    refuse('workload.batch', `1 with a draft by mtp, ${why}, unless requests are served`, batch);
  }
  checkSpare(config.model, speculation.tokens);
  const draft = draftConfigOf(config);
  if (draft === undefined) return;
  checkSpare(draft.model, speculation.tokens);
  try {
    checkModel(draft, use);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(`workload.speculation.draft: ${error.message}`);
  }
}

/** A round's tokens cross the border of one chunk at most. */
function checkSpare({ name, kinds }: ModelSpec, tokens: number): void {
  const sizes = kinds.flatMap(({ attention }) =>
    attention.kind === 'gqa' && attention.span.kind === 'chunk' ? [attention.span.size] : [],
  );
  const least = Math.min(...sizes);
  if (tokens - 1 > least) {
    const why = `as layers of ${name} attend within chunks of ${least}`;
    refuse('workload.speculation.tokens', `at most ${least + 1}, ${why}`, tokens);
  }
}

/** Requests have prompts of their own. */
function checkPrompt({ workload, prompt }: ResolvedConfig, use: Asked['use']): void {
  if (prompt !== undefined && (use === 'serving' || workload.kind === 'serving'))
    refuse('workload.prompt', 'none where requests are served', `one of ${prompt.length} tokens`);
}

/** KV groups of one KV head share its query heads out among them. */
function checkReplicas({ model, placement: { kvReplicas } }: ResolvedConfig): void {
  if (kvReplicas === 'auto' || kvReplicas === undefined) return;
  for (const layer of model.kinds) {
    const { attention } = layer;
    if (attention.kind === 'delta' || replicasOf(layer).includes(kvReplicas)) continue;
    const { heads, kvHeads } = { kvHeads: 1, ...attention };
    const why = `the query heads that share a KV head (${heads} heads on ${kvHeads})`;
    refuse('placement.kvReplicas', `auto or a divisor of ${heads / kvHeads}, ${why}`, kvReplicas);
  }
}

/** Every strip has as many experts of a layer as the others, and a column at least. */
function checkStrips({ model, placement }: ResolvedConfig): void {
  const { experts, strips, layerColumns } = placement;
  if (experts === 'sliced') return;
  const all = model.kinds.flatMap(({ mlp }) => (mlp.kind === 'experts' ? [mlp.count] : []));
  if (all.length === 0)
    refuse('placement.experts', `sliced, as ${model.name} has no experts`, experts);
  if (strips === 'auto') return;
  const odd = all.find((count) => count % strips !== 0);
  if (odd !== undefined)
    refuse('placement.strips', `auto or a divisor of ${odd}, the number of experts`, strips);
  const width = leastWidth(layerColumns);
  if (strips > width)
    refuse('placement.strips', `at most ${width}, the columns of placement.layerColumns`, strips);
}

/** Who chooses experts: the plain decoder where it computes, and there alone. */
function checkRouting({ workload: { routing, data }, placement }: ResolvedConfig): void {
  if (routing === 'reference' && !data)
    refuse('workload.routing', 'uniform, skewed or a file without workload.data', routing);
  if (placement.experts === 'sliced' || !data) return;
  if (routing !== undefined && routing !== 'reference')
    refuse('workload.routing', 'reference where a run computes on strips', routing);
  const { expertOrder: order } = placement;
  if (order === 'popular' || order === 'apart') {
    const why = 'contiguous or in-turn where a run computes, whose choices nobody knows before';
    refuse('placement.expertOrder', why, order);
  }
}

/** Columns of the narrowest MLP, if they are asked for. */
function leastWidth(asked: LayerColumns | undefined): number {
  if (asked === undefined) return Infinity;
  if (typeof asked === 'number') return asked;
  return isPerLayer(asked) ? Math.min(...asked) : asked.mlp;
}

function checkLayers({ model, placement: { layerColumns } }: ResolvedConfig): void {
  if (Array.isArray(layerColumns) && layerColumns.length !== model.layers.length)
    refuse(
      'placement.layerColumns',
      `one for each of ${model.layers.length} layers`,
      layerColumns.length,
    );
}

/** @throws ConfigError if a layer's lines of cores cannot form the groups that are asked for */
export function checkGroups(config: ResolvedConfig, { regions }: Placement): void {
  const { model, mapping, placement } = config;
  const { groups } = placement;
  const { reductions, published } = MAPPINGS[mapping];
  // One number for lines of several lengths means at most as many groups as each has cores.
  const asked: { column?: number; row?: number; head?: number } =
    typeof groups === 'number' ? (published ? { row: groups } : {}) : (groups ?? {});
  for (const region of regions) {
    if (!isOfLayer(region)) continue;
    const { width: columns, height: rows } = region;
    const added = reductions(region, { model, rows, columns, positions: 1 });
    for (const line of ['column', 'row', 'head'] as const) {
      const { [line]: found = 0 } = asked;
      const most = added.find((reduction) => reduction.line === line)?.cores ?? Infinity;
      const key = typeof groups === 'number' ? 'placement.groups' : `placement.groups.${line}`;
      if (found > most) refuse(key, `at most ${most}, the cores of a ${line}`, found);
    }
  }
}
