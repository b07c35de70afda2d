/**
 * A program as data: a rectangle of cores, a few roles, and which core has which role. A role is a
 * list of operations, a route per colour and a memory layout; nine hundred thousand cores then cost
 * two bytes each. Every operation carries enough to be timed (with the hardware's cost table, see
 * timing.ts) and to be executed on real numbers. It knows nothing of transformers.
 */
import { bytesOf, type DataType } from '../numeric/types.js';
import type { Operation } from './operations.js';

export * from './indexed.js';
export * from './scales.js';
export * from './operations.js';
export * from './passing.js';

/** Masks of the ports that a colour comes from and goes to at one router. */
export interface Setting {
  inputs: number;
  outputs: number;
}

/**
 * The first route of one colour at one router. With `positions` the router is a switch: these are its
 * settings after the first one, in order. A marked wavelet that leaves the router in cycle t lets it stand
 * at the next one from t + 1 on; after the last it stays there, or `returns` to the first.
 */
export interface Route extends Setting {
  color: number;
  /** Up to `MOST_SETTINGS` with the first. */
  positions?: Setting[];
  returns?: boolean;
}

/** Settings of a switch. */
export const MOST_SETTINGS = 4;

/** The settings of a route in order, the first one included. */
export function settingsOf(route: Route): Setting[] {
  return [route, ...(route.positions ?? [])];
}

/** Masks of all ports that a route sends to in some setting. */
export function outputsOf({ outputs, positions }: Route): number {
  if (positions === undefined) return outputs;
  return positions.reduce((all, setting) => all | setting.outputs, outputs);
}

/** A named piece of a core's memory; `preloaded` says that it holds data before the program starts. */
export interface Buffer {
  name: string;
  type: DataType;
  at: number;
  length: number;
  preloaded: boolean;
}

export interface Role {
  name: string;
  routes: Route[];
  operations: Operation[];
  buffers: Buffer[];
  /** Bytes of code and stack, next to the buffers. */
  codeBytes: number;
}

export interface Program {
  name: string;
  width: number;
  height: number;
  roles: Role[];
  /** Role of each core, `width * height` entries; 32 bits where there are more than 65,536 roles. */
  roleOf: Uint16Array | Uint32Array;
  /** Names of operators; an operation's `label` is an index here. */
  labels: string[];
  /** Hops of each link, by core * 4 + port, equal at both its ends; 1 each if not given. */
  linkHops?: Uint16Array;
  /** If given, the program ends when this core is done (a reduce), else with the slowest core. */
  root?: number;
  /**
   * By colour: the family it is of. A core turns from streams of one family to those of another as a rule all at
   * once, and families seldom meet at a router, so that an engine may simulate them apart (engine/lines). It has no
   * effect on what a program does.
   */
  families?: readonly number[];
}

/** Bytes that a role keeps in its core's SRAM. */
export function sramBytesOf(role: Role): number {
  return role.buffers.reduce((sum, b) => sum + bytesOf(b.type, b.length), role.codeBytes);
}

/** Cells of a core's memory image. */
export function cellsOf(role: Role): number {
  return role.buffers.reduce((most, b) => Math.max(most, b.at + b.length), 0);
}
