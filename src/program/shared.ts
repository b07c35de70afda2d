/**
 * Operations that are equal, kept once: cores of a region differ in a few hundred operations and have tens of
 * thousands, so what follows from one (its time, the cells that it reads) is found once, too.
 */
import { mix } from '../numeric/mix.js';
import type { Destination, Operation, Source } from './operations.js';

export interface KnownOperations {
  /** By a hash; those of one hash one after the other. */
  byHash: Map<number, Operation[]>;
  /** For those that were looked at, itself or the equal one in its place. */
  shared: Map<Operation, Operation>;
}

export function knownOperations(): KnownOperations {
  return { byHash: new Map(), shared: new Map() };
}

/** Puts those that are known in the place of equal ones, in the list itself; the others are known from now on. */
export function shareEqual(known: KnownOperations, list: Operation[]): Operation[] {
  for (let i = 0; i < list.length; i++) {
    const own = list[i];
    let shared = known.shared.get(own);
    if (shared === undefined) {
      shared = equalOf(known, own);
      known.shared.set(own, shared);
    }
    if (shared !== own) list[i] = shared;
  }
  return list;
}

function equalOf({ byHash }: KnownOperations, operation: Operation): Operation {
  const hash = hashOf(operation);
  const alike = byHash.get(hash);
  if (alike !== undefined) return sharedOf(alike, operation);
  byHash.set(hash, [operation]);
  return operation;
}

function sharedOf(alike: Operation[], operation: Operation): Operation {
  for (let i = 0; i < alike.length; i++) if (isEqual(alike[i], operation)) return alike[i];
  alike.push(operation);
  return operation;
}

function hashOf(operation: Operation): number {
  const hash = mix(operation.label, operation.kind.length);
  if (operation.kind !== 'vector') return mix(hash, sumOf(operation));
  const { length, dst, a, b } = operation;
  return mix(mix(mix(mix(hash, length), placeOf(dst)), placeOf(a)), placeOf(b));
}

/** Of its numbers, in any order: a table has an operation for each column that differs in one of them. */
function sumOf(operation: object): number {
  let sum = 0;
  for (const key in operation) {
    const value = (operation as Fields)[key];
    if (typeof value === 'number') sum += value;
  }
  return sum;
}

function placeOf(operand: Destination | Source | undefined): number {
  if (operand === undefined) return -1;
  if ('at' in operand) return operand.at;
  return 'color' in operand ? ~operand.color : -2;
}

/** Are two operations, or parts of them, equal in all fields? They are numbers, strings, and lists and records of these. */
function isEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  for (const key in a) if (!isEqual((a as Fields)[key], (b as Fields)[key])) return false;
  for (const key in b) if (!(key in a)) return false;
  return true;
}

type Fields = Record<string, unknown>;
