/** What the page of a serving run hands to its script in addition, as JSON. */
import type { TableColumn } from './table-data.js';

/** A scenario, or a deployment: what of its result is drawn. */
export interface ServingPage {
  series: {
    intervalSeconds: number;
    arrived: number[];
    inSystem: number[];
    outputTokensPerSecond: number[];
    good?: number[];
  };
  distributions: Record<Latency, number[]>;
  limits: Partial<Record<Latency, number>>;
  requests?: ServedRequests | undefined;
}

type Latency = 'ttftMs' | 'tpotMs' | 'e2elMs';

/** Requests one by one: the first of them, and how many there are. */
export interface ServedRequests {
  total: number;
  columns: TableColumn[];
}
