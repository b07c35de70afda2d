/** The command line as a user meets it: exit codes, one line per error, help. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { kernelHelp } from '../src/studies/kernel/help.js';
import { PUBLISHED, readMeasurements } from '../src/studies/validate/measurements.js';
import { wafersim } from './helpers/command-line.js';

const MAIN = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));

/** The built command, as a process of its own. */
function started(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

describe('the process', () => {
  const shifted = {
    schema: 'measurements/1',
    measurements: readMeasurements(PUBLISHED)
      .filter(({ id }) => id === 'matvec-single-pe-f32-10')
      .map((row) => ({ ...row, measuredCycles: row.measuredCycles! * 2 })),
  };
  const home = mkdtempSync(join(tmpdir(), 'wafersim-cli-'));
  afterAll(() => rmSync(home, { recursive: true }));
  const file = (name: string, content: object) => {
    writeFileSync(join(home, name), JSON.stringify(content));
    return join(home, name);
  };
  const kernel = ['kernel', 'broadcast', '--pes=4', '--words=4', '--json'];

  it.each([
    [0, ['inspect', 'configs/tiny.yaml']],
    [1, ['validate', '--only=matvec-single-pe-f32-10', '--measurements', file('m.json', shifted)]],
    [2, ['run', 'configs/tiny.yaml', '--set=workload.tokens=0']],
    [3, ['compare', file('a.json', { schema: 'no' }), file('b.json', { schema: 'no' })]],
    [4, ['run', 'configs/tiny.yaml', '--set=hardware.core.sram=17KiB']],
  ])('exits %i and passes on what %j prints and says', async (status, args) => {
    const found = started(...args);
    expect(found.status).toBe(status);
    expect(found).toEqual(await wafersim(...args));
    expect(found.stdout === '').toBe(status > 1);
  });

  it('simulates what the library does', async () => {
    const outside = (json: string) => ({ ...(JSON.parse(json) as object), host: undefined });
    expect(outside(started(...kernel).stdout)).toEqual(outside((await wafersim(...kernel)).stdout));
  });
});

describe('a wrong command line', () => {
  const wrong: [args: string[], message: RegExp][] = [
    [['rum'], /unknown command 'rum' \(Did you mean run\?\)/],
    [['run'], /missing required argument 'config'/],
    [['run', 'a.yaml', 'b.yaml'], /too many arguments/],
    [['run', 'a.yaml', '--jsn'], /unknown option '--jsn' \(Did you mean --json\?\)/],
    [['run', 'a.yaml', '--shards', '0'], /--shards.*'0'.*whole number from 1/],
    [['run', 'a.yaml', '--shards', '-2'], /--shards.*'-2'.*whole number from 1/],
    [['run', 'a.yaml', '--shards', '1.5'], /--shards.*'1.5'.*whole number from 1/],
    [['run', 'a.yaml', '--engine', 'quick'], /--engine.*'quick'.*fast, reference/],
    [['kernel', 'reduce', '--pes'], /--pes <n>' argument missing/],
    [['inspect', 'a.yaml', '--core', '3'], /--core.*'3'.*x,y/],
    [['inspect', 'a.yaml', '--what', 'cores'], /--what.*'cores'.*wafer, model, placement, program/],
  ];
  it.each(wrong)('%j is refused with exit 2 and one line', async (args, message) => {
    const { status, stdout, stderr } = await wafersim(...args);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^wafersim: (?!error)[^\n]+\n$/);
    expect(stdout).toBe('');
    expect(status).toBe(2);
  });

  it('without a command shows the help on stderr and exits 2', async () => {
    const { status, stdout, stderr } = await wafersim();
    expect(stderr).toContain('Usage: wafersim');
    expect(stdout).toBe('');
    expect(status).toBe(2);
  });
});

describe('a file that is not there', () => {
  it.each([
    ['run', 'nowhere/at-all.yaml'],
    ['inspect', 'nowhere/at-all.yaml'],
    ['kernel', 'reduce', '--pes', '4', '--words', '4', '--hardware', 'nowhere/at-all.yaml'],
  ])('is named by %s in one line, with exit 2', async (...args) => {
    const { status, stdout, stderr } = await wafersim(...args);
    expect(stderr).toMatch(/^[^\n]*nowhere\/at-all\.yaml[^\n]*\n$/);
    expect(stderr).not.toContain('internal error');
    expect(stdout).toBe('');
    expect(status).toBe(2);
  });
});

describe('help', () => {
  it('groups the commands by purpose and ends with worked examples and exit codes', async () => {
    const { status, stdout } = await wafersim('--help');
    expect(stdout).toMatch(/Simulate:\n {2}run [\s\S]*kernel [\s\S]*Look inside:\n {2}inspect /);
    expect(stdout).toContain('wafersim run configs/wse3.yaml');
    expect(stdout).toContain('Exit codes');
    expect(status).toBe(0);
  });

  it('of kernels comes from their table: each option under the kernels that take it', async () => {
    const { kernels, groups } = kernelHelp();
    for (const words of [['kernel'], ['diff', 'kernel']]) {
      const stdout = (await wafersim(...words, '--help')).stdout.replaceAll(/\s+/g, ' ');
      expect(stdout).toContain(kernels.join(', '));
      for (const group of groups)
        expect(stdout).toContain(`Of ${group.kernels.join(', ')}: ${group.options[0][0]} `);
    }
  });

  it.each(['run', 'sweep', 'kernel', 'inspect', 'schema'])(
    'of %s has an example',
    async (command) => {
      const { status, stdout } = await wafersim(command, '--help');
      expect(stdout).toContain(`Examples:\n  wafersim ${command}`);
      expect(status).toBe(0);
    },
  );

  it('lists every option that scripts give to kernels', async () => {
    const { stdout } = await wafersim('kernel', '--help');
    const names =
      'algorithm pes words group groups dtype rows padded iterations k n grid mapping dim ffn seq pattern distance mesh load cycles hardware set engine json';
    for (const name of names.split(' ')) expect(stdout).toMatch(new RegExp(`\\n {2}--${name}\\b`));
  });
});

describe('schema', () => {
  it('prints one JSON document and nothing else', async () => {
    const { status, stdout, stderr } = await wafersim('schema');
    expect(JSON.parse(stdout)).toHaveProperty('$schema');
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });

  it('does not complain when its reader has gone', () => {
    const piped = spawnSync(
      'bash',
      ['-c', '"$1" "$2" schema | true; echo "${PIPESTATUS[0]}"', '-', process.execPath, MAIN],
      { encoding: 'utf8' },
    );
    expect(piped.stdout).toBe('0\n');
    expect(piped.stderr).toBe('');
  });
});
