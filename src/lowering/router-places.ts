/** Where the router of a layer with experts lies: the columns around the root of the rows, and what each does. */
import { routesOf } from '../kernels/collectives.js';
import { gatherStations, type GatherStation } from '../kernels/line-gather.js';
import type { ExpertsShape, RouterPart } from '../mapping/experts.js';
import type { Route } from '../program/program.js';
import { GATHER_COLORS } from './lines.js';

export interface RouterPlaces {
  /** The column at which scores are gathered. */
  root: number;
  /** The place of a column's cores in the gather; undefined where they have no part in it. */
  at(column: number): GatherStation | undefined;
  part(column: number): RouterPart | undefined;
  routesAt(column: number): Route[];
}

/** @param root of the rows, of `columns` cores each */
export function routerPlaces(
  root: number,
  columns: number,
  { routerColumns }: Pick<ExpertsShape, 'routerColumns'>,
): RouterPlaces {
  const wanted = root - Math.floor((routerColumns - 1) / 2);
  const first = Math.max(0, Math.min(wanted, columns - routerColumns));
  const stations = gatherStations(root - first, first + routerColumns - 1 - root);
  const routes = stations.map((station) => routesOf({ station, axis: 'x', colors: GATHER_COLORS }));
  return {
    root,
    at: (column) => stations[column - first],
    part(column) {
      if (column === root) return 'root';
      return stations[column - first] && 'column';
    },
    routesAt: (column) => routes[column - first] ?? [],
  };
}

/** Numbers of the experts whose places among all a row finds, in turn. */
export function rankedBy(row: number, rows: number, count: number): number[] {
  return Array.from({ length: Math.ceil((count - row) / rows) }, (_, i) => row + i * rows);
}
