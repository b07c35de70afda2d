/** Cycles and what they are spent on. */
import * as z from 'zod';

export const cyclesByCause = z
  .strictObject({
    compute: z.number(),
    setup: z.number(),
    waitInput: z.number(),
    waitOutput: z.number(),
    idle: z.number(),
  })
  .describe("Core-cycles (or a core's cycles) by cause: every cycle has exactly one.");
export type CyclesByCause = z.infer<typeof cyclesByCause>;

export const pathKind = z
  .enum(['compute', 'setup', 'flight', 'arbitration', 'credit', 'handOff', 'otherToken'])
  .describe('What cycles of the critical path are spent on.');
export type PathKind = z.infer<typeof pathKind>;

export const pathEntry = z
  .strictObject({
    operator: z.string(),
    kind: pathKind,
    wafer: z.number(),
    x: z.number(),
    y: z.number(),
    from: z.number(),
    to: z.number(),
    cycles: z.number(),
  })
  .describe(
    'Cycles of the critical path, in which one thing happened: of a flight, (x, y) is where it begins; of a credit, where it comes from; ports between wafers are columns beyond their edges.',
  );
export type PathEntry = z.infer<typeof pathEntry>;

export const waitsOn = z
  .enum(['line', 'credit', 'handOff', 'otherToken'])
  .describe(
    "What cores wait for: a wavelet, a slot to send one, the token to be handed on, or other users' tokens.",
  );
export type WaitsOn = z.infer<typeof waitsOn>;

export const waitResult = z
  .strictObject({ operator: z.string(), on: waitsOn, coreCycles: z.number() })
  .describe('Core-cycles of waiting in an operator; without those that are 0.');
export type WaitResult = z.infer<typeof waitResult>;

export const operatorCycles = z
  .strictObject({ cycles: z.number(), compute: z.number(), communication: z.number() })
  .describe(
    "An operator's part of the critical path, in cycles; `compute` + `communication` = `cycles`. What is not compute is communication: flight and waiting, that for a turn included.",
  );
export type OperatorCycles = z.infer<typeof operatorCycles>;

export const breakdown = z
  .record(z.string(), operatorCycles)
  .describe('Operators in program order.');
export type Breakdown = z.infer<typeof breakdown>;
