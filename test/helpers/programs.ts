/** Small programs and a wafer without overheads, for tests of engines. */
import type { FloatType } from '../../src/numeric/types.js';
import { EAST, NORTH, RAMP, SOUTH, WEST, portMask } from '../../src/hardware/mesh.js';
import type { CostTable, WaferSpec } from '../../src/hardware/wafer.js';
import { append, assemble, cell, type Code } from '../../src/program/builder.js';
import { exchange } from '../../src/program/exchange.js';
import type {
  Buffer,
  Operation,
  Destination,
  Passed,
  Program,
  Role,
  Route,
  RouteOp,
  Source,
  TrafficOp,
  VectorOp,
} from '../../src/program/program.js';

export { cell };

export const N = portMask(NORTH);
export const E = portMask(EAST);
export const S = portMask(SOUTH);
export const W = portMask(WEST);
export const R = portMask(RAMP);

/** Each special function as cheap as can be. */
export const EACH_FUNCTION = {
  exp: 1,
  silu: 1,
  rsqrt: 1,
  reciprocal: 1,
  sigmoid: 1,
  tanh: 1,
  gelu: 1,
  softplus: 1,
};

const each = (cycles: number) => ({ f16: cycles, f32: cycles });

/** One element per cycle and nothing else. */
export const NO_OVERHEAD: CostTable = {
  programStart: 0,
  routeChange: 0,
  setup: each(0),
  issue: each(0),
  latency: each(1),
  task: 1,
  libraryCall: 0,
  elementsPerCycle: {
    move: each(1),
    add: each(1),
    sub: each(1),
    mul: each(1),
    max: each(1),
    min: each(1),
    fma: each(1),
    dot: each(1),
    rank: { f32: 1 },
  },
  matvec: { call: 0, row: each(0), widenPerCycle: { i8: 1, fp8: 1, mxfp4: 1, int4: 1 } },
  matmul: { instruction: each(0), granularity: each(1), loop: 0, clear: each(0) },
  transfer: { setup: 0, end: 0 },
  scalar: { ...EACH_FUNCTION, step: 1 },
  vectorForm: EACH_FUNCTION,
};

/** A wafer as in machine-model 4a: hop 1, ramp 2, depth 4, no overheads but those given. */
export function testWafer(
  fabric: Partial<WaferSpec['fabric']> = {},
  costs: Partial<CostTable> = {},
): WaferSpec {
  return {
    name: 'test',
    width: 1024,
    height: 1024,
    clockHz: 1e9,
    wafers: 1,
    powerWatts: 1,
    io: { bitsPerSecond: 1e12, latencySeconds: 5e-6 },
    fabric: { colors: 8, hopCycles: 1, rampCycles: 2, queueDepth: 4, ...fabric },
    core: {
      sramBytes: 48 * 1024,
      codeBytes: {
        stack: 0,
        runtime: 0,
        attention: 0,
        mlp: 0,
        router: 0,
        experts: 0,
        embedding: 0,
        head: 0,
      },
    },
    costs: { ...NO_OVERHEAD, ...costs },
  };
}

export const fabric = (color: number) => ({ color });
export const constant = (value: number) => ({ constant: value });
export const route = (color: number, inputs: number, outputs: number): Route => ({
  color,
  inputs,
  outputs,
});

/** dst <- a, or dst <- a + b for `length` elements. */
export function move(dst: Destination, a: Source, length: number, type: FloatType = 'f32') {
  return vector({ fn: 'move', dst, a, length, type });
}
export function add(
  dst: Destination,
  a: Source,
  b: Source,
  length: number,
  type: FloatType = 'f32',
) {
  return vector({ fn: 'add', dst, a, b, length, type });
}
export function vector(op: Omit<VectorOp, 'kind' | 'label'> & { label?: number }): VectorOp {
  return appended({ kind: 'vector', ...op }, op.label) as VectorOp;
}

/** An operation as the builder writes it. */
function appended(op: Parameters<typeof append>[1], label = 0): Operation {
  const code: Code = { operations: [], label };
  append(code, op);
  return code.operations[0];
}

export function traffic(op: {
  color?: number;
  times?: number[];
  receive?: number;
  expect?: number;
  label?: number;
  /** Several colours to send on, and which of them each wavelet takes; several to receive. */
  sends?: number[];
  turns?: number[];
  receives?: number[];
}): TrafficOp {
  const written = {
    kind: 'traffic' as const,
    color: op.sends?.[0] ?? op.color ?? -1,
    times: Float64Array.from(op.times ?? []),
    receive: op.receives?.[0] ?? op.receive ?? -1,
    expect: op.expect ?? 0,
    ...(op.sends && op.sends.length > 1 && { sends: op.sends }),
    ...(op.turns && { turns: Uint8Array.from(op.turns) }),
    ...(op.receives && op.receives.length > 1 && { receives: op.receives }),
  };
  return appended(written, op.label) as TrafficOp;
}

/** Vectors sent and taken side by side; transfers begin one `setup` after the other. */
export function exchanged(type: FloatType, sends: Passed[], takes: Passed[], setup = 0): TrafficOp {
  const code: Code = { operations: [], label: 0 };
  exchange(code, type, { sends, takes, setup });
  return code.operations[0] as TrafficOp;
}

/** Keeps a core busy for some cycles; its cells need no buffer as long as nothing reads them. */
export function work(cycles: number): VectorOp {
  return move(cell(0), constant(0), cycles);
}

export function changeRoute(color: number, inputs: number, outputs: number): RouteOp {
  return appended({ kind: 'route', color, inputs, outputs }) as RouteOp;
}

/** A buffer of f32 numbers that hold data from the start. */
export function loaded(length: number, at = 0, name = 'data'): Buffer {
  return { name, type: 'f32', at, length, preloaded: true };
}

export function role(name: string, parts: Partial<Role> = {}): Role {
  return { name, routes: [], operations: [], buffers: [], codeBytes: 0, ...parts };
}

/** A program whose core n, in a rectangle `width` wide, has role `roles[n]`. */
export function program(width: number, roles: Role[], parts: Partial<Program> = {}): Program {
  const height = roles.length / width;
  const { program, station } = assemble('test', width, height, ['work', 'more']);
  roles.forEach((given, core) => {
    station(core, given.name, () => {}, given);
  });
  return { ...program, roles: [...new Set(roles)], ...parts };
}

/** A row of cores, each with a role. */
export function row(...roles: Role[]): Program {
  return program(roles.length, roles);
}

/** Core 0 sends `length` elements east on colour 0, through `between` routers, to the last core. */
export function sendEast(length: number, between: number, type: FloatType = 'f32'): Program {
  const sender = role('sender', {
    routes: [route(0, R, E)],
    operations: [move(fabric(0), cell(0), length, type)],
    buffers: [loaded(length)],
  });
  const relay = role('relay', { routes: [route(0, W, E)] });
  const receiver = role('receiver', {
    routes: [route(0, W, R)],
    operations: [move(cell(0), fabric(0), length, type)],
    buffers: [{ ...loaded(length), preloaded: false }],
  });
  return row(sender, ...Array.from({ length: between }, () => relay), receiver);
}

/**
 * A chain reduce towards core 0: the last core sends its words, each other adds its own and passes
 * the sums on, core 0 keeps them. Two colours alternate, since a core receives and sends at once.
 */
export function chainReduce(cores: number, words: number, type: FloatType = 'f32'): Program {
  const roleAt = (core: number): Role => {
    const [out, into] = [core % 2, (core + 1) % 2];
    const first = core === 0;
    const last = core === cores - 1;
    const dst = first ? cell(0) : fabric(out);
    const own = cell(0);
    return role(`core ${core}`, {
      routes: [...(first ? [] : [route(out, R, W)]), ...(last ? [] : [route(into, E, R)])],
      operations: [last ? move(dst, own, words, type) : add(dst, fabric(into), own, words, type)],
      buffers: [loaded(words)],
    });
  };
  const roles = Array.from({ length: cores }, (_, core) => roleAt(core));
  return { ...row(...roles), root: 0 };
}
