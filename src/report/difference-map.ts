/** What is different core by core between two runs, as a map. */
import type { RegionResult, RunDocument } from './document.js';
import { quantitiesOf } from './html-map.js';
import { mapData, QUANTITIES, type Deflate, type ShownMap } from './html-maps.js';
import type { MapData } from './page/data.js';

/** A run with what is known of its cores. */
export interface Mapped {
  run: Pick<RunDocument, 'placement'>;
  detail: { maps: readonly ShownMap[] };
}

/** Every number of `other` less that of `first`; why there is no map, if there is none. */
export function differenceMap(first: Mapped, other: Mapped, deflate: Deflate): MapData | string {
  const { regions } = other.run.placement;
  const wafers = other.detail.maps.flatMap((map) => {
    const before = first.detail.maps.find(({ wafer }) => wafer === map.wafer);
    return before === undefined ? [] : [{ before, map }];
  });
  const odd = wafers.find(({ before, map }) => sizeOf(before) !== sizeOf(map));
  if (odd !== undefined)
    return `the wafers have different cores: ${sizeOf(odd.before)} and ${sizeOf(odd.map)}`;
  if (wafers.length === 0) return 'they have no wafer in common';
  return {
    isDifference: true,
    // Shares would be of two different wholes; the busiest links of a core may be two different ones.
    quantities: quantitiesOf(0).map(({ largestOf: _, ...quantity }) => quantity),
    wafers: wafers.map(({ before, map }) => differenceOn(before, map, regions, deflate)),
  };
}

function differenceOn(
  before: ShownMap,
  map: ShownMap,
  regions: RegionResult[],
  deflate: Deflate,
): MapData['wafers'][number] {
  const less = (a: Float64Array, b: Float64Array) => a.map((value, i) => value - b[i]);
  const difference = {
    ...map,
    busy: less(map.busy, before.busy),
    waiting: less(map.waiting, before.waiting),
    sram: less(map.sram, before.sram),
    link: less(map.link, before.link),
    links: less(map.links, before.links),
  };
  return mapData(difference, regions, deflate, undefined, QUANTITIES);
}

function sizeOf({ width, height }: ShownMap): string {
  return `${width} x ${height}`;
}
