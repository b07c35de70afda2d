/**
 * What a wafer is: a rectangle of cores, the fabric between them, the memory in them, and what each
 * of their operations costs. Plain values in base units; where each came from stands in the hardware
 * file (`configs/hardware/*.yaml`) and is kept next to them as `provenance`.
 */
import type { WidenedType } from '../numeric/formats.js';
import type { Defects } from './defects.js';

/** One number for 16-bit and one for 32-bit data. */
export interface PerType {
  f16: number;
  f32: number;
}

/** The functions of elementwise vector operations. */
export type VectorFn = 'move' | 'add' | 'sub' | 'mul' | 'max' | 'min' | 'fma';

/** Functions computed by code rather than by one instruction; gelu in its tanh form. */
export type SpecialFn =
  | 'exp'
  | 'silu'
  | 'rsqrt'
  | 'reciprocal'
  | 'sigmoid'
  | 'tanh'
  | 'gelu'
  | 'softplus';

/** What operations cost, in cycles. Lives in the hardware file, never in code. */
export interface CostTable {
  /** From the start of a program to the set-up of its first operation. */
  programStart: number;
  /** A change of one route. */
  routeChange: number;
  /** Setting one vector operation up, before its first element. */
  setup: PerType;
  /** Cycles of a memory-to-memory vector operation, its elements not included. */
  issue: PerType;
  /** Stages between an arithmetic operation's operands and the fabric its result goes to. */
  latency: PerType;
  /** A task that an arriving wavelet activates: cycles for each, its work and what it sends included. */
  task: number;
  /** Calling a function of a communication library. */
  libraryCall: number;
  /** Elements per cycle from and to memory; a fabric stream is one wavelet per cycle at most. */
  elementsPerCycle: Record<VectorFn | 'dot', PerType> & {
    /** Cells that a rank is found among: a compare and an add each. */
    rank: { f32: number };
  };
  /** Matrix-vector products: the call, each row without its elements, and widening codes of few bits. */
  matvec: {
    call: number;
    row: PerType;
    /** Elements of a row that are issued together, the last of them as a whole group; 1 if not given. */
    granularity?: Partial<PerType>;
    widenPerCycle: Record<WidenedType, number>;
  };
  /**
   * Products of matrices by multiply-add instructions: each one without its elements, how many elements
   * are issued together (the last few count as many), each pass of the loop around them, and clearing an
   * element of the product before.
   */
  matmul: { instruction: PerType; granularity: PerType; loop: number; clear: PerType };
  /** Asynchronous transfers: setting one up, and the code that runs when one has ended. */
  transfer: { setup: number; end: number };
  /** Cycles of scalar code: per element for special functions, per step for compares and addresses. */
  scalar: Record<SpecialFn | 'step', number>;
  /** The vector form of a special function: how many vector operations it takes. */
  vectorForm: Record<SpecialFn, number>;
}

/** Bytes of a core's memory that programs keep in addition to their data. */
export interface CodeBytes {
  stack: number;
  runtime: number;
  attention: number;
  mlp: number;
  /** In layers with experts, in addition: the router, and the loop over the chosen ones. */
  router: number;
  experts: number;
  embedding: number;
  head: number;
}

export interface WaferSpec {
  name: string;
  /** Cores that programs may use, x by y. */
  width: number;
  height: number;
  clockHz: number;
  /** How many wafers a system may have, or as many as the model needs. */
  wafers: number | 'auto';
  powerWatts: number;
  /** The link from one wafer's edge to the next one's. */
  io: { bitsPerSecond: number; latencySeconds: number };
  fabric: {
    /** Routable colours, numbered from 0. */
    colors: number;
    hopCycles: number;
    rampCycles: number;
    /** Slots of every router and core queue, per port and colour. */
    queueDepth: number;
  };
  core: { sramBytes: number; codeBytes: CodeBytes };
  costs: CostTable;
  /** Dead cores and links; none if not given. */
  defects?: Defects;
}
