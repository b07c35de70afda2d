/** What the code of one core of a WaferLLM layer depends on, and the change between the two axes. */
import { allReduce, routesOf, type LinePlace } from '../../kernels/collectives.js';
import type { HeadPart, WaferllmOptions, WaferllmShape } from '../../mapping/waferllm-shape.js';
import { append, type CoreCode } from '../../program/builder.js';
import type { LayerLabel } from '../layer-core.js';

/** The operators of a published layer in the order of the program, and the norm of heads that it may have too. */
const OPERATORS = [
  ...(['attention norm', 'qkv', 'qk norm', 'rope', 'kv append'] as const),
  ...(['scores', 'softmax', 'values', 'attention out'] as const),
  ...(['mlp norm', 'gate up', 'silu', 'down'] as const),
] satisfies LayerLabel[];

export type WaferllmLabel = (typeof OPERATORS)[number];

export function waferllmLabels({ qkNorm }: Pick<WaferllmOptions, 'qkNorm'>): WaferllmLabel[] {
  return OPERATORS.filter((name) => qkNorm || name !== 'qk norm');
}

export interface WaferllmCore {
  code: CoreCode;
  options: WaferllmOptions;
  shape: WaferllmShape;
  /** Places on the column (y) and on the row (x); both use the same five colours. */
  column: LinePlace;
  row: LinePlace;
  /** Heads of which this core's column holds pairs. */
  parts: HeadPart[];
  /** Cache positions of every row, the last slot included that the new position takes in one. */
  positions: number;
  /** Whether this core's row keeps the new position there, has an old one, or none. */
  lastSlot: 'kept' | 'full' | 'empty';
}

export function label(core: WaferllmCore, name: WaferllmLabel): void {
  core.code.label = waferllmLabels(core.options).indexOf(name);
}

/**
 * Changes the routes of all five colours to another axis, just before the first reduction there: by
 * then what this core sent along the old axis has left its router. A colour that the core has no
 * part in on the new axis gets an empty route.
 */
export function changeAxis(core: WaferllmCore, place: LinePlace): void {
  const routes = routesOf(place);
  for (const color of place.colors) {
    const to = routes.find((r) => r.color === color) ?? { color, inputs: 0, outputs: 0 };
    append(core.code, { kind: 'route', ...to });
  }
}

/** All-reduce in the layer's data type along a place's axis. */
export function sumOver(core: WaferllmCore, place: LinePlace, at: number, length: number): void {
  allReduce(core.code, place, 'add', core.options.dtype, at, length);
}
