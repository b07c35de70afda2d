/** What would have to shrink for a model on several wafers to fit on fewer, in one line. Pure. */
import type { FewerWafers } from '../placement/capacity.js';
import { count } from './format.js';

/** Empty if nothing of it helps. */
export function fewerWafersLine(fewer: FewerWafers): string {
  const { codeBytes, withCode, in8Bits, settingFor8Bits, fewerBits = [], split } = fewer;
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
  if (split !== undefined) changes.push(`with placement.layers=split: ${split}`);
  return changes.length === 0 ? '' : `fewer wafers ${changes.join('; or ')}`;
}
