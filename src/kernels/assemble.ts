/**
 * Puts a program together out of stations: cores whose stations have the same key share one role.
 * Memory of a role is laid out by `memoryMap`, buffer after buffer, one cell per element.
 */
import type { DataType } from '../numeric/types.js';
import type { WaferSpec } from '../hardware/wafer.js';
import type { Buffer, Program, Role } from '../program/program.js';

export interface MemoryMap {
  buffers: Buffer[];
  /** Adds a buffer behind the others and gives its first cell. */
  add(name: string, type: DataType, length: number, preloaded?: boolean): number;
}

/** An empty memory; buffers of no elements take no cells. */
export function memoryMap(): MemoryMap {
  const buffers: Buffer[] = [];
  let next = 0;
  return {
    buffers,
    add(name, type, length, preloaded = false) {
      const at = next;
      if (length > 0) buffers.push({ name, type, at, length, preloaded });
      next += length;
      return at;
    },
  };
}

/** A rectangle of cores without roles; `roles` and `roleOf` are filled by `station`. */
export interface Assembly {
  program: Program;
  /** Gives core `core` the role of this key (a name or an object), made by `make` when it is new. */
  station: (core: number, key: unknown, make: () => Role) => void;
}

/** Starts a program of `width` x `height` cores; every one of them may have a role of its own. */
export function assemble(
  name: string,
  width: number,
  height: number,
  labels: string[],
  root?: number,
): Assembly {
  const numbers = new Map<unknown, number>();
  const program: Program = {
    name,
    width,
    height,
    roles: [],
    roleOf: new (width * height > 65_536 ? Uint32Array : Uint16Array)(width * height),
    labels,
  };
  if (root !== undefined) program.root = root;
  return {
    program,
    station(core, key, make) {
      let number = numbers.get(key);
      if (number === undefined) {
        number = program.roles.length;
        program.roles.push(make());
        numbers.set(key, number);
      }
      program.roleOf[core] = number;
    },
  };
}

/** Code of a kernel that runs alone is small: only the stack and what the system reserves count. */
export function kernelCodeBytes(wafer: WaferSpec): number {
  return wafer.core.codeBytes.stack;
}
