/**
 * How a gated delta net is cut over the cores of a layer (docs/machine-model.md, section 5c). A group of columns
 * shares a key head and the value heads that it serves. The state of a value head lies with the elements of its
 * keys on the columns of the group, and with those of its values on the rows.
 *
 * Whatever belongs to value elements lies element by element, each once per value head of the column.
 */
import type { DeltaSpec } from '../model/attention-spec.js';
import type { ModelSpec } from '../model/model.js';
import type { AddBuffer } from './buffers.js';
import type { CommonShape } from './shapes.js';

export interface DeltaShape extends CommonShape {
  kind: 'delta';
  /** Value heads of a column: those that its key heads serve. */
  valueHeads: number;
  /** Elements of each key head (and query head), and of each value head, on a column. */
  keyElements: number;
  valueElements: number;
  /** Elements of each value head on a row. */
  rowElements: number;
  /** Numbers of a column that the convolution goes over: queries, keys and values. */
  channels: number;
  users: number;
}

/** Tokens whose inputs are kept for the convolution: those before, and of tokens in flight each one's. */
export function keptInputs({ conv }: DeltaSpec, { inFlight = 0 }: DeltaShape): number {
  return conv - 1 + inFlight;
}

export function deltaShape(spec: DeltaSpec, common: CommonShape, users: number): DeltaShape {
  const { groupWidth, headsPerColumn, rows } = common;
  const valueHeads = (headsPerColumn * spec.valueHeads) / spec.keyHeads;
  const keyElements = Math.ceil(spec.keyDim / groupWidth);
  const valueElements = Math.ceil(spec.valueDim / groupWidth);
  return {
    ...common,
    kind: 'delta',
    valueHeads,
    keyElements,
    valueElements,
    rowElements: Math.ceil(spec.valueDim / rows),
    channels: 2 * headsPerColumn * keyElements + valueHeads * valueElements,
    users,
  };
}

/** Where what a column projects lies, from the first cell on; queries are first. */
export function projectedAt(s: DeltaShape) {
  const keys = s.headsPerColumn * s.keyElements;
  const values = s.valueHeads * s.valueElements;
  const gate = 2 * keys + values;
  const beta = gate + values;
  const alpha = beta + s.valueHeads;
  return { key: keys, value: 2 * keys, gate, beta, alpha, length: alpha + s.valueHeads };
}

/** Where what the columns of a group add up lies: by value elements of the row, then by key heads. */
export function summedAt(s: DeltaShape) {
  const own = s.rowElements * s.valueHeads;
  const heads = s.headsPerColumn;
  return {
    /** What the key and the query read from the state, and the row's values. */
    recalled: 0,
    read: own,
    value: 2 * own,
    /** Squares of keys and of queries, and their products. */
    keySquare: 3 * own,
    querySquare: 3 * own + heads,
    product: 3 * own + 2 * heads,
    length: 3 * own + 3 * heads,
  };
}

/** Words that the rows add up: the output of the column's elements, and the squares of each value head. */
export function outputLength({ valueElements, valueHeads }: DeltaShape): number {
  return (valueElements + 1) * valueHeads;
}

/** What a column with heads keeps of the delta net in addition to its matrices. */
export function addDelta(
  add: AddBuffer,
  { dtype: value }: ModelSpec,
  spec: DeltaSpec,
  s: DeltaShape,
): void {
  const { inFlight = 1 } = s;
  const own = s.rowElements * s.valueHeads;
  // By tokens, the newest last; and of each user the inputs of those before.
  add('convWeights', value, spec.conv * s.channels, true);
  add('convState', value, s.users * keptInputs(spec, s) * s.channels, true);
  // A state cannot be unwritten: of tokens in flight that after each one is kept.
  add('state', 'f32', s.users * inFlight * own * s.keyElements, true);
  add('dtBias', 'f32', s.valueHeads, true);
  // Minus e^A: what the time step of a head is multiplied by.
  add('decayRate', 'f32', s.valueHeads, true);
  add('gateNorm', value, s.valueElements * s.valueHeads, true);
  // Which of the column's value elements each of the row's is; beyond them if another column has it.
  add('valuePlace', 'f32', s.rowElements, true);
  add('projected', value, projectedAt(s).length);
  add('mixed', value, s.channels);
  add('beta', 'f32', s.valueHeads);
  add('decay', 'f32', s.valueHeads);
  add('sums', 'f32', summedAt(s).length);
  // Factors of key heads, once for each value head, where a column has several.
  if (s.headsPerColumn > 1) add('factors', 'f32', 3 * s.valueHeads);
  add('output', 'f32', outputLength(s));
  add('attended', value, s.valueElements * s.valueHeads);
}
