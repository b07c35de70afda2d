/** Code of cores, and colours of hand-offs, that following steps share. */
import type { KeptColors } from './hand-off-colors.js';
import { knownOperations, shareEqual, type KnownOperations } from '../program/shared.js';
import type { CoreProgram, RegionCode } from './region.js';

/** Code of cores that steps had so far: only that of the last two is kept. */
export interface KeptCode {
  now: Map<string, CoreProgram>;
  before: Map<string, CoreProgram>;
  /** Operations of this step's code. */
  operations: KnownOperations;
  colors: KeptColors;
}

export function keepCode(): KeptCode {
  const operations = knownOperations();
  return { now: new Map(), before: new Map(), operations, colors: { found: [] } };
}

/** Begins another step. */
export function nextStep(kept: KeptCode): void {
  if (kept.now.size === 0) return;
  kept.before = kept.now;
  kept.now = new Map();
  kept.operations = knownOperations();
}

/** The same code, each class of it written once; not again if it is kept for regions of this size and use. */
export function writtenOnce(code: RegionCode, kept: KeptCode, size: string): RegionCode {
  const written = new Map<number, CoreProgram>();
  return {
    ...code,
    write(row, column) {
      const number = code.codeClass(row, column);
      let program = written.get(number);
      if (program === undefined) {
        const key = `${size} ${code.codeKey(row, column)}`;
        const { now, before } = kept;
        program = now.get(key) ?? before.get(key) ?? shared(kept, code.write(row, column));
        now.set(key, program);
        written.set(number, program);
      }
      return program;
    },
  };
}

/** Code whose operations are those of other cores where these have equal ones. */
function shared({ operations }: KeptCode, code: CoreProgram): CoreProgram {
  shareEqual(operations, code.prepare);
  shareEqual(operations, code.main);
  return code;
}
