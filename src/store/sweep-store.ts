/**
 * The store of a sweep: a folder with its plan, a folder for each point, and the results of all. Every file
 * is whole or absent: it is written under a temporary name and renamed. Several processes may use it at once,
 * on several hosts if they share the disk.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { openClaims, type Claims, type Owner } from './claims.js';
import { UNGUARDED, type Guard } from './guard.js';
import { orHostError } from './host-error.js';
import { writeWhole } from './whole.js';

/** `limit reached`: one that was asked for, which is no property of the point. */
export type ErrorStatus = 'does not fit' | 'machine failed' | 'limit reached' | 'failed';

/** A point without a run: it does not fit, the machine failed, or something else did. */
export interface PointError {
  schema: 'wafersim.error/1';
  key: string;
  /** As of a command that simulates this point alone: 4 is a result, anything else a failure. */
  exitCode: number;
  message: string;
  /** In the words of the results. */
  status: ErrorStatus;
}

/** What a point has in the store: at most one of them. */
export type PointState = 'run' | 'error' | 'missing';

/** Files next to the folder of the points. */
export const STORE_FILES = [
  ...['plan.yaml', 'plan.ndjson'],
  ...['results.csv', 'results.ndjson', 'results.parquet', 'sweep.html'],
] as const;
/** What a scheduler is given, in a folder that has what its tasks say as well. */
const JOBS = 'slurm';
export type StoreFile = (typeof STORE_FILES)[number] | `${typeof JOBS}/${string}.sh`;

/** Claims, and what is not whole yet; there only while a process uses the store. */
const WORK = '.work';
const POINTS = 'points';

export interface SweepStore extends Pick<Claims, 'claim' | 'release' | 'beat' | 'life' | 'leave'> {
  readonly folder: string;
  /** A name in the folder that is none of a store's. */
  foreign(): string | undefined;
  read(file: StoreFile): string | undefined;
  /** @throws HostError */
  write(file: StoreFile, content: string | Uint8Array): void;
  stateOf(key: string): PointState;
  /** Text of run.json. */
  readRun(key: string): string | undefined;
  /** Undefined also of a file that is no whole one. */
  readError(key: string): PointError | undefined;
  /** Takes the place of what the point had. @throws HostError */
  writeRun(key: string, text: string): void;
  /** Likewise. @throws HostError */
  writeError(key: string, error: PointError): void;
  /** Takes away what the point had. @throws HostError */
  forget(key: string): void;
}

/** The folder need not exist, and nothing is touched, until something is written or claimed. */
export function openSweepStore(folder: string, owner: Owner, guard: Guard = UNGUARDED): SweepStore {
  const claims = openClaims(join(folder, WORK), owner);
  const at = (key: string, name = '') => join(folder, POINTS, key, name);
  const write = (path: string, content: string | Uint8Array) =>
    orHostError(path, () =>
      guard.writing(() => {
        mkdirSync(join(folder, WORK), { recursive: true });
        const temporary = claims.temporary();
        try {
          writeWhole(temporary, content);
          renameSync(temporary, path);
        } catch (error) {
          rmSync(temporary, { force: true });
          throw error;
        }
      }),
    );
  const remove = (path: string) => orHostError(path, () => rmSync(path, { force: true }));
  const put = (key: string, name: string, text: string, other: string) => {
    remove(at(key, other));
    orHostError(at(key), () => mkdirSync(at(key), { recursive: true }));
    write(at(key, name), text);
  };
  return {
    folder,
    life: claims.life,
    beat: () => orHostError(folder, () => claims.beat()),
    claim: (key) => orHostError(folder, () => claims.claim(key)),
    release: (key) => claims.release(key),
    leave: () => claims.leave(),
    foreign() {
      const known = new Set<string>([...STORE_FILES, POINTS, WORK, JOBS]);
      return namesIn(folder).find((name) => !known.has(name));
    },
    read: (file) => textOf(join(folder, file)),
    write(file, content) {
      const path = join(folder, file);
      orHostError(path, () => mkdirSync(dirname(path), { recursive: true }));
      write(path, content);
    },
    stateOf(key) {
      if (isThere(at(key, 'run.json'))) return 'run';
      return isThere(at(key, 'error.json')) ? 'error' : 'missing';
    },
    readRun: (key) => textOf(at(key, 'run.json')),
    readError: (key) => errorIn(textOf(at(key, 'error.json')), key),
    writeRun: (key, text) => put(key, 'run.json', text, 'error.json'),
    writeError: (key, error) =>
      put(key, 'error.json', `${JSON.stringify(error, null, 2)}\n`, 'run.json'),
    forget(key) {
      remove(at(key, 'run.json'));
      remove(at(key, 'error.json'));
    },
  };
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

function namesIn(folder: string): string[] {
  return isThere(folder) ? readdirSync(folder) : [];
}

function textOf(path: string): string | undefined {
  return isThere(path) ? readFileSync(path, 'utf8') : undefined;
}

function errorIn(text: string | undefined, key: string): PointError | undefined {
  try {
    const error = JSON.parse(text ?? 'null') as PointError | null;
    const isWhole =
      error?.schema === 'wafersim.error/1' &&
      error.key === key &&
      Number.isInteger(error.exitCode) &&
      typeof error.message === 'string';
    return isWhole ? error : undefined;
  } catch {
    return undefined;
  }
}
