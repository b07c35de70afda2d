/**
 * What a configuration may not ask for together, though each of its keys is right by itself: positions
 * that the model does not have, and what the mapping of its layers cannot do. Every command that places
 * a model goes through here, so that the same configuration is refused by all of them alike.
 */
import type { ResolvedConfig } from '../config.js';
import { ConfigError } from '../config/errors.js';
import { positionsOf } from '../model/positions.js';
import type { Placement } from '../placement/placement.js';
import { layerShape } from '../placement/shapes.js';

/** What is simulated: decode steps as they are, or what serving and fleets make of them. */
export type Use = 'steps' | 'serving';

/** @throws ConfigError with the key, what would do and what was found */
export function checkRun(config: ResolvedConfig, use: Use = 'steps'): void {
  checkPositions(config);
  checkLayers(config);
  if (config.mapping === 'waferllm') checkWaferllm(config, use);
}

function refuse(key: string, expected: string, found: unknown): never {
  throw new ConfigError(`${key}: expected ${expected}, found ${String(found)}`);
}

function checkPositions({ model, workload }: ResolvedConfig): void {
  const { context, tokens } = workload;
  const { most, why } = positionsOf(model);
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
  if (Array.isArray(layerColumns) && layerColumns.length !== model.layers)
    refuse('placement.layerColumns', `one for each of ${model.layers} layers`, layerColumns.length);
}

/** The published mapping: one user, one square of whole cores, a layer of Llama with 16-bit weights. */
function checkWaferllm(config: ResolvedConfig, use: Use): void {
  const { model, wafer, workload, placement, exact } = config;
  const than = 'with mapping: waferllm';
  const instead = (why: string) => `gqa, as waferllm ${why}`;
  if (use === 'serving' || workload.kind === 'serving')
    refuse('mapping', instead('serves one user, without embedding and head'), 'waferllm');
  if (model.qkNorm)
    refuse(
      'mapping',
      instead(`does not normalise queries and keys, as ${model.name} does`),
      'waferllm',
    );
  if (model.weightBits === 8)
    refuse('model.weightBits', `${model.dtype === 'f16' ? 16 : 32} ${than}`, storedAs(model));
  if (workload.batch > 1)
    refuse('workload.batch', `1 ${than}, which serves one user`, workload.batch);
  if (workload.data && !exact)
    refuse(
      'exact',
      `true with workload.data, as waferllm as published does not compute exactly`,
      exact,
    );
  if (wafer.defects) refuse('hardware.defects', `none ${than}`, 'some');
  if (placement.layerColumns !== undefined)
    refuse(
      'placement.layerColumns',
      `none ${than}, whose region is a square of placement.rows`,
      [placement.layerColumns].flat().join(', '),
    );
}

/** @throws ConfigError if a layer's lines of cores cannot form the groups that are asked for */
export function checkGroups(config: ResolvedConfig, { regions }: Placement): void {
  const { model, mapping, placement } = config;
  const { groups } = placement;
  const check = (key: string, asked: number, length: number, line: string) => {
    if (asked > length) refuse(key, `at most ${length}, the cores of ${line}`, asked);
  };
  // One number for all lines means at most as many groups as each has cores.
  if (typeof groups === 'number' && mapping === 'waferllm')
    check('placement.groups', groups, regions[0].width, 'a row');
  if (typeof groups !== 'object') return;
  for (const { kind, width, height } of regions) {
    if (kind !== 'layer') continue;
    const { groupWidth } = layerShape(model, 1, height, width);
    check('placement.groups.column', groups.column, height, 'a column');
    check('placement.groups.row', groups.row, width, 'a row');
    check('placement.groups.head', groups.head, groupWidth, 'a head');
  }
}

function storedAs({ weightBits, stored }: ResolvedConfig['model']): string {
  return stored === undefined ? `${weightBits}` : `${weightBits}, as ${stored} in the model's file`;
}
