/**
 * What a repaired wafer's longer links cost a token, estimated: its hand-offs' detours, and in each
 * region the longest detour of any row and column times the reductions that run along it. The
 * simulation itself gives every link the same length, so this comes on top of its cycles.
 */
import { deadCores, detoursOf, repairOf, type Detours } from '../hardware/defects.js';
import type { WaferSpec } from '../hardware/wafer.js';
import { CapacityError } from './errors.js';
import type { Placement, Region } from './placement.js';

/** Reductions along the columns and the whole rows of a region, each in and out again. */
const CROSSINGS: Record<Region['kind'], { columns: number; rows: number }> = {
  layer: { columns: 7, rows: 2 },
  embedding: { columns: 1, rows: 1 },
  head: { columns: 2, rows: 2 },
  'embedding+head': { columns: 3, rows: 3 },
};

/** Dead cores of the wafers in use, and the cycles of a token's detours; undefined on whole wafers. */
export function defectCosts(
  { regions, wafers }: Pick<Placement, 'regions' | 'wafers'>,
  wafer: WaferSpec,
  handOffDetourCycles: number,
): Placement['defects'] {
  if (wafer.defects === undefined) return undefined;
  let dead = 0;
  let regionHops = 0;
  for (let index = 0; index < wafers; index++) {
    dead += deadCores(wafer, index)!.count;
    const repair = repairOf(wafer, index);
    if (repair === undefined) continue;
    const detours = detoursOf(repair, wafer);
    for (const region of regions)
      if (region.wafer === index) regionHops += hopsInside(region, detours);
  }
  return {
    repair: wafer.defects.repair,
    deadCores: dead,
    handOffDetourCycles,
    regionDetourCycles: regionHops * wafer.fabric.hopCycles,
  };
}

function hopsInside({ kind, x, y, width, height }: Region, detours: Detours): number {
  let row = 0;
  let column = 0;
  for (let i = 0; i < height; i++) row = Math.max(row, detours.row(y + i, x, x + width - 1));
  for (let i = 0; i < width; i++)
    column = Math.max(column, detours.column(x + i, y, y + height - 1));
  return CROSSINGS[kind].rows * row + CROSSINGS[kind].columns * column;
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
