/**
 * A wafer that notes what is read of it. What is made with it alone is the same for every other wafer of which the
 * same would have been read, so that what depends on few numbers of a machine is made once for many machines.
 */
import type { CostTable, WaferSpec } from './wafer.js';

/** By what was read: whether another wafer has the same there. */
export type Readings = Map<string, (wafer: WaferSpec) => boolean>;

export interface Watched {
  /** To be read in place of the wafer. */
  wafer: WaferSpec;
  /** What was read so far. */
  readings: Readings;
}

/** By costs that are watched: the costs themselves, and what has been read. */
const notes = new WeakMap<CostTable, { costs: CostTable; readings: Readings }>();

export function watched(wafer: WaferSpec): Watched {
  const readings: Readings = new Map();
  const seen = watch(wafer, '', (of) => of, readings);
  notes.set(seen.costs, { costs: wafer.costs, readings });
  return { wafer: seen, readings };
}

/** Whether what was made with these readings is the same for this wafer. */
export function agrees(readings: Readings, wafer: WaferSpec): boolean {
  for (const isSame of readings.values()) if (!isSame(wafer)) return false;
  return true;
}

/**
 * What costs decide, where nothing but the outcome counts: costs are others, but what is made is not, as long as
 * they decide alike.
 * @param name of all that `choose` depends on besides the costs
 */
export function chosenBy<T extends string>(
  costs: CostTable,
  name: () => string,
  choose: (costs: CostTable) => T,
): T {
  const noted = notes.get(costs);
  const chosen = choose(noted?.costs ?? costs);
  noted?.readings.set(name(), (other) => choose(other.costs) === chosen);
  return chosen;
}

/** Plain data, and the same of all plain data in it. */
function watch<T extends object>(
  values: T,
  prefix: string,
  valuesOf: (wafer: WaferSpec) => object,
  readings: Readings,
): T {
  const inner = new Map<string, unknown>();
  const read = (key: string) => {
    if (inner.has(key)) return inner.get(key);
    const value: unknown = Reflect.get(values, key);
    const path = `${prefix}${key}`;
    const of = (wafer: WaferSpec): unknown => Reflect.get(valuesOf(wafer), key);
    const isOpen = typeof value === 'object' && value !== null;
    readings.set(path, (wafer) => (isOpen ? typeof of(wafer) === 'object' : of(wafer) === value));
    const found = isOpen
      ? watch(value, `${path}.`, (wafer) => of(wafer) as object, readings)
      : value;
    inner.set(key, found);
    return found;
  };
  return new Proxy(values, {
    get: (_, key) => (typeof key === 'string' ? read(key) : Reflect.get(values, key)),
    has(_, key) {
      if (typeof key === 'string') read(key);
      return Reflect.has(values, key);
    },
    ownKeys() {
      const keys = Object.keys(values).join();
      readings.set(`${prefix}*`, (wafer) => Object.keys(valuesOf(wafer)).join() === keys);
      return Reflect.ownKeys(values);
    },
  });
}
