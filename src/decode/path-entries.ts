/** The entries of a critical path, which are found the latest first. */
import type { Step, Walked } from '../engine/path/walk.js';
import type { PathEntry, PathKind } from '../report/document.js';

/** Where the rectangle of a stage lies, and its operators. */
export interface PathPlace {
  wafer: number;
  x: number;
  y: number;
  width: number;
  labels: readonly string[];
}

/** Entries of a path, the latest first, back to cycle 0, where it is cut. */
export function createEntries() {
  const entries: PathEntry[] = [];
  const add = (
    { wafer, x, y, width }: PathPlace,
    core: number,
    operator: string,
    kind: PathKind,
    since: number,
    to: number,
  ) => {
    const from = Math.max(0, since);
    if (to <= from) return;
    const [ownX, ownY] = [x + (core % width), y + Math.floor(core / width)];
    if (entries.length > 0) {
      const later = entries[entries.length - 1];
      const isSame = later.operator === operator && later.kind === kind && later.wafer === wafer;
      if (isSame && later.x === ownX && later.y === ownY) {
        later.from = from;
        later.cycles = later.to - from;
        return;
      }
    }
    entries.push({ operator, kind, wafer, x: ownX, y: ownY, from, to, cycles: to - from });
  };
  const addStep = (place: PathPlace, { kind, label, core, from, to }: Step, later: number) =>
    add(place, core, place.labels[label], kind, from + later, to + later);
  return {
    add,
    addStep,
    /** What a walk found in a stage whose clock lags so much. */
    addWalk(place: PathPlace, { steps }: Walked, later: number): void {
      for (const step of steps) addStep(place, step, later);
    },
    /** All of them, which have to be one path from cycle 0 on. */
    inOrder(): PathEntry[] {
      const path = entries.toReversed();
      const broken = path.find(({ from }, i) => from !== (path[i - 1]?.to ?? 0));
      if (broken) throw new Error(`nothing leads to cycle ${broken.from} of a critical path`);
      return path;
    },
  };
}

export type Entries = ReturnType<typeof createEntries>;

/** The start of a program, of the operator that is first on the path. */
export function addStart(
  entries: Entries,
  place: PathPlace,
  { steps, core, at }: Walked,
  programStart: number,
  later = 0,
): void {
  const operator = place.labels[steps.at(-1)?.label ?? 0];
  entries.add(place, core, operator, 'setup', at - programStart + later, at + later);
}
