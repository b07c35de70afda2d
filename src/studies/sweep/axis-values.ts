/** The values of an axis: as they are listed, at equal steps, or doubling. */
import type { Axis } from './plan-schema.js';
import { MOST_POINTS } from './plan-limits.js';
import type { AxisValue } from './point.js';

/** @param refuse receives what was expected and found, and where in the axis */
export function valuesOf(
  axis: Axis,
  refuse: (what: string, inside?: (string | number)[]) => never,
): AxisValue[] {
  if (Array.isArray(axis)) return axis;
  if ('range' in axis) {
    const [from, to, step] = axis.range;
    if (step === 0) refuse('expected a step other than 0, found 0', ['range', 2]);
    return stepsOf(from, to, step, (what) => refuse(what, ['range']));
  }
  const [from, to] = axis.log2;
  if (from <= 0) refuse(`expected a number above 0, found ${from}`, ['log2', 0]);
  if (to < from) refuse(`expected from up to to, found ${from} and ${to}`, ['log2']);
  const values: number[] = [];
  for (let value = from; value <= to; value *= 2) values.push(value);
  return values;
}

function stepsOf(
  from: number,
  to: number,
  step: number,
  refuse: (what: string) => never,
): number[] {
  const count = Math.floor((to - from) / step + 1e-9) + 1;
  if (!(count >= 1)) refuse(`expected steps from ${from} towards ${to}, found a step of ${step}`);
  if (count > MOST_POINTS) refuse(`expected at most ${MOST_POINTS} points, found ${count}`);
  // A sum of decimals is none of as few digits: 0.1 + 0.2.
  const digits = Math.max(decimalsOf(from), decimalsOf(step));
  return Array.from({ length: count }, (_, i) => Number((from + i * step).toFixed(digits)));
}

function decimalsOf(value: number): number {
  const [digits, exponent = '0'] = String(value).split('e');
  const decimals = digits.split('.')[1]?.length ?? 0;
  return Math.min(100, Math.max(0, decimals - Number(exponent)));
}
