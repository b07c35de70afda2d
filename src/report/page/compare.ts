/** What the page of a comparison does: the map of what differs core by core, for the run that is chosen. */
import type { ComparePageData } from './compare-data.js';
import { byId, dataOf, openForPrint } from './dom.js';
import { offerFiles, offerPicture } from './downloads.js';
import { controlMap, showRegion, showWafer } from './map-controls.js';
import { createMap, show, type MapState } from './map.js';

const { maps, hint, downloads } = dataOf() as ComparePageData;

/** The map of the first pair; undefined where no run has one. */
function differences(): MapState | undefined {
  if (maps.length === 0) return undefined;
  const map = createMap(maps[0].map, hint);
  controlMap(map, (region) => showRegion(map, region));
  byId('pair').addEventListener('change', (event) => {
    map.data = maps[Number((event.target as HTMLSelectElement).value)].map;
    showWafer(map, map.data.wafers[0]);
  });
  void show(map);
  return map;
}

offerFiles(downloads);
const map = differences();
if (map) offerPicture(downloads.name, map);
openForPrint();
