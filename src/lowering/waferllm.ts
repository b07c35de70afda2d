/**
 * One decoder layer of one token in WaferLLM's mapping (OSDI 2025; machine-model section 5) on P x P
 * cores, or a rectangle: activations are split along one axis and replicated along the other, so that consecutive
 * products reduce along y, x, y, x and nothing is transposed. Ten all-reduces by two-level trees on
 * five colours, which change from one axis to the other six times a layer.
 */
import type { WaferSpec } from '../hardware/wafer.js';
import type { Program } from '../program/program.js';
import { routesOf, type LinePlace } from '../kernels/collectives.js';
import { assemble } from '../program/builder.js';
import { CHANNELS, stationsOf } from '../kernels/line.js';
import { attention } from './waferllm/attention.js';
import { label, waferllmLabels, type WaferllmCore } from './waferllm/core.js';
import { mlp, rmsNorm } from './waferllm/mlp.js';
import { headParts, newPositionIn, positionsPerRow } from '../mapping/waferllm-shape.js';
import { waferllmBuffers, waferllmShape, waferllmOptions } from '../mapping/waferllm-shape.js';
import { widthOf } from '../mapping/waferllm-shape.js';
import type { WaferllmOptions } from '../mapping/waferllm-shape.js';
import type { Weights } from '../model/model-weights.js';
import { embedded, greedy, headLogits } from '../model/plain/decoder.js';
import type { LayerCache, Lowered, Memory, StagePlan, StepPlan } from './lowering.js';
import type { Step } from './region.js';
import { setWaferllmToken, waferllmImages, waferllmResidual } from './waferllm/memory.js';

/** A coordinate along an axis: what a core there does that another may not do. */
interface Lane {
  place: LinePlace;
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
  const labels = waferllmLabels(o);
  const width = widthOf(o);
  const { program, station } = assemble('waferllm layer', width, o.P, labels, bytes, buffers);
  const columns = lanes(o, 'x', (x) => JSON.stringify(o.exact ? headParts(o, shape, x) : ''));
  const rows = lanes(o, 'y', (y) => (o.exact ? newPositionIn(o, y) : ''));
  for (let y = 0; y < o.P; y++)
    for (let x = 0; x < width; x++)
      station(
        y * width + x,
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

/** The places along one axis; cores with equal keys have equal code where it depends on this axis. */
function lanes(o: WaferllmOptions, axis: 'x' | 'y', more: (at: number) => string): Lane[] {
  const numbers = new Map<string, number>();
  const stations =
    axis === 'x' ? stationsOf(widthOf(o), o.rowGroups ?? o.groups) : stationsOf(o.P, o.groups);
  return stations.map((station, at) => {
    const key = JSON.stringify(station) + more(at);
    if (!numbers.has(key)) numbers.set(key, numbers.size);
    return { place: { station, axis, colors: CHANNELS }, key: `${numbers.get(key)}` };
  });
}

function writeLayer(core: WaferllmCore): void {
  const { at } = core.code;
  // The layer before left them like this: along the rows.
  core.code.routes = routesOf(core.row);
  label(core, 'attention norm');
  rmsNorm(core, at.attentionNorm);
  attention(core);
  label(core, 'mlp norm');
  rmsNorm(core, at.mlpNorm);
  mlp(core);
}

function optionsOf({ model, placement, groupsOf, exact }: Lowered, step: Step) {
  const [region] = placement.regions;
  const { context, maxPositions } = step;
  const groups = groupsOf(region).column;
  return waferllmOptions(model, { context, maxPositions, P: region.width, groups, exact });
}

/**
 * A decode step of the published kernel: equal stages, one for each layer, all on the one square (the
 * published rate is clock / (cycles of a layer x layers)). Embedding and head are the host's.
 */
export function planRepeated(of: Lowered, step: Step): StepPlan {
  const { model, wafer, placement } = of;
  const [region] = placement.regions;
  const options = optionsOf(of, step);
  const key = JSON.stringify(options);
  const stages = model.layers.map((_, layer): StagePlan => {
    const at = { to: layer, from: layer, crossing: 0, colors: [] };
    const program = () => lowerWaferllmLayer(options, wafer);
    const write = () => ({ program: program(), senders: [], origin: 0 });
    return { name: `layer ${layer}`, kind: 'layer', layer, ...at, key, write };
  });
  return { together: true, places: stages.map(() => ({ ...region, region })), stages };
}

/** The square's memory holds one layer's image after the other; each takes and leaves the residual stream. */
export function waferllmMemory(
  of: Lowered,
  step: Step,
  weights: Weights,
  caches: LayerCache[],
): Memory {
  const { model } = of;
  const options = optionsOf(of, step);
  const images = weights.layers.map((layer, i) => waferllmImages(options, model, layer, caches[i]));
  let residual: ArrayLike<number> = [];
  return {
    images,
    head: 'host',
    begin(token) {
      residual = embedded(model, weights, token);
    },
    enter(layer, position) {
      setWaferllmToken(options, model, images[layer], residual, position);
    },
    leave(layer) {
      residual = waferllmResidual(options, images[layer]);
    },
    outcome() {
      const logits = headLogits(model, weights, residual);
      return { logits, chosen: greedy(logits) };
    },
  };
}
