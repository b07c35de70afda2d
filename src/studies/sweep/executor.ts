/** Where points run: threads of this process, or workers elsewhere. */
import type { PointError } from '../../store/sweep-store.js';
import type { FrozenPoint, Outcome } from './point.js';

export interface Executor {
  /** Points that it runs at once. */
  slots: number;
  /**
   * Runs a point. Whatever is wrong with the point is its outcome.
   * @param slot from 0: where one follows another that has much in common with it
   * @throws if it cannot run points at all
   */
  run: (slot: number, point: FrozenPoint) => Promise<Outcome>;
  /** Ends everything, points that run as well. */
  close: () => Promise<void>;
}

/** What placing a point gives. */
export type Placed =
  | { fits: true }
  /** Its result: it does not fit. */
  | { error: PointError }
  /** One line: no run can do what its configuration asks for. */
  | { refused: string };

export interface Placer {
  place(slot: number, point: FrozenPoint): Promise<Placed>;
}
