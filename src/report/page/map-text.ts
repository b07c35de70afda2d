/** What a map says in words. */
import type { MapState } from './map.js';

export const NUMBER = new Intl.NumberFormat('en-US');
const SHARE = new Intl.NumberFormat('en-US', {
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
});

/** With its unit, and the share that it is of what there is. */
export function amountText({ data }: MapState, quantity: number, value: number): string {
  const { unit, whole } = data.quantities[quantity];
  const share = whole > 0 ? ` (${SHARE.format((100 * value) / whole)} %)` : '';
  const sign = data.isDifference && value > 0 ? '+' : '';
  return `${sign}${NUMBER.format(value)} ${unit}${share}`;
}

/** The core that is pointed at with all its numbers; undefined if none is. */
export function coreText(state: MapState): string | undefined {
  const { wafer, core, values, owner, data } = state;
  if (core < 0) return undefined;
  const region = wafer.regions[owner[core]];
  const place = `Core ${core % wafer.width}, ${Math.floor(core / wafer.width)}`;
  const numbers = data.quantities.map(({ title }, q) => {
    const value = values[q]?.[core];
    return `${title} ${value === undefined ? '…' : amountText(state, q, value)}`;
  });
  return [`${place} in ${region ? region.name : 'no region'}`, ...numbers].join(' · ');
}
