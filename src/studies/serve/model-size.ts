/** A model as a roofline of GPUs sees it. */
import { spanOf } from '../../model/cache-slots.js';
import type { ModelSpec } from '../../model/model.js';
import {
  activeParameters,
  cacheBytes,
  cacheBytesPerPosition,
  operatorsOf,
  parameterCount,
  weightBytes,
} from '../../model/operators.js';
import type { ModelSize } from '../../serving/roofline.js';

export function sizeOf(model: ModelSpec): ModelSize {
  const experts = operatorsOf(model)
    .filter(({ used, copies }) => used < copies)
    .map(({ count, weightBytes: bytes, used, copies }) => ({
      bytes: count * bytes,
      missed: 1 - used / copies,
    }));
  const hasSpans = model.kinds.some(({ attention }) => spanOf(attention).kind !== 'full');
  // One layer of each kind, and how many there are: a server asks for every step.
  const kinds = model.kinds.map(({ attention }, kind) => {
    const one = { ...model, layers: [kind] };
    const bytes = cacheBytes(one, 1) - cacheBytes(one, 0);
    const span = spanOf(attention);
    const layers = model.layers.filter((of) => of === kind).length;
    return { bytes: layers * bytes, most: span.kind === 'full' ? Infinity : span.size };
  });
  return {
    weightBytes: weightBytes(model),
    cacheBytesPerPosition: cacheBytesPerPosition(model),
    stateBytes: cacheBytes(model, 0),
    parameters: experts.length > 0 ? activeParameters(model).active : parameterCount(model),
    layers: model.layers.length,
    ...(experts.length > 0 && { experts }),
    // Windows and chunks stop growing.
    ...(hasSpans && {
      cacheBytesAt: (positions: number) =>
        kinds.reduce((sum, { bytes, most }) => sum + bytes * Math.min(positions, most), 0),
    }),
  };
}
