/**
 * The hardware file: a wafer in YAML (`configs/hardware/*.yaml`), validated once at the door. Its
 * keys are those of `WaferSpec` in the words users set (`clock`, `power`, `core.sram`, `core.code`);
 * what comes out is the wafer in base units, and for every number where it comes from.
 */
import * as z from 'zod';
import { expected, text } from './errors.js';
import { quantity } from './quantity.js';
import type { NamedQuantity, Provenance, Quantity, ReadUnits } from './quantity.js';
import type { WaferSpec } from '../hardware/wafer.js';
import type { EconomicsFile } from './economics-schema.js';

/** Provenance of a wafer's numbers, by their path in the hardware file, such as `fabric.hopCycles`. */
export type ProvenanceMap = Record<string, Provenance>;

/** A mapping without unknown keys; `what` is what an error says was expected in its place. */
export function section<T extends z.ZodRawShape>(what: string, shape: T) {
  const wrongType = expected(what).error;
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'invalid_type' ? wrongType(issue) : undefined),
  });
}

/** Cycles of a task where the file says nothing of them. */
const TASK = {
  value: 31,
  source:
    "third party's measurements, WSE-3: 31 to 32 cycles per wavelet on the vendor's simulator, 43 on hardware, 28.8 in a loop with a move; taken for other wafers too",
  grade: 'B',
  range: [28, 44],
};

const FROM_WSE3 = { source: 'not measured: taken from WSE-3, as it is for f16', assumed: true };
const FROM_PRESET = {
  source: 'not measured: taken from WSE-3, where it is counted',
  assumed: true,
};

/** Products of matrices, and exchanges, where the file says nothing of them. */
const MATMUL = {
  instruction: {
    f16: { value: 4.8, ...FROM_WSE3, range: [3.5, 11] },
    f32: { value: 4.8, ...FROM_WSE3, range: [1, 11] },
  },
  granularity: {
    f16: { value: 8, ...FROM_WSE3, range: [1, 16] },
    f32: { value: 1, ...FROM_WSE3, range: [1, 4] },
  },
  loop: { value: 12, ...FROM_WSE3, range: [4, 30] },
  clear: {
    f16: { value: 1, ...FROM_WSE3, range: [0.25, 1] },
    f32: { value: 1, ...FROM_WSE3, range: [0.25, 1] },
  },
};
const TRANSFER = {
  setup: { value: 12, ...FROM_WSE3, range: [8, 16] },
  end: { value: 16, ...FROM_WSE3, range: [10, 32] },
};

/** Bytes of a router's code, and of the loop over the chosen experts, where the file says nothing of them. */
const ROUTER = {
  value: '600 B',
  source: "not published; a few dozen operations, a third of an MLP's code",
  range: ['300 B', '1500 B'],
  assumed: true,
};
const EXPERTS = {
  value: '300 B',
  source: "not published; a loop around an MLP's products, and addresses found by numbers",
  range: ['100 B', '800 B'],
  assumed: true,
};

/** Cycles of the call of a library's function where the file says nothing of them. */
const LIBRARY_CALL = {
  value: 550,
  source: 'not measured: taken from WSE-3',
  range: [500, 620],
  assumed: true,
};

/** Special functions where the file says nothing of them: those of WSE-3. */
const SCALAR = {
  sigmoid: { value: 70, ...FROM_PRESET, range: [30, 90] },
  tanh: { value: 75, ...FROM_PRESET, range: [30, 90] },
  gelu: { value: 85, ...FROM_PRESET, range: [35, 110] },
  softplus: { value: 70, ...FROM_PRESET, range: [40, 150] },
};
const VECTOR_FORM = {
  sigmoid: { value: 12, ...FROM_PRESET, range: [7, 19] },
  tanh: { value: 14, ...FROM_PRESET, range: [9, 21] },
  gelu: { value: 16, ...FROM_PRESET, range: [11, 23] },
  softplus: { value: 22, ...FROM_PRESET, range: [14, 32] },
};

/** Ranks where the file says nothing of them. */
const RANK = {
  f32: {
    value: 1,
    source: 'not measured: a compare and an add for each element, one operation or two',
    range: [0.5, 1],
    assumed: true,
  },
};

/** Codes of few bits that a core widens in a cycle, where the file says nothing of them. */
const WIDEN = {
  fp8: { value: 1, ...FROM_PRESET, range: [0.31, 4] },
  mxfp4: { value: 1, ...FROM_PRESET, range: [0.25, 4] },
  int4: { value: 1, ...FROM_PRESET, range: [0.25, 4] },
};

/** Older files have one number, that of integers of 8 bits. */
function widenOf8Bits(given: unknown): unknown {
  const isOne = typeof given !== 'object' || given === null || 'value' in given;
  return isOne && given !== undefined ? { i8: given } : given;
}

/** Schema of a hardware file with all its keys; units are read by the function passed in. */
export function hardwareSchema(readUnits: ReadUnits) {
  const of = (limits: Parameters<typeof quantity>[0]) => quantity(limits, readUnits);
  const cores = of({ dimension: 'count', integer: true, min: 1, max: 4096 });
  const bytes = of({ dimension: 'memory', integer: true, min: 0, max: 2 ** 40 });
  const cycles = of({ dimension: 'cycles', integer: true, min: 0, max: 1e6 });
  const stages = of({ dimension: 'cycles', integer: true, min: 1, max: 1024 });
  const time = of({ dimension: 'cycles', min: 0, max: 1e6 });
  const group = of({ dimension: 'count', integer: true, min: 1, max: 1024 });
  const rate = of({ dimension: 'rate', min: 0.001, max: 1024 });
  const perType = (entry: typeof cores) => section('a mapping', { f16: entry, f32: entry });
  const perTypeGiven = (entry: typeof cores) =>
    section('a mapping', { f16: entry.exactOptional(), f32: entry.exactOptional() });
  const rates = perType(rate);
  const special = (unsaid: typeof SCALAR) => ({
    exp: cycles,
    silu: cycles,
    rsqrt: cycles,
    reciprocal: cycles,
    sigmoid: cycles.prefault(unsaid.sigmoid),
    tanh: cycles.prefault(unsaid.tanh),
    gelu: cycles.prefault(unsaid.gelu),
    softplus: cycles.prefault(unsaid.softplus),
  });

  const widenings = section('a mapping of formats', {
    i8: rate,
    fp8: rate.prefault(WIDEN.fp8),
    mxfp4: rate.prefault(WIDEN.mxfp4),
    int4: rate.prefault(WIDEN.int4),
  });

  return section('the path of a hardware file or a mapping', {
    name: text('a name'),
    width: cores,
    height: cores,
    clock: of({ dimension: 'frequency', min: 1e6, max: 1e11 }),
    wafers: of({ dimension: 'count', integer: true, min: 1, max: 4096, word: 'auto' }),
    power: of({ dimension: 'power', above: 0, max: 1e9 }),
    io: section('a mapping', {
      bandwidth: of({ dimension: 'bandwidth', above: 0, max: 1e18 }),
      latency: of({ dimension: 'time', min: 0, max: 1 }),
    }),
    fabric: section('a mapping', {
      colors: of({ dimension: 'count', integer: true, min: 1, max: 32 }),
      hopCycles: stages,
      rampCycles: stages,
      queueDepth: of({ dimension: 'count', integer: true, min: 1, max: 256 }),
    }),
    core: section('a mapping', {
      sram: of({ dimension: 'memory', integer: true, min: 1, max: 2 ** 40 }),
      code: section('a mapping', {
        stack: bytes,
        runtime: bytes,
        attention: bytes,
        mlp: bytes,
        router: bytes.prefault(ROUTER),
        experts: bytes.prefault(EXPERTS),
        embedding: bytes,
        head: bytes,
      }),
    }),
    costs: section('a mapping', {
      programStart: cycles,
      routeChange: cycles,
      setup: perType(cycles),
      issue: perType(time),
      latency: perType(stages),
      task: stages.prefault(TASK),
      libraryCall: cycles.prefault(LIBRARY_CALL),
      elementsPerCycle: section('a mapping', {
        move: rates,
        add: rates,
        sub: rates,
        mul: rates,
        max: rates,
        min: rates,
        fma: rates,
        dot: rates,
        rank: section('a mapping', { f32: rate }).prefault(RANK),
      }),
      matvec: section('a mapping', {
        call: time,
        row: perType(time),
        granularity: perTypeGiven(group).exactOptional(),
        widenPerCycle: z.preprocess(widenOf8Bits, widenings),
      }),
      matmul: section('a mapping', {
        instruction: perType(time),
        granularity: perType(group),
        loop: time,
        clear: perType(time),
      }).prefault(MATMUL),
      transfer: section('a mapping', { setup: cycles, end: cycles }).prefault(TRANSFER),
      scalar: section('a mapping', { ...special(SCALAR), step: cycles }),
      vectorForm: section('a mapping', special(VECTOR_FORM)),
    }),
  });
}

export type HardwareFile = z.output<ReturnType<typeof hardwareSchema>>;

/** A subtree of a validated file with plain numbers where it has quantities. */
type PlainTree<T> = T extends Quantity
  ? number
  : T extends string
    ? T
    : { [K in keyof T]: PlainTree<T[K]> };

/** The hardware file with plain numbers in base units, under the file's own keys. */
export type PlainHardware = Omit<PlainTree<HardwareFile>, 'wafers'> & { wafers: number | 'auto' };

export function plainHardware(file: HardwareFile): PlainHardware {
  return plainOf(file) as PlainHardware;
}

/** The provenance of every number; those that state no source have the one that `placeOf` their path gives. */
export function provenanceOf(
  file: HardwareFile | EconomicsFile | undefined,
  placeOf: (path: string[]) => string,
): ProvenanceMap {
  const map: ProvenanceMap = {};
  const collect = (node: unknown, path: string[]): void => {
    if (typeof node !== 'object' || node === null) return;
    if (isQuantity(node)) map[path.join('.')] = { source: placeOf(path), ...node.provenance };
    else for (const [key, child] of Object.entries(node)) collect(child, [...path, key]);
  };
  collect(file, []);
  return map;
}

/** The wafer that a validated hardware file describes. */
export function toWafer(file: HardwareFile): WaferSpec {
  const { clock, power, io, core, ...rest } = plainHardware(file);
  return {
    ...rest,
    clockHz: clock,
    powerWatts: power,
    io: { bitsPerSecond: io.bandwidth, latencySeconds: io.latency },
    core: { sramBytes: core.sram, codeBytes: core.code },
  };
}

function isQuantity(node: object): node is NamedQuantity {
  return 'value' in node;
}

/** Plain numbers in base units in place of quantities. */
export function plainOf(node: unknown): unknown {
  if (typeof node !== 'object' || node === null) return node;
  if (isQuantity(node)) return node.word ?? node.value;
  return Object.fromEntries(Object.entries(node).map(([key, child]) => [key, plainOf(child)]));
}
