/** What placement says of dead cores: how many there are, and whether the spares suffice. */
import { deadCores, linkHopsOf, repairOf } from '../hardware/defects.js';
import type { WaferSpec } from '../hardware/wafer.js';
import { CapacityError } from './errors.js';
import type { Placement } from './placement.js';

/** Dead cores of the wafers in use, and the hops of their longest link; undefined on whole wafers. */
export function defectsOf(
  { wafers }: Pick<Placement, 'wafers'>,
  wafer: WaferSpec,
): Placement['defects'] {
  if (wafer.defects === undefined) return undefined;
  const { width, height } = wafer;
  let dead = 0;
  let longestLinkHops = 1;
  for (let index = 0; index < wafers; index++) {
    dead += deadCores(wafer, index)!.count;
    const repair = repairOf(wafer, index);
    if (repair === undefined) continue;
    const hops = linkHopsOf(repair, wafer, { x0: 0, y0: 0, width, height });
    longestLinkHops = hops.reduce((a, b) => Math.max(a, b), longestLinkHops);
  }
  return { repair: wafer.defects.repair, deadCores: dead, longestLinkHops };
}

/** Throws CapacityError if some row of the wafers in use has more dead cores than spares. */
export function checkSpares(wafer: WaferSpec, wafers: number): void {
  for (let index = 0; index < wafers; index++) {
    const broken = repairOf(wafer, index)?.brokenRows ?? [];
    if (broken.length === 0) continue;
    const rows = broken.length === 1 ? `row ${broken[0]} has` : `${broken.length} rows have`;
    throw new CapacityError(
      `wafer ${index}: ${rows} more dead cores than the ${wafer.defects!.spareColumns} spare ` +
        'columns of hardware.defects; it would fit with more of them, or with fewer dead cores',
    );
  }
}
