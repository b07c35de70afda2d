/**
 * A folder of results by their keys, which several processes may use at once. An entry is whole or absent:
 * it is written under a temporary name and renamed, and one whose content does not have its own hash is
 * taken as absent. The least recently used entries make room for new ones.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface CacheFolder {
  /** What was written under this key (64 hexadecimal digits); undefined if nothing whole was. */
  read(key: string): unknown;
  /** Writes plain JSON. @throws the system's error */
  write(key: string, value: unknown): void;
}

export interface CacheFolderOptions {
  /** Bytes of all entries, at most. */
  mostBytes: number;
  /** Seconds since 1970, to tell which entries were used last. */
  now: () => number;
}

/** What a writer that was killed has left is removed after so many seconds; a living one takes none. */
const ABANDONED_SECONDS = 3600;
const ENTRY = /^[0-9a-f]{64}$/;

/** Nothing is touched, and the folder need not exist, until an entry is written. */
export function cacheFolder(path: string, options: CacheFolderOptions): CacheFolder {
  let written = 0;
  return {
    read(key) {
      const file = join(path, key);
      try {
        const value = valueIn(readFileSync(file, 'utf8'), key);
        if (value !== undefined) utimesSync(file, options.now(), options.now());
        return value;
      } catch {
        return undefined;
      }
    },
    write(key, value) {
      mkdirSync(path, { recursive: true, mode: 0o700 });
      const temporary = join(path, `.${key}-${process.pid}-${written++}`);
      try {
        writeFileSync(temporary, textOf(key, value));
        utimesSync(temporary, options.now(), options.now());
        renameSync(temporary, join(path, key));
      } finally {
        rmSync(temporary, { force: true });
      }
      makeRoom(path, options);
    },
  };
}

/** The hash of key and value, and the value. */
function textOf(key: string, value: unknown): string {
  const json = JSON.stringify(value);
  return `${hashOf(key, json)}\n${json}\n`;
}

/** Undefined unless the text is that of an entry with this key, to the last byte. */
function valueIn(text: string, key: string): unknown {
  const [hash, json, ...rest] = text.split('\n');
  if (json === undefined || rest.join('\n') !== '' || hash !== hashOf(key, json)) return undefined;
  return JSON.parse(json) as unknown;
}

function hashOf(key: string, json: string): string {
  return createHash('sha256').update(`${key}\n${json}`).digest('hex');
}

/** Removes what was not used for longest beyond the bound, and what killed writers have left. */
function makeRoom(path: string, { mostBytes, now }: CacheFolderOptions): void {
  const files = readdirSync(path).flatMap((name) => {
    // Another process may have removed it since.
    const stat = statSync(join(path, name), { throwIfNoEntry: false });
    return stat ? [{ name, used: stat.mtimeMs / 1000, bytes: stat.size }] : [];
  });
  const remove = (name: string) => rmSync(join(path, name), { recursive: true, force: true });
  for (const { name, used } of files)
    if (name.startsWith('.') && used < now() - ABANDONED_SECONDS) remove(name);
  const entries = files.filter(({ name }) => ENTRY.test(name));
  let bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
  for (const entry of entries.toSorted((a, b) => a.used - b.used)) {
    if (bytes <= mostBytes) break;
    remove(entry.name);
    bytes -= entry.bytes;
  }
}
