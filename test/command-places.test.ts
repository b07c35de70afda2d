/** Places of a command's files that nothing can be written to are refused before it simulates. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { wafersim } from './helpers/command-line.js';
import { cases } from './helpers/full.js';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'wafersim-command-places-'));
});
afterEach(() => rmSync(home, { recursive: true }));

const everything = () => readdirSync(home, { recursive: true, encoding: 'utf8' }).toSorted();
const LONG = 'a'.repeat(250);

describe('a command', () => {
  /** A simulation that begins ends with exit code 4. */
  const RUN = ['run', resolve('configs/tiny.yaml'), '--max-cycles=1'];
  const BENCH = ['bench', '--cases=kernel/matvec', '--max-cycles=1'];

  it.each([
    ['run', [...RUN, '-o']],
    ['run that serves', ['run', resolve('configs/serving-tiny.yaml'), '--max-cycles=1', '-o']],
    ['bench --junit', [...BENCH, '--junit']],
    ['bench --github-smaller', [...BENCH, '--github-smaller']],
    ['bench --update-baseline', [...BENCH, '--update-baseline', '--baseline']],
    ...cases([], [['bench --github-bigger', [...BENCH, '--github-bigger']] as const]),
  ] as const)('refuses its place before it simulates: %s', async (_, args) => {
    const place = join(home, 'a', LONG);
    expect(await wafersim(...args, place)).toMatchObject({
      stdout: '',
      stderr: expect.stringMatching(
        new RegExp(`^wafersim: ENAMETOOLONG: [^']* '${place}'\n$`),
      ) as string,
      status: 5,
    });
    expect(everything()).toEqual([]);
  });

  it('leaves nothing at a place that is possible, if the simulation fails', async () => {
    const place = join(home, 'a', 'b');
    expect((await wafersim(...RUN, '-o', place)).status).toBe(4);
    expect((await wafersim(...BENCH, '--junit', place)).status).toBe(4);
    expect(everything()).toEqual([]);
  });

  it('refuses a place for the summary of a workflow before it simulates', async () => {
    const summarised = async (name: string) => {
      vi.stubEnv('GITHUB_STEP_SUMMARY', join(home, name));
      return wafersim(...BENCH).finally(() => vi.unstubAllEnvs());
    };
    mkdirSync(join(home, 'there'));
    writeFileSync(join(home, 'summary'), 'before\n');
    for (const name of cases(['there'], ['nowhere/summary'])) {
      const { status, stderr } = await summarised(name);
      expect(stderr).toMatch(
        new RegExp(`^wafersim: (?:EISDIR|ENOENT): [^']* '${join(home, name)}'\n$`),
      );
      expect(status).toBe(5);
    }
    for (const name of cases(['summary'], ['new'])) expect((await summarised(name)).status).toBe(4);
    expect(everything()).toEqual(['summary', 'there']);
    expect(readFileSync(join(home, 'summary'), 'utf8')).toBe('before\n');
  });
});
