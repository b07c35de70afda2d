/** Cores of which every operation is asked for, by their places. */
import { ConfigError } from '../config/errors.js';
import type { WaferSpec } from '../hardware/wafer.js';
import type { Placement } from '../placement/placement.js';
import type { CoreAt } from '../report/detail.js';

/** Refuses, before anything is simulated, cores that do nothing. @throws ConfigError */
export function checkTraceCores(
  cores: readonly CoreAt[],
  { name, width, height }: Pick<WaferSpec, 'name' | 'width' | 'height'>,
  { wafers, regions }: Pick<Placement, 'wafers' | 'regions'>,
): void {
  for (const core of cores) {
    if (core.wafer >= wafers || core.x >= width || core.y >= height) {
      const last = `${wafers - 1}:${width - 1},${height - 1}`;
      throw refusal(core, `a core of ${name}, from 0:0,0 to ${last}`);
    }
    if (!regions.some((region) => holds(region, core)))
      throw refusal(core, 'a core of a region (inspect lists them), found one that is idle');
  }
}

export function refusal({ wafer, x, y }: CoreAt, expected: string): ConfigError {
  return new ConfigError(`--trace-core ${wafer}:${x},${y}: expected ${expected}`);
}

function holds(region: Placement['regions'][number], { wafer, x, y }: CoreAt): boolean {
  const [column, row] = [x - region.x, y - region.y];
  const isIn = column >= 0 && row >= 0 && column < region.width && row < region.height;
  return region.wafer === wafer && isIn;
}
