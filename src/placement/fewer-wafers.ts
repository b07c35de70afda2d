/**
 * What a model on several wafers would need for fewer of them: less code, fewer bits, other regions. Every number is
 * found by trying the placement itself.
 */
import type { WaferSpec } from '../hardware/wafer.js';
import { narrowed } from '../model/formats.js';
import type { ModelSpec } from '../model/model.js';
import {
  IN_ORDER,
  inFewerBits,
  layerCodeBytes,
  mayHaveStrips,
  mostCodeBytes,
  nearest,
  neededWithCode,
  otherForms,
  wafersNeeded,
} from './capacity.js';
import { CUTS, type Cutting } from './pack.js';
import type { SizedRequest } from './placement.js';

/**
 * What would have to shrink for a model to fit on fewer wafers: the stack and code that every core
 * keeps in addition to its data (a parameter of the hardware file, machine-model section 1), all else as it
 * is; and how many wafers 8-bit weights would take. Found by trying the placement itself.
 */
export interface FewerWafers {
  /** Bytes of stack and code in a layer's core as it is. */
  codeBytes: number;
  /** For each smaller number of wafers on which it can fit so: bytes of stack and code at most. */
  withCode: { wafers: number; codeBytes: number }[];
  /** Wafers with 8-bit weights, if the model's are wider and fewer wafers then do. */
  in8Bits?: number;
  /** What asks for them. */
  settingFor8Bits?: string;
  /** Settings for still fewer bits, each with fewer wafers than the one before. */
  fewerBits?: { setting: string; wafers: number }[];
  /** Wafers with regions wherever there is room and not one after the other, if fewer are given. */
  anywhere?: number;
  /** Wafers with experts in strips, if fewer then do; and of these with regions wherever there is room. */
  strips?: { wafers: number; anywhere?: number };
  /** Wafers with whole layers' attention and MLP in regions of their own, if fewer then do. */
  split?: number;
}

/** All in integers of 8 bits. */
const isIn8Bits = ({ formats, weightBits }: ModelSpec) => formats === undefined && weightBits === 8;

/**
 * For a model that needs `wafers` wafers for the request.
 * @param open the request with forms of layers that it left open
 */
export function fewerWafers(
  model: ModelSpec,
  wafer: WaferSpec,
  request: SizedRequest,
  wafers: number,
  open = request,
): FewerWafers {
  const found: FewerWafers = {
    codeBytes: layerCodeBytes(model, wafer, nearest(model, wafer, request)),
    withCode: [],
  };
  const needed = neededWithCode(model, wafer, request);
  const anywhere = wafersNeeded(model, wafer, request, CUTS);
  const isFewer = anywhere < Math.min(wafers, wafersNeeded(model, wafer, request));
  for (let fewer = (isFewer ? anywhere : wafers) - 1; fewer > 0; fewer--) {
    const codeBytes = mostCodeBytes(model, wafer, request, fewer, needed);
    if (codeBytes === undefined) break;
    // Where the same code does for fewer still, those are what counts.
    if (found.withCode.at(-1)?.codeBytes === codeBytes) found.withCode.pop();
    found.withCode.push({ wafers: fewer, codeBytes });
  }
  const narrow = narrowed(model).find((of) => isIn8Bits(of.model));
  const in8Bits = wafersNeeded(narrow?.model ?? model, wafer, request);
  const need = (of: ModelSpec) => wafersNeeded(of, wafer, request);
  const fewerBits = inFewerBits(model, Math.min(wafers, in8Bits), need).filter(
    (of) => !isIn8Bits(of.model),
  );
  const split = otherForms(request).includes('split')
    ? wafersNeeded(model, wafer, { ...request, layerColumns: undefined, layers: 'split' })
    : Infinity;
  const strips = mayHaveStrips(model, open) ? inStrips(model, wafer, open, wafers) : undefined;
  return {
    ...found,
    ...(isFewer && { anywhere }),
    ...(strips && { strips }),
    ...(narrow && in8Bits < wafers && { in8Bits, settingFor8Bits: narrow.setting }),
    ...(fewerBits.length > 0 && {
      fewerBits: fewerBits.map(({ setting, needed }) => ({ setting, wafers: needed })),
    }),
    ...(split < wafers && { split }),
  };
}

function inStrips(
  model: ModelSpec,
  wafer: WaferSpec,
  request: SizedRequest,
  wafers: number,
): FewerWafers['strips'] {
  const inAny = (cuts: readonly Cutting[]) =>
    wafersNeeded(model, wafer, { ...request, strips: 'auto' }, cuts);
  const [inOrder, anywhere] = [inAny(IN_ORDER), inAny(CUTS)];
  if (inOrder >= wafers) return undefined;
  return { wafers: inOrder, ...(anywhere < inOrder && { anywhere }) };
}
