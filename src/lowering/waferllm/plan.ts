/**
 * A decode step of the published kernel: one square of cores, whose program a token passes once for each
 * layer (the published rate is clock / (cycles of a layer x layers)). Embedding and head are the host's.
 */
import { waferllmOptions } from '../../mapping/waferllm-shape.js';
import type { Weights } from '../../model/model.js';
import { greedy, headLogits } from '../../model/plain.js';
import type { LayerCache, Lowered, Memory, StagePlan, StepPlan } from '../lowering.js';
import type { Step } from '../region.js';
import { lowerWaferllmLayer } from '../waferllm.js';
import { setWaferllmToken, waferllmImages, waferllmResidual } from './memory.js';

function optionsOf({ model, placement, groupsOf, exact }: Lowered, step: Step) {
  const [region] = placement.regions;
  const { context, maxPositions } = step;
  const groups = groupsOf(region).column;
  return waferllmOptions(model, { context, maxPositions, P: region.width, groups, exact });
}

/** Equal stages, one for each layer; each has a place of its own, that of the square. */
export function planRepeated(of: Lowered, step: Step): StepPlan {
  const { model, wafer, placement } = of;
  const [region] = placement.regions;
  const options = optionsOf(of, step);
  const key = JSON.stringify(options);
  const stages = Array.from({ length: model.layers }, (_, layer): StagePlan => {
    const at = { to: layer, from: layer, crossing: 0 };
    const program = () => lowerWaferllmLayer(options, wafer);
    const write = () => ({ program: program(), senders: [], origin: 0 });
    return { name: `layer ${layer}`, kind: 'layer', ...at, key, write };
  });
  return { together: true, places: stages.map(() => ({ ...region, region })), stages };
}

/** The square's memory holds each layer's image in its turn, which takes and leaves the residual stream. */
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
      const row = weights.embedding.subarray(token * model.dim, (token + 1) * model.dim);
      residual = Float64Array.from(row, (x) => x * weights.embeddingScale);
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
