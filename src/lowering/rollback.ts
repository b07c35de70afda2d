/**
 * What a round of several tokens of one user keeps of each, and how the next round's first token goes back to the
 * last accepted one (docs/machine-model.md, section 5g). The accepted count that it brings selects a copy. Slots of
 * rejected tokens in caches are written again before any token reads them.
 */
import type { MemoryOperand } from '../program/program.js';
import { cell, chosen, vector, type CoreCode } from '../program/builder.js';
import { advance, advanceAngles, headsOf, spreadAngles } from './heads.js';
import { bringsCount } from './in-flight.js';
import type { AttendingCore, LayerCore } from './layer-core.js';

/** One of the copies that a round has left, `step` cells each, by the accepted count. */
export function accepted(
  { at }: CoreCode,
  { inFlight }: Pick<LayerCore, 'inFlight'>,
  first: number,
  step: number,
): MemoryOperand {
  return chosen(first, { cell: at.accepted, step, count: inFlight!.of });
}

/** Query heads, and with them key heads, whose elements angles are multiplied by. */
function turnedHeads(layer: AttendingCore): number {
  return layer.mixer === 'gqa' ? headsOf(layer) : layer.shape.queryHeads;
}

/**
 * Before the token arrives: the angles of its position. Of the first one of a round, which follows any of the tokens
 * of the round before, those after each of them.
 */
export function prepareAngles(core: CoreCode, layer: AttendingCore): void {
  const { inFlight, shape } = layer;
  const { at } = core;
  const length = 2 * shape.pairs;
  if (inFlight && bringsCount(inFlight)) {
    for (let i = 0; i < inFlight.of; i++) advance(core, layer, at.angleCopies + i * length);
    return;
  }
  advanceAngles(core, layer, turnedHeads(layer));
  if (inFlight) keepAngles(core, layer, inFlight.index);
}

function keepAngles(core: CoreCode, { shape }: AttendingCore, index: number): void {
  const { at } = core;
  const length = 2 * shape.pairs;
  const copy = cell(at.angleCopies + index * length);
  vector(core, 'move', 'f32', length, copy, cell(at.angle));
}

/** The angles of the position after the last accepted one. */
export function restoreAngles(core: CoreCode, layer: AttendingCore): void {
  const { at } = core;
  const length = 2 * layer.shape.pairs;
  const copy = accepted(core, layer, at.angleCopies, length);
  vector(core, 'move', 'f32', length, cell(at.angle), copy);
  spreadAngles(core, layer, turnedHeads(layer));
  keepAngles(core, layer, 0);
}
