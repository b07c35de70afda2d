/** What would have to shrink for a model on several wafers to fit on fewer, in one line. Pure. */
import type { FewerWafers } from '../placement/fewer-wafers.js';
import { count } from './format.js';

/** Empty if nothing of it helps. */
export function fewerWafersLine(fewer: FewerWafers): string {
  const { codeBytes, withCode, in8Bits, settingFor8Bits, fewerBits = [] } = fewer;
  const { anywhere, strips, split } = fewer;
  const changes: string[] = [];
  if (withCode.length > 0) {
    const each = withCode.map((of) => `${of.wafers} with ${count(of.codeBytes)}`).join(', ');
    changes.push(
      `with fewer bytes of stack and code in every core (${count(codeBytes)} in a layer's now): ` +
        `${each} at most`,
    );
  }
  if (in8Bits !== undefined) changes.push(`with ${settingFor8Bits}: ${in8Bits}`);
  for (const { setting, wafers } of fewerBits) changes.push(`with ${setting}: ${wafers}`);
  if (anywhere !== undefined)
    changes.push(`with regions wherever there is room, hardware.wafers=${anywhere}: ${anywhere}`);
  if (strips !== undefined) {
    const more = strips.anywhere === undefined ? '' : `, or hardware.wafers=${strips.anywhere}`;
    changes.push(`with placement.experts=strips: ${strips.wafers}${more}`);
  }
  if (split !== undefined) changes.push(`with placement.layers=split: ${split}`);
  return changes.length === 0 ? '' : `fewer wafers ${changes.join('; or ')}`;
}
