/** What the page of a comparison hands to its script, as JSON. */
import type { Downloads, MapData } from './data.js';

export interface ComparePageData {
  hint: string;
  /** Of each run that has one: the map of what differs from the first. */
  maps: { name: string; map: MapData }[];
  downloads: Downloads;
}
