/** The floor plan of a placement as text: wafer by wafer, a line for each row of regions. */
import type { PlacementResult, RegionResult } from '../../report/document.js';
import { shortName } from '../../report/format.js';

/** Characters that stand for the width of a wafer. */
const CHARACTERS = 72;

/**
 * Regions to scale from west to east, each from its bar to the next; cores without a region are dots.
 * @param width cores from west to east of the wafer, by default up to where regions reach
 */
export function floorPlan({ regions }: PlacementResult, width?: number): string {
  const wafers = [...new Set(regions.map(({ wafer }) => wafer))].sort((a, b) => a - b);
  const wide = width ?? Math.max(...regions.map((region) => region.x + region.width));
  return wafers
    .map((wafer) => {
      const here = regions.filter((region) => region.wafer === wafer);
      const lines = linesOf(here, wide);
      return wafers.length > 1 ? [`wafer ${wafer}`, ...lines].join('\n') : lines.join('\n');
    })
    .join('\n');
}

function linesOf(regions: RegionResult[], wide: number): string[] {
  const tops = [...new Set(regions.map(({ y }) => y))].sort((a, b) => a - b);
  const margin = String(tops.at(-1) ?? 0).length;
  return tops.map((top) => {
    const line = Array.from({ length: CHARACTERS }, () => '.');
    for (const region of regions.filter(({ y }) => y === top)) draw(line, region, wide);
    return `${String(top).padStart(margin)} ${line.join('')}`;
  });
}

function draw(line: string[], { name, x, width }: RegionResult, wide: number): void {
  const column = (core: number) => Math.round((core * CHARACTERS) / wide);
  const first = Math.min(column(x), CHARACTERS - 1);
  const length = Math.max(1, column(x + width) - first);
  const text = `|${shortName(name)}`.slice(0, length).padEnd(length);
  for (let i = 0; i < length; i++) line[first + i] = text[i];
}
