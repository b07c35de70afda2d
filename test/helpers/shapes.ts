/** Shapes of layers whose kind is known. */
import { layerShape, type GqaShape } from '../../src/mapping/shapes.js';

/** Of a layer with grouped queries. */
export function gqaShape(...of: Parameters<typeof layerShape>): GqaShape {
  const shape = layerShape(...of);
  if (shape.kind !== 'gqa') throw new TypeError(`expected grouped queries, found ${shape.kind}`);
  return shape;
}
