/**
 * Colours for the hand-offs. A router has one route per colour, so two hand-offs whose ways share a
 * router need different colours there; far apart, the same colours serve again. First fit.
 */
import type { WaferSpec } from '../hardware/wafer.js';
import { CapacityError } from '../placement/errors.js';
import type { Region } from '../placement/placement.js';
import { FIRST_HAND_OFF_COLOR } from './region.js';
import { channelsOf, visitStage, type Source } from './stage.js';

export class HandOffColors {
  /** Colours taken at each router of each wafer, as bits. */
  private readonly taken: Uint32Array[] = [];
  private readonly wafer: WaferSpec;

  constructor(wafer: WaferSpec) {
    this.wafer = wafer;
  }

  /** Colours of the channels of the way from `source` to `region`; throws CapacityError if too few. */
  assign(source: Source, region: Region): number[] {
    const { width, height, fabric } = this.wafer;
    this.taken[region.wafer] ??= new Uint32Array(width * height);
    const taken = this.taken[region.wafer];
    const blocked = new Uint32Array(channelsOf(source, region));
    visitStage(source, region, (x, y, channel) => {
      blocked[channel] |= taken[y * width + x];
    });
    const chosen: number[] = [];
    for (const used of blocked) {
      let color = FIRST_HAND_OFF_COLOR;
      while ((used >>> color) & 1 || chosen.includes(color)) color++;
      if (color >= fabric.colors)
        throw new CapacityError(
          `the hand-off to ${region.name} finds no free colour of ${fabric.colors} on its way; ` +
            'choose another placement.strategy or a wider region',
        );
      chosen.push(color);
    }
    visitStage(source, region, (x, y, channel) => {
      taken[y * width + x] |= 1 << chosen[channel];
    });
    return chosen;
  }
}
