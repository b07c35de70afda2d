/** What happens when: items by time, and those of one instant in the order in which they were put down. */
import FlatQueue from 'flatqueue';

export interface Agenda<T> {
  add(ns: number, item: T): void;
  /** Time of the first item; Infinity if there is none. */
  nextNs(): number;
  /** Takes the first item. */
  take(): T | undefined;
}

export function createAgenda<T>(): Agenda<T> {
  // The queue itself gives items of one instant in any order.
  const later = new FlatQueue<{ order: number; item: T }>();
  let added = 0;
  /** Items of the first instant, last one first. */
  let now: { order: number; item: T }[] = [];
  let nowNs = NaN;
  const gather = () => {
    nowNs = later.peekValue()!;
    while (later.peekValue() === nowNs) now.push(later.pop()!);
    now.sort((a, b) => b.order - a.order);
  };
  return {
    add(ns, item) {
      // What was gathered may no longer be first, or no longer all of its instant.
      if (now.length > 0 && ns <= nowNs) {
        for (const one of now) later.push(one, nowNs);
        now = [];
      }
      later.push({ order: added++, item }, ns);
    },
    nextNs: () => (now.length > 0 ? nowNs : (later.peekValue() ?? Infinity)),
    take() {
      if (now.length === 0 && later.length > 0) gather();
      return now.pop()?.item;
    },
  };
}
