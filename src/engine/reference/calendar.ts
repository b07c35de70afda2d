/**
 * When cores and routers are to be visited: a heap of cycles, and for each of them what is due. Idle
 * time costs nothing. One may be due several times in a cycle; visits after the first then do nothing.
 */
import FlatQueue from 'flatqueue';

export interface Due {
  cores: number[];
  routers: number[];
}

export interface Calendar {
  cycles: FlatQueue;
  due: Map<number, Due>;
}

export function createCalendar(): Calendar {
  return { cycles: new FlatQueue(), due: new Map() };
}

/** What is due in cycle `t`, to add to. */
export function dueAt(calendar: Calendar, t: number): Due {
  let due = calendar.due.get(t);
  if (due === undefined) {
    due = { cores: [], routers: [] };
    calendar.due.set(t, due);
    calendar.cycles.push(t, t);
  }
  return due;
}
