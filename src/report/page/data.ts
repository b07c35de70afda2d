/** What the page of a run hands to its script, as JSON. */
export interface PageData {
  hint: string;
  /** What is shown of every core, in the order of the maps; `whole` is what a share is of, 0 for none. */
  quantities: { name: string; title: string; unit: string; whole: number }[];
  wafers: PageWafer[];
}

export interface PageWafer {
  wafer: number;
  width: number;
  height: number;
  regions: { name: string; x: number; y: number; width: number; height: number }[];
  /** A map per quantity, see html-maps.ts. */
  packed: string[];
  /** Where the critical path goes: x and y of one core after the other, in each stretch without another wafer. */
  path?: number[][];
  /** The maps once they are unpacked, and which region each core is in (-1: none). */
  values?: Promise<Float64Array[]>;
  owner?: Int16Array;
}
