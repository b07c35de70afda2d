/**
 * One decoder layer of one token in WaferLLM's mapping (OSDI 2025; machine-model section 5) on P x
 * P cores: activations are split along one axis and replicated along the other, so that consecutive
 * products reduce along y, x, y, x and nothing is transposed. Ten all-reduces by two-level trees on
 * five colours, which turn from one axis to the other six times a layer.
 */
import type { WaferSpec } from '../hardware/wafer.js';
import type { Program } from '../program/program.js';
import { routesOf, type Place } from '../kernels/collectives.js';
import { assemble } from '../program/builder.js';
import { CHANNELS, stationsOf } from '../kernels/line.js';
import { attention } from './waferllm/attention.js';
import { label, WAFERLLM_LABELS, type WaferllmCore } from './waferllm/core.js';
import { mlp, rmsNorm } from './waferllm/mlp.js';
import {
  headParts,
  newPositionIn,
  positionsPerRow,
  waferllmBuffers,
  waferllmShape,
  type WaferllmOptions,
} from '../mapping/waferllm-shape.js';

export { waferllmOptions, type WaferllmOptions } from '../mapping/waferllm-shape.js';
export { waferllmImages, waferllmResidual, setWaferllmToken } from './waferllm/memory.js';

/** A coordinate along an axis: what a core there does that another may not do. */
interface Lane {
  place: Place;
  key: string;
}

/**
 * The program of a layer. Its buffers are the same on every core; waferllm/memory.ts fills them.
 * Throws a RangeError if P cores cannot form the groups.
 */
export function lowerWaferllmLayer(o: WaferllmOptions, wafer: WaferSpec): Program {
  const shape = waferllmShape(o);
  const buffers = waferllmBuffers(o);
  const code = wafer.core.codeBytes;
  const bytes = code.stack + code.runtime + code.attention + code.mlp;
  const labels = [...WAFERLLM_LABELS];
  const { program, station } = assemble('waferllm layer', o.P, o.P, labels, bytes, buffers);
  const columns = lanes(o, 'x', (x) => JSON.stringify(o.exact ? headParts(o, shape, x) : ''));
  const rows = lanes(o, 'y', (y) => (o.exact ? newPositionIn(o, y) : ''));
  for (let y = 0; y < o.P; y++)
    for (let x = 0; x < o.P; x++)
      station(
        y * o.P + x,
        `core (${x}, ${y})`,
        (code) =>
          writeLayer({
            code,
            options: o,
            shape,
            column: rows[y].place,
            row: columns[x].place,
            parts: headParts(o, shape, x),
            positions: positionsPerRow(o),
            lastSlot: newPositionIn(o, y),
          }),
        `${columns[x].key} ${rows[y].key}`,
      );
  return program;
}

/** The places along one axis; cores with equal keys have equal code as far as this axis goes. */
function lanes(o: WaferllmOptions, axis: 'x' | 'y', more: (at: number) => string): Lane[] {
  const numbers = new Map<string, number>();
  return stationsOf(o.P, o.groups).map((station, at) => {
    const key = JSON.stringify(station) + more(at);
    if (!numbers.has(key)) numbers.set(key, numbers.size);
    return { place: { station, axis, colors: CHANNELS }, key: `${numbers.get(key)}` };
  });
}

function writeLayer(core: WaferllmCore): void {
  const { at } = core.code;
  // As the layer before left them: along the rows.
  core.code.routes = routesOf(core.row);
  label(core, 'attention norm');
  rmsNorm(core, at.attentionNorm);
  attention(core);
  label(core, 'mlp norm');
  rmsNorm(core, at.mlpNorm);
  mlp(core);
}
