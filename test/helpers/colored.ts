/** Models placed and lowered on wafers of many shapes: do their hand-offs find colours, and legal ones? */
import { loadConfig } from '../../src/config.js';
import { planToken } from '../../src/lowering/token.js';
import { visitStage } from '../../src/lowering/stage.js';
import type { StepPlan } from '../../src/lowering/lowering.js';
import type { WaferSpec } from '../../src/hardware/wafer.js';
import type { ModelSpec } from '../../src/model/model.js';
import { place } from '../../src/placement/place.js';
import { CapacityError, type Placement, type SizedRequest } from '../../src/placement/placement.js';
import { asking } from '../placement-helpers.js';
import { resized } from './small-model.js';

const base = loadConfig('configs/tiny.yaml', []);

/** Dense models whose regions are of all proportions: narrow and wide heads, tied and untied, 8 to 32 bits. */
export const DENSE: ModelSpec[] = [
  base.model,
  resized(base.model, { dim: 22, headDim: 6, ffn: 31, vocab: 19 }),
  resized(base.model, { headDim: 16, ffn: 76, vocab: 109, tied: true }),
  resized(base.model, {
    ...{ dim: 64, heads: 8, kvHeads: 4, headDim: 8, ffn: 172, vocab: 512, tied: true },
  }),
  resized(base.model, {
    ...{ dim: 512, heads: 8, kvHeads: 2, headDim: 64, ffn: 1024, vocab: 16_384, tied: true },
    ...{ dtype: 'f16', weightBits: 8 },
  }),
];

export const LAYERS = [2, 3, 4, 5, 6, 7, 8];

export function waferOf(width: number, height: number): WaferSpec {
  return { ...base.wafer, width, height };
}

/** Wafers of these widths and heights. */
export function wafersOf(sides: number[]): WaferSpec[] {
  return sides.flatMap((width) => sides.map((height) => waferOf(width, height)));
}

/** Numbers from 24 to 64. */
export function sidesBy(step: number): number[] {
  return Array.from({ length: Math.floor(40 / step) + 1 }, (_, i) => 24 + i * step);
}

/** Ways to place a model on wafers of one size: one or two regions a layer, on one wafer or on several, for more users. */
export const WAYS: { wafers: 1 | 'auto'; sizes: Partial<SizedRequest> }[] = [
  { wafers: 1, sizes: { layers: 'whole' } },
  { wafers: 1, sizes: { layers: 'split' } },
  { wafers: 1, sizes: { layers: 'split', growth: 'minimal' } },
  { wafers: 'auto', sizes: { layers: 'split', growth: 'minimal', batch: 40 } },
  { wafers: 'auto', sizes: { layers: 'auto', batch: 3 } },
];

/** The model on the wafer, with the default strategy and sizes if none are given; undefined if it does not fit. */
export function placed(model: ModelSpec, wafer: WaferSpec, sizes: Partial<SizedRequest> = {}) {
  const { strategy } = base.placement;
  try {
    return place(model, wafer, asking({ strategy, maxPositions: 32, ...sizes }));
  } catch (error) {
    if (error instanceof CapacityError) return undefined;
    throw error;
  }
}

/** Its stages; throws CapacityError if there are not enough colours. */
export function planned(model: ModelSpec, wafer: WaferSpec, placement: Placement): StepPlan {
  const groupsOf = () => ({ column: 2, row: 2, head: 1 });
  const step = { context: 31, maxPositions: 32 };
  return planToken({ model, wafer, placement, groupsOf }, step);
}

/** Routers at which two hand-offs have one colour, or a hand-off one that is not for hand-offs; one line each. */
export function wrongColors({ stages, places }: StepPlan, wafer: WaferSpec): string[] {
  const wrong = new Set<string>();
  /** By wafer: one more than the stage that has a colour at a router, columns beyond the edges included. */
  const owners: Uint16Array[] = [];
  const columns = wafer.width + 2;
  for (const [stage, { source, colors, to }] of stages.entries()) {
    const index = places[to].wafer;
    const ownerOf = (owners[index] ??= new Uint16Array(columns * wafer.height * 32));
    visitStage(source!, places[to], (x, y, channel) => {
      const color = colors[channel];
      const at = (y * columns + x + 1) * 32 + color;
      const isFree = ownerOf[at] === 0 || ownerOf[at] === stage + 1;
      ownerOf[at] = stage + 1;
      if (!isFree || color < 15 || color >= wafer.fabric.colors)
        wrong.add(`stage ${stage} has colour ${color} at ${x},${y} of wafer ${index}`);
    });
  }
  return [...wrong];
}
