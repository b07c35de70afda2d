/** On which colours operations send and take wavelets, and how many synthetic traffic does. */
import { isFabric, type MemoryOperation, type Operation } from './operations.js';
import type { TrafficOp, VectorOp } from './operations.js';

/** The colour of wavelet `index` of synthetic traffic. */
export function colorOfWavelet({ color, sends, turns }: TrafficOp, index: number): number {
  return sends === undefined || turns === undefined ? color : sends[turns[index]];
}

/** Colours that an operation of synthetic traffic sends on. */
export function sendColors({ color, sends }: TrafficOp): number[] {
  return sends ?? (color === -1 ? [] : [color]);
}

/** Colours that it takes wavelets of. */
export function takeColors({ receive, receives }: TrafficOp): number[] {
  return receives ?? (receive === -1 ? [] : [receive]);
}

/** The same of what it has wavelets to send to, and to take from. */
export function trafficColors(op: TrafficOp): { receives: number[]; sends: number[] } {
  return {
    receives: takesOf(op) > 0 ? takeColors(op) : [],
    sends: sendsOf(op) > 0 ? sendColors(op) : [],
  };
}

/** Colours that an operation sends on or takes wavelets of. */
export function colorsOf(op: Operation): number[] {
  switch (op.kind) {
    case 'vector':
      return colorsAt(op);
    case 'traffic':
      return [...sendColors(op), ...takeColors(op)];
    case 'route':
      return [];
    default:
      op satisfies MemoryOperation;
      return [];
  }
}

function colorsAt({ dst, a, b, c }: VectorOp): number[] {
  const colors: number[] = [];
  for (const operand of [dst, a, b, c]) if (isFabric(operand)) colors.push(operand.color);
  return colors;
}

/** Wavelets that it sends. */
export function sendsOf({ color, times }: TrafficOp): number {
  return color < 0 ? 0 : times.length;
}

/** Wavelets that it takes. */
export function takesOf({ receive, expect }: TrafficOp): number {
  return receive < 0 ? 0 : expect;
}
