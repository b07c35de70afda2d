/**
 * Colours for the hand-offs. A router has one route per colour, so two hand-offs whose paths share a
 * router need different colours there; far apart, the same colours serve again. First fit.
 */
import type { WaferSpec } from '../hardware/wafer.js';
import { CapacityError } from '../placement/placement.js';
import { FIRST_HAND_OFF_COLOR } from './region.js';
import type { Place } from './places.js';
import { channelsOf, visitStage, type Source } from './stage.js';

export class HandOffColors {
  /** Colours taken at each router of each wafer, as bits. */
  private readonly taken: Uint32Array[] = [];
  private readonly wafer: WaferSpec;

  constructor(wafer: WaferSpec) {
    this.wafer = wafer;
  }

  /** Colours of the channels of the path from `source` to `place`; throws CapacityError if too few. */
  assign(source: Source, place: Place): number[] {
    const { width, height, fabric } = this.wafer;
    // One column more on either side, for what comes from and goes to other wafers.
    const row = width + 2;
    this.taken[place.wafer] ??= new Uint32Array(row * height);
    const taken = this.taken[place.wafer];
    const blocked = new Uint32Array(channelsOf(source, place));
    visitStage(source, place, (x, y, channel) => {
      blocked[channel] |= taken[y * row + x + 1];
    });
    const chosen: number[] = [];
    for (const used of blocked) {
      let color = FIRST_HAND_OFF_COLOR;
      while ((used >>> color) & 1 || chosen.includes(color)) color++;
      if (color >= fabric.colors)
        throw new CapacityError(
          `the hand-off to ${place.name} finds no free colour of ${fabric.colors} on its path; ` +
            'choose another placement.strategy, a wider region or more hardware.fabric.colors',
        );
      chosen.push(color);
    }
    visitStage(source, place, (x, y, channel) => {
      taken[y * row + x + 1] |= 1 << chosen[channel];
    });
    return chosen;
  }
}
