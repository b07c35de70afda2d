/**
 * A closed estimate of a token's cycles on regions of given sizes, from the hardware's cost table. It
 * ranks sizes before anything is simulated and is never reported as a result: contention, waiting and
 * the overlap of neighbouring regions are left out, so only differences between sizes mean anything.
 */
import type { WaferSpec } from '../hardware/wafer.js';
import { keyOfPart } from '../mapping/mapping.js';
import type { Part, PartKind } from '../mapping/mapping.js';
import type { ModelSpec } from '../model/model.js';
import { cutOf, regionBytes, variantsOf, type Kept } from './budget.js';
import { partCycles } from './part-cycles.js';
import { partKindsOf, partsOf, type Form, type Sizes } from './placement.js';

/** Estimates of many sizes, each part's of each size made once. */
export interface Estimator {
  /** Cycles of a token. */
  token: (sizes: Sizes) => number;
  /** Of these all parts of this kind, on so many rows and columns. */
  parts: (key: string, rows: number, columns: number) => number;
  /** Never above that, for any number of columns from the one to the other. */
  partsAtLeast: (key: string, rows: number, from: number, to: number) => number;
  /** The same of a token, whose parts each have a number of columns from the one to the other. */
  tokenAtLeast: (rows: number, from: Sizes['columns'], to: Sizes['columns']) => number;
  /**
   * A part with the KV replicas and the strips that make it fastest, of those that its cores have memory for: the
   * fewest if equal, or if there is memory for none.
   */
  fastest: (part: PartKind, rows: number, columns: number) => PartKind;
}

/** A part in one form, and its cycles. */
interface Tried {
  of: PartKind;
  cycles: number;
}

/** A kind of parts, how many there are, and by rows and columns what has been tried of it. */
interface Counted {
  part: PartKind;
  count: number;
  /** In each form that it may have; and in that which is chosen. */
  tried: Map<number, Tried[]>;
  chosen: Map<number, Tried>;
}

export function estimator(model: ModelSpec, wafer: WaferSpec, asked: Kept & Form): Estimator {
  const { mapping } = asked;
  const kinds = countedParts(partsOf(model, asked));
  const isBounded = model.kinds.every(({ attention }) => attention.kind !== 'latent');
  const tried = ({ part, tried }: Counted, rows: number, columns: number): Tried[] => {
    const at = sizeKey(rows, columns);
    let found = tried.get(at);
    if (found === undefined) {
      const cut = cutOf(model, asked, rows, columns);
      found = variantsOf(part, model, asked, columns).map((of) => {
        return { of, cycles: partCycles(wafer, of, mapping, cut) };
      });
      tried.set(at, found);
    }
    return found;
  };
  const chosen = (kind: Counted, rows: number, columns: number): Tried => {
    const at = sizeKey(rows, columns);
    let found = kind.chosen.get(at);
    if (found === undefined) {
      const fits = ({ of }: Tried) =>
        regionBytes(of, model, wafer, asked, rows, columns) <= wafer.core.sramBytes;
      const all = tried(kind, rows, columns);
      // The fastest has mostly room: memory is counted for few.
      const byCycles = all.length === 1 ? [] : all.toSorted((a, b) => a.cycles - b.cycles);
      kind.chosen.set(at, (found = byCycles.find(fits) ?? all[0]));
    }
    return found;
  };
  const parts = (key: string, rows: number, columns: number): number => {
    const kind = kinds.get(key)!;
    return kind.count * chosen(kind, rows, columns).cycles;
  };
  const partsAtLeast = (key: string, rows: number, from: number, to: number): number => {
    const kind = kinds.get(key)!;
    if (from === to) return kind.count * fewestOf(tried(kind, rows, to));
    if (!isBounded) return 0;
    const [narrow, wide] = [from, to].map((columns) => cutOf(model, asked, rows, columns));
    const all = variantsOf(kind.part, model, asked, to);
    return kind.count * Math.min(...all.map((of) => partCycles(wafer, of, mapping, wide, narrow)));
  };
  const token = ({ rows, columns }: Sizes) => {
    let cycles = 0;
    for (const key of kinds.keys()) cycles += parts(key, rows, columns[key]);
    return cycles;
  };
  const tokenAtLeast = (rows: number, from: Sizes['columns'], to: Sizes['columns']) => {
    let cycles = 0;
    for (const key of kinds.keys()) cycles += partsAtLeast(key, rows, from[key], to[key]);
    return cycles;
  };
  const fastest = (part: PartKind, rows: number, columns: number) =>
    chosen(kinds.get(keyOfPart(part))!, rows, columns).of;
  return { token, parts, partsAtLeast, tokenAtLeast, fastest };
}

/** One number for both: a wafer has fewer rows. */
function sizeKey(rows: number, columns: number): number {
  return columns * 2 ** 16 + rows;
}

function countedParts(all: Part[]): Map<string, Counted> {
  const kinds = partKindsOf(all).map((part): [string, Counted] => {
    return [keyOfPart(part), { part, count: 0, tried: new Map(), chosen: new Map() }];
  });
  const counted = new Map(kinds);
  for (const part of all) counted.get(keyOfPart(part))!.count++;
  return counted;
}

function fewestOf(tried: readonly Tried[]): number {
  let fewest = Infinity;
  for (const { cycles } of tried) fewest = Math.min(fewest, cycles);
  return fewest;
}
