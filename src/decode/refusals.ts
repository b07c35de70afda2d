/**
 * What a configuration may not ask for together, though each of its keys is right by itself: positions
 * that the model does not have, and what the mapping of its layers cannot do. Every command that places
 * a model goes through here, so that the same configuration is refused by all of them alike.
 */
import type { ResolvedConfig } from '../config.js';
import { ConfigError } from '../config/errors.js';
import { positionsOf } from '../model/positions.js';
import type { Placement } from '../placement/placement.js';
import type { Asked } from '../mapping/mapping.js';
import { MAPPINGS } from '../mapping/mappings.js';

/** @throws ConfigError with the key, what would do and what was found */
export function checkRun(config: ResolvedConfig, use: Asked['use'] = 'steps'): void {
  checkPositions(config);
  checkLayers(config);
  const refused = MAPPINGS[config.mapping].refuse({ ...config, use });
  if (refused !== undefined) refuse(...refused);
}

function refuse(key: string, expected: string, found: unknown): never {
  throw new ConfigError(`${key}: expected ${expected}, found ${String(found)}`);
}

function checkPositions({ model, workload, prompt }: ResolvedConfig): void {
  const { context, tokens } = workload;
  const { most, why } = positionsOf(model);
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

/** @throws ConfigError if requests of so many positions go beyond what can be modelled */
export function checkServed({ model }: ResolvedConfig, positions: number): void {
  const { most, why } = positionsOf(model);
  if (positions > most)
    refuse('serving.maxContext', `at most ${most}, as ${why}`, `requests of up to ${positions}`);
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
    if (region.kind !== 'layer') continue;
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
