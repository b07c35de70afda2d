/**
 * Claims on the points of a store: which process does which, on this host or another one of the same disk.
 * All lie in one folder. A process has a file there that it writes again as a sign of life, and a claim is a
 * file that names it. Claims are made by creating a file, which one process alone can. What a dead process
 * has claimed is claimed with the next number, and who finds another living claim on the same key then gives
 * its own up: of two that claim at the same time at least one sees the other.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
} from 'node:fs';
import { rmdirSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { hostKey, isRunning } from './processes.js';

/** Who makes claims. */
export interface Owner {
  host: string;
  /** Its number on its host. */
  process: number;
  /** When it began, by any clock of its own: numbers are used again. */
  began: number;
}

export interface Claims {
  /** Claims a key, unless a living process has; whether it is this one's now. */
  claim(key: string): boolean;
  release(key: string): void;
  /** A sign of life; other hosts take a process for dead that gave none for `SECONDS_TO_LIVE`. */
  beat(): void;
  /** A path for what is written before it is renamed to its place. */
  temporary(): string;
  /** The file without which all claims of this process are void, whoever removes it. */
  readonly life: string;
  /** Removes what this process and dead ones have left; the folder too, unless others use it. */
  leave(): void;
}

export const SECONDS_TO_LIVE = 120;

export function openClaims(folder: string, owner: Owner): Claims {
  const id = `${hostKey(owner.host)}-${owner.process}-${randomBytes(4).toString('hex')}`;
  const life = join(folder, `owner-${id}`);
  const text = `${JSON.stringify({ id, ...owner })}\n`;
  const held = new Map<string, string[]>();
  let written = 0;
  const beat = () => {
    mkdirSync(folder, { recursive: true });
    // Written over, never cut: others read it. What is written is dated by the host of the disk, by one clock for all.
    const file = openSync(life, constants.O_CREAT | constants.O_RDWR);
    try {
      writeSync(file, text, 0);
    } finally {
      closeSync(file);
    }
  };
  const isAlive = (claim: string) => lives(folder, claim, owner, life);
  const make = (path: string): boolean => {
    try {
      linkSync(life, path);
      return true;
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST') return false;
      if (!NO_LINKS.has(code)) throw error;
    }
    try {
      writeFileSync(path, text, { flag: 'wx' });
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    }
  };
  const release = (key: string) => {
    for (const path of held.get(key) ?? []) rmSync(path, { force: true });
    held.delete(key);
  };
  return {
    life,
    beat,
    claim(key) {
      if (held.has(key)) return true;
      if (statSync(life, { throwIfNoEntry: false }) === undefined) beat();
      const paths: string[] = [];
      for (let number = 1; ; number++) {
        const path = join(folder, `claim-${key}.${number}`);
        paths.push(path);
        if (make(path)) break;
        if (isAlive(path)) return false;
      }
      held.set(key, paths);
      const mine = paths.at(-1);
      const others = namesIn(folder, `claim-${key}.`).filter((path) => path !== mine);
      if (!others.some(isAlive)) return true;
      rmSync(held.get(key)!.pop()!, { force: true });
      held.delete(key);
      return false;
    },
    release,
    temporary: () => join(folder, `next-${id}-${written++}`),
    leave() {
      for (const key of held.keys()) release(key);
      rmSync(life, { force: true });
      clear(folder, isAlive);
    },
  };
}

/** What systems of files say that know no second name of a file. */
const NO_LINKS = new Set(['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK', 'EINVAL']);

/** Whether the process that a file is of, by what it says or is called, is alive. */
function lives(folder: string, file: string, me: Owner, myLife: string): boolean {
  const id = idOf(file);
  const life = id === undefined ? file : join(folder, `owner-${id}`);
  const said = parsed(life);
  const now = statSync(myLife, { throwIfNoEntry: false })?.mtimeMs;
  const then = statSync(life, { throwIfNoEntry: false })?.mtimeMs;
  if (then === undefined) return false;
  const age = now === undefined ? 0 : (now - then) / 1000;
  if (age > SECONDS_TO_LIVE) return false;
  // A file without its text is from a process that has just begun with it.
  if (said?.host !== me.host) return true;
  if (said.process === me.process) return said.began === me.began;
  return isRunning(said.process);
}

/** The process that a file of the folder is of. */
function idOf(file: string): string | undefined {
  const named = /[\\/](?:owner|next)-([0-9a-f]+-\d+-[0-9a-f]+)(?:-\d+)?$/.exec(file)?.[1];
  return named ?? parsed(file)?.id;
}

function parsed(file: string): (Owner & { id: string }) | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Owner & { id: string };
  } catch {
    return undefined;
  }
}

function namesIn(folder: string, begin = ''): string[] {
  const names = readdirSync(folder).filter((name) => name.startsWith(begin));
  return names.map((name) => join(folder, name));
}

function clear(folder: string, isAlive: (file: string) => boolean): void {
  try {
    for (const file of namesIn(folder)) {
      if (!isAlive(file)) rmSync(file, { recursive: true, force: true });
    }
    rmdirSync(folder);
  } catch {
    // Others use it, or have removed it.
  }
}
