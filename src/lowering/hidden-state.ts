/** Where hidden states are: with the head that norms them, and with a layer that joins them to its tokens. */
import { tableBuffers } from '../mapping/buffers.js';
import { hasAttention, isLayerKind, isOfLayer } from '../mapping/mapping.js';
import { tableShape } from '../mapping/shapes.js';
import type { ModelSpec } from '../model/model.js';
import type { Region } from '../placement/placement.js';
import { layOut } from '../program/builder.js';

/** The region whose layer joins hidden states, and its place among all; undefined if there is none. */
export function joiningRegion({ kinds }: ModelSpec, regions: readonly Region[]) {
  for (const [place, region] of regions.entries())
    if (isOfLayer(region) && hasAttention(region.kind) && kinds[region.layerKind].joins)
      return { place, region };
  return undefined;
}

/** Where the cores of a head have the residual stream as it was normed, and how much of it each. */
export function normedIn(
  model: ModelSpec,
  { kind, width, height }: Region,
  inFlight?: number,
): { cell: number; length: number } {
  if (isLayerKind(kind)) throw new TypeError('the last region is no head');
  const shape = tableShape(model, height, width, inFlight);
  return { cell: layOut(tableBuffers(model, shape, kind)).at.normed, length: shape.dims };
}
