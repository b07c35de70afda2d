/** Parts of what rows have, for columns, or the other way round (mapping/latent.ts). */
import { WINDOWS, type Window } from '../mapping/latent-buffers.js';
import { cell, chosen, vector, type CoreCode } from '../program/builder.js';
import type { Select } from '../program/program.js';
import type { LatentCore } from './layer-core.js';

/** Puts a part of a vector into the middle of its stretch, and takes from there what is wanted of it. */
export function takeWindow(
  core: CoreCode,
  layer: LatentCore,
  name: Window,
  of: { from: number; length: number; stretch: number; to: number; takes: number },
): void {
  const { dtype } = layer.model;
  const { from, length, stretch, to, takes } = of;
  vector(core, 'move', dtype, length, cell(stretch + takes), cell(from));
  const window = windowAt(core, layer, name, 0, length + takes);
  vector(core, 'move', dtype, takes, cell(to), chosen(stretch, window));
}

/** Where in a stretch the part that is wanted begins, of the row's head of that number: at `last` at most. */
export function windowAt(
  { at }: CoreCode,
  { shape }: LatentCore,
  name: Window,
  i: number,
  last: number,
): Select {
  const number = WINDOWS.indexOf(name) * Math.max(1, shape.headsPerRow) + i;
  return { cell: at.windows + number, step: 1, count: last + 1 };
}
