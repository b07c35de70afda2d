/** What a simulator is to others on a queue: results of two that differ in it must not meet in one store. */
import { hostname } from 'node:os';
import { VERSION } from '../../../bundled.js';
import { codeHash } from '../../../store/code-hash.js';

/** The version, and the first digits of the hash of all code; what runs it may differ from host to host. */
export function buildOf(): string {
  return `${VERSION}+${codeHash(undefined, undefined, { v8: '', arch: '' }).slice(0, 12)}`;
}

/** How a worker is called, by the number of its process. */
export function workerName(process: number): string {
  return `${hostname()}:${process}`;
}

/** The title of a process that simulates for a worker. */
export function titleOf(worker: number): string {
  return `wafersim-point-of-${worker}`;
}

/** The number of the worker in such a title. */
export function workerIn(title: string): number {
  return Number(/-(\d+)$/.exec(title)?.[1]);
}
