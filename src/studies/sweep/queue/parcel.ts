/**
 * A point on its way to a host without a shared disk: what is frozen of it, and the small files that it reads. There
 * they are put into a folder under the paths that they have here, so that a path in one of them leads to the next.
 * Larger files, and those that are named by an absolute path, have to be on the other host under that path.
 */
import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import type { SimulateOptions } from '../../../decode/options.js';
import type { Base, FrozenPoint, LoadedPoint } from '../point.js';

/** How a point is simulated, where that may end it. */
export type ParcelOptions = Pick<SimulateOptions, 'engine' | 'memo' | 'maxCycles'>;

/** The data of a job: plain JSON. */
export interface Parcel {
  /** Of the build that sent it; no other one runs it. */
  build: string;
  options: ParcelOptions;
  point: FrozenPoint;
  base: Base;
  /** Absolute, as all paths of `files`. */
  directory: string;
  files: ParcelFile[];
}

interface ParcelFile {
  path: string;
  /** In base64; none of a large file. */
  content?: string;
}

/** Bytes of a file that travels. */
const MOST_BYTES = 2 ** 18;

/** Packs a point that was read here. */
export function pack(
  point: FrozenPoint,
  base: Base,
  loaded: LoadedPoint,
  by: Pick<Parcel, 'build' | 'options'>,
): Parcel {
  const read = [loaded.config, ...loaded.scenarios.map(({ config }) => config)];
  const paths = new Set(read.flatMap(({ places }) => places.map((path) => resolve(path))));
  return { ...by, point, base, directory: process.cwd(), files: [...paths].map(fileAt) };
}

function fileAt(path: string): ParcelFile {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? Infinity;
  return size > MOST_BYTES ? { path } : { path, content: readFileSync(path).toString('base64') };
}

/** A parcel's files in a folder of this host. */
export interface Unpacked {
  /** The directory to be in: relative paths hold there as they did where it was sent. */
  directory: string;
  base: Base;
  /** Absolute paths of files that should be on this host and are not. */
  missing: string[];
}

/**
 * Puts a parcel's files into a folder; what did not travel is linked to what this host has there.
 * @throws Error if a path leads out of the folder
 */
export function unpack({ files, base, directory }: Parcel, folder: string): Unpacked {
  const inside = (path: string) => (isAbsolute(path) ? join(folder, path) : path);
  const missing: string[] = [];
  const inner = join(folder, resolve(directory));
  mkdirSync(inner, { recursive: true });
  for (const { path, content } of files) {
    if (resolve(path) !== path) throw new Error(`expected an absolute path, found ${path}`);
    const at = join(folder, path);
    mkdirSync(dirname(at), { recursive: true });
    if (content !== undefined) writeFileSync(at, Buffer.from(content, 'base64'));
    else if (statSync(path, { throwIfNoEntry: false })?.isFile()) symlinkSync(path, at);
    else missing.push(path);
  }
  return {
    directory: inner,
    base: {
      ...base,
      path: inside(base.path),
      ...(base.plan !== undefined && { plan: inside(base.plan) }),
    },
    missing,
  };
}
