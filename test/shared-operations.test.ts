/** Operations that are equal are one object, and others are not. */
import { expect, it } from 'vitest';
import type { Operation } from '../src/program/program.js';
import { knownOperations, shareEqual } from '../src/program/shared.js';

const at = (cell: number) => ({ at: cell, stride: 1 });

function add(more: object = {}): Operation {
  const operands = { dst: at(0), a: at(8), b: { ...at(16), ...more } };
  return { kind: 'vector', label: 1, fn: 'add', type: 'f16', length: 8, ...operands };
}

const isShared = (one: Operation, other: Operation) => {
  const [first, second] = shareEqual(knownOperations(), [one, other]);
  return first === second;
};

it('takes an operation for an equal one', () => {
  expect(isShared(add(), add())).toBe(true);
  expect(isShared(add({ wrap: 4, from: 1 }), add({ from: 1, wrap: 4 }))).toBe(true);
});

it('keeps operations apart that differ in any field of any operand', () => {
  expect(isShared(add(), add({ stride: 2 }))).toBe(false);
  expect(isShared(add(), add({ wrap: 4 }))).toBe(false);
  expect(isShared(add({ wrap: 4 }), add())).toBe(false);
});

it('keeps operations apart of which each has a field that the other one lacks', () => {
  expect(isShared(add({ wrap: undefined }), add({ from: 1 }))).toBe(false);
});
