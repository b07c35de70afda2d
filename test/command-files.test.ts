/** The files that the command is built into: each command loads what it needs, in few files. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';

const FOLDER = 'dist/command';
const files = readdirSync(FOLDER).filter((name) => name.endsWith('.cjs'));
const read = (name: string) => readFileSync(join(FOLDER, name), 'utf8');

/** What a file loads at once, and what it loads when it comes to that. */
const imported = (text: string, how: RegExp) =>
  [...text.matchAll(how)].map(([, path]) => basename(path));
const AT_ONCE = /\$load\("(\.[^"]+)"\)/g;
const LATER = /\$import\("(\.[^"]+)"\)/g;

/** All files that are loaded with the first ones. */
function loaded(...first: string[]): string[] {
  const all = new Set(first);
  for (const name of all) for (const other of imported(read(name), AT_ONCE)) all.add(other);
  return [...all];
}

/** The file of a command: those of the table of commands have its function. */
function fileOf(command: string): string {
  const [, path] = new RegExp(`\\b${command}: async .*?\\$import\\("([^"]+)"\\)`).exec(
    read('start.cjs'),
  )!;
  return basename(path);
}

const commands = [
  'run',
  'compare',
  'sweep',
  'kernel',
  'serve',
  'capacity',
  'fleet',
  'worker',
].concat(...['bench', 'validate', 'diff', 'inspect', 'explain', 'schema']);

/** A word of what only some commands, or options, need. */
const RARE = {
  pages: 'DecompressionStream',
  'files of data': 'ParquetWriter',
  endpoints: 'WebSocketServer',
  'the queue': 'lockDuration',
};

describe('the files of the command', () => {
  it('are all that they import, then or later', () => {
    const named = files.flatMap((name) =>
      [AT_ONCE, LATER].flatMap((how) => imported(read(name), how)),
    );
    expect(named.length).toBeGreaterThan(files.length);
    expect(named.filter((name) => !files.includes(name))).toEqual([]);
  });

  it('load none that load them', () => {
    const beyond = (name: string) => loaded(...imported(read(name), AT_ONCE));
    expect(files.filter((name) => beyond(name).includes(name))).toEqual([]);
  });

  it.each(commands)('are few where one calls %s', (command) => {
    expect(loaded('thread.cjs', fileOf(command)).length).toBeLessThanOrEqual(20);
  });

  it.each(Object.entries(RARE))('have %s, and a plain run loads none of it', (_, word) => {
    const having = files.filter((name) => read(name).includes(word));
    expect(having).not.toEqual([]);
    expect(loaded('thread.cjs', fileOf('run')).filter((name) => having.includes(name))).toEqual([]);
  });

  it('leave configurations and machines out of what every command loads', () => {
    const all = loaded('thread.cjs').map(read).join('');
    expect(all).toContain('wafersim');
    for (const word of ['LineCounter', 'WebAssembly']) {
      expect(
        files.some((name) => read(name).includes(word)),
        word,
      ).toBe(true);
      expect(all.includes(word), word).toBe(false);
    }
  });
});
