/**
 * What would have to shrink for a model to fit on fewer wafers: the stack and code that every core
 * keeps beside its data (a parameter of the hardware file, machine-model section 1), all else as it
 * is; and how many wafers 8-bit weights would take. Found by trying the placement itself.
 */
import type { WaferSpec } from '../hardware/wafer.js';
import type { ModelSpec } from '../model/model.js';
import { codeBytesOf } from './budget.js';
import { mostCodeBytes, wafersNeeded } from './capacity.js';
import type { SizedRequest } from './parts.js';

export interface FewerWafers {
  /** Bytes of stack and code in a layer's core as it is. */
  codeBytes: number;
  /** For each smaller number of wafers on which it can fit so: bytes of stack and code at most. */
  withCode: { wafers: number; codeBytes: number }[];
  /** Wafers with 8-bit weights, if the model's are wider and fewer wafers then do. */
  in8Bits?: number;
}

/** For a model that needs `wafers` wafers for the request. */
export function fewerWafers(
  model: ModelSpec,
  wafer: WaferSpec,
  request: SizedRequest,
  wafers: number,
): FewerWafers {
  const found: FewerWafers = {
    codeBytes: codeBytesOf('layer', wafer.core.codeBytes),
    withCode: [],
  };
  for (let fewer = wafers - 1; fewer > 0; fewer--) {
    const codeBytes = mostCodeBytes(model, wafer, request, fewer);
    if (codeBytes === undefined) break;
    // Where the same code does for fewer still, those are what counts.
    if (found.withCode.at(-1)?.codeBytes === codeBytes) found.withCode.pop();
    found.withCode.push({ wafers: fewer, codeBytes });
  }
  const narrow = model.weightBits > 8 ? { ...model, weightBits: 8 as const } : model;
  const in8Bits = wafersNeeded(narrow, wafer, request);
  return in8Bits < wafers ? { ...found, in8Bits } : found;
}
