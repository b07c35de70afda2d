/** Names from files may hold anything; a terminal gets nothing of them that it would obey. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { json } from '../src/report/json.js';
import { oneLine } from '../src/index.js';
import { wafersim } from './helpers/command-line.js';
import { heading, shown, shownPage, table } from '../src/report/format.js';

/** A colour, a title, a line of its own, C1 (CSI, NEL), a line separator, right to left, isolates. */
const HOSTILE =
  'W\u001B[31m\u001B]0;t\u0007\r\nforged\u009B2J\u0085\u2028\u2029\u202E\u2066\u200F\u007FX';
const LEFT = 'W[31m]0;tforged2JX';
const OBEYED = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u;

/** What is left of a page without line breaks; each line is one that the page means. */
const bare = (text: string) => text.replaceAll('\n', '');

describe('a name', () => {
  it('is shown on one line, without what a terminal would obey', () => {
    expect(shown(HOSTILE)).toBe(LEFT);
    expect(shown('Llama 3.1 · 8B (größer) 日本 👍🏽')).toBe('Llama 3.1 · 8B (größer) 日本 👍🏽');
  });

  it('in a table, a heading or a page leaves the others where they are', () => {
    expect(
      table(
        ['a', HOSTILE],
        [
          [HOSTILE, '1'],
          ['b', '2'],
        ],
      ).split('\n'),
    ).toHaveLength(3);
    expect(bare(table(['a', HOSTILE], [[HOSTILE, '1']]))).not.toMatch(OBEYED);
    expect(heading(HOSTILE, { color: false })).toBe(LEFT);
    expect(heading(HOSTILE, { color: true })).toBe(`\u001B[1m${LEFT}\u001B[22m`);
    const page = `${heading('Title', { color: true })}\n\tof ${HOSTILE.replaceAll(/[\r\n]/g, '')}\n`;
    expect(shownPage(page)).toBe(`\u001B[1mTitle\u001B[22m\n\tof ${LEFT}\n`);
    expect(oneLine(HOSTILE)).toBe('W[31m]0;t forged2JX');
  });

  it('in JSON is kept, spelt out', () => {
    expect(JSON.parse(json({ [HOSTILE]: HOSTILE }))).toEqual({ [HOSTILE]: HOSTILE });
    expect(bare(json({ [HOSTILE]: HOSTILE }))).not.toMatch(OBEYED);
  });
});

describe('commands', () => {
  let home: string;
  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), 'wafersim-terminal-'));
    const name = JSON.stringify(HOSTILE);
    const small = resolve('configs/hardware/small.yaml');
    writeFileSync(join(home, 'wafer.yaml'), `extends: ${small}\nname: ${name}\n`);
    const model = JSON.parse(readFileSync('models/tiny.json', 'utf8')) as object;
    writeFileSync(join(home, 'model.json'), JSON.stringify({ ...model, _name_or_path: HOSTILE }));
    writeFileSync(
      join(home, 'run.yaml'),
      `hardware: wafer.yaml\nmodel: { config: model.json, dtype: f32 }\nworkload: { context: 8, tokens: 1 }\n`,
    );
    writeFileSync(
      join(home, 'suite.yaml'),
      `schema: wafersim.suite/1\ncases:\n  - id: ${name}\n    kernel: broadcast\n    options: { pes: 4, words: 4 }\n    hardware: wafer.yaml\n`,
    );
  });
  afterAll(() => rmSync(home, { recursive: true }));

  /** Runs with the paths of its files. */
  const run = (...words: string[]) =>
    wafersim(...words.map((word) => (word.endsWith('.yaml') ? join(home, word) : word)));
  const kernel = ['kernel', 'broadcast', '--pes', '4', '--words', '4', '--hardware', 'wafer.yaml'];
  const COMMANDS: [string[], names: boolean][] = [
    [kernel, true],
    [['run', 'run.yaml'], true],
    [['compare', 'run.yaml', '--strategies', 'row-major,snake'], false],
    [['inspect', 'run.yaml', '--what', 'wafer'], true],
    [['inspect', 'run.yaml', '--what', 'placement'], false],
    [['inspect', 'run.yaml', '--what', 'model'], false],
    [['explain', 'run.yaml'], true],
    [['fleet', 'run.yaml', '--megawatts', '1'], false],
    [['bench', '--suite', 'suite.yaml'], true],
    [['run', 'run.yaml', '--set', `hardware.clock=${HOSTILE.slice(1)}`], true],
    [['kernel', HOSTILE], true],
  ];

  it.each(COMMANDS)(
    '%j',
    async (words, names) => {
      const { stdout, stderr } = await run(...words);
      expect(bare(stdout + stderr)).not.toMatch(OBEYED);
      expect(stdout + stderr).toMatch(/\S/);
      // No line begins with what a name says after a line break.
      expect(stdout + stderr).not.toMatch(/^\s*forged/m);
      if (names) expect(stdout + stderr).toContain('forged');
    },
    60_000,
  );

  it('say the name as it is in JSON', async () => {
    const { stdout } = await run(...kernel, '--json');
    const { config } = JSON.parse(stdout) as { config: { hardware: { name: string } } };
    expect(config.hardware.name).toBe(HOSTILE);
    expect(bare(stdout)).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
  });
});

describe('a document', () => {
  it('is JSON as it would be, but that rows of long lists take a line each', () => {
    const row = { operator: 'a "b"', from: 1, to: null, left: undefined };
    const [few, many] = [3, 100].map((length) => Array.from({ length }, () => row));
    const deep = many.map((one) => ({ one, list: [] }));
    const document = {
      few,
      many,
      deep,
      none: {},
      number: NaN,
      left: undefined,
      list: [1, undefined],
    };
    const text = json(document);
    expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(document)));
    expect(json({ few, list: [[], [1]], none: {} })).toBe(
      `${JSON.stringify({ few, list: [[], [1]], none: {} }, null, 2)}\n`,
    );
    const lines = text.split('\n').filter((line) => line.startsWith('    {"operator"'));
    expect(lines).toHaveLength(100);
  });
});
