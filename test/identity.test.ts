/**
 * Identity of documents: hashes cover what a configuration says and what its files hold, not how and where
 * that is written; every document carries version, key and files.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { loadConfig } from '../src/config.js';
import { runIdentity, scenariosIdentity } from '../src/identity.js';
import { scenariosOf } from '../src/studies/serve/serve.js';
import type { Identity } from '../src/report/identity.js';
import { VERSION } from '../src/bundled.js';
import { SMALL, temporaryFolder, TINY } from './config-files.js';
import { wafersim } from './helpers/command-line.js';

const folder = temporaryFolder();
afterAll(folder.remove);

const sha256 = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');

let number = 0;
/** Hash and key of a configuration with this text. */
function identity(text: string, ...sets: string[]) {
  return runIdentity(loadConfig(folder.write(`${number++}.yaml`, text), sets));
}
const hashes = (text: string, ...sets: string[]) => {
  const { configHash, key } = identity(text, ...sets);
  return { configHash, key };
};

/** A file of the project under another path. */
function copy(from: string, to: string): string {
  mkdirSync(join(folder.path, to, '..'), { recursive: true });
  return folder.write(to, readFileSync(from, 'utf8'));
}

const WORK = 'workload: { context: 64, batch: 2 }\n';
const BASE = `hardware: ${SMALL}\nmodel: ${TINY}\n${WORK}`;
const of = (hardware: string, model = TINY) => `hardware: ${hardware}\nmodel: ${model}\n${WORK}`;

describe('hash and key of a configuration', () => {
  const base = hashes(BASE);

  it('are 16 and 64 hexadecimal digits', () => {
    expect(base.configHash).toMatch(/^[0-9a-f]{16}$/);
    expect(base.key).toMatch(/^[0-9a-f]{64}$/);
  });

  it('are the same for the same hardware under three paths, and by its name', () => {
    copy('configs/hardware/wse3.yaml', 'deep/in/folders/wse3.yaml');
    copy('configs/hardware/wse3.yaml', 'wse3.yaml');
    copy('configs/hardware/small.yaml', 'other.yaml');
    copy('configs/hardware/small.yaml', 'deep/in/folders/small.yaml');
    for (const path of ['other.yaml', 'deep/in/folders/small.yaml', 'small'])
      expect(hashes(of(path)), path).toEqual(base);
  });

  it('are the same for the same model under another name, in another form', () => {
    copy('models/tiny.json', 'Renamed-Llama.json');
    expect(hashes(of(SMALL, 'Renamed-Llama.json'))).toEqual(base);
    const fields = Object.entries(JSON.parse(readFileSync(TINY, 'utf8')) as object);
    folder.write('turned.json', JSON.stringify(Object.fromEntries(fields.toReversed())));
    expect(hashes(of(SMALL, 'turned.json'))).toEqual(base);
    expect(hashes(of(SMALL, 'tiny'))).toEqual(base);
  });

  it('are the same however numbers are spelt, keys are ordered and lines are commented', () => {
    const clock = (text: string) => hashes(of(`{ extends: ${SMALL}, clock: ${text} }`));
    const gigahertz = clock('1.1 GHz');
    for (const text of ['1100 MHz', '1.1e9', '1100000000', '"1100000 kHz"'])
      expect(clock(text), text).toEqual(gigahertz);
    expect(gigahertz.configHash).not.toBe(base.configHash);
    expect(hashes(BASE, 'hardware.clock=1.1 GHz')).toEqual(gigahertz);
    const turned = `# first\nworkload:\n  batch: 2 # two users\n  context: 0x40\nmodel: ${TINY}\nhardware: ${SMALL}\n`;
    expect(hashes(turned)).toEqual(base);
  });

  it('are the same where files are extended and where their content is written out', () => {
    folder.write('base.yaml', BASE);
    expect(hashes('extends: base.yaml\n')).toEqual(base);
    expect(hashes(`extends: base.yaml\nworkload: { batch: 2 }\n`)).toEqual(base);
    const read = (path: string) => parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    const { extends: _, ...small } = read(SMALL);
    const whole = { ...read('configs/hardware/wse3.yaml'), ...small };
    expect(
      hashes(stringify({ hardware: whole, model: TINY, workload: parse(WORK).workload })),
    ).toEqual(base);
  });

  it('are the same for defaults that are written out', () => {
    const written = 'mapping: gqa\nexact: false\ntransport: { kind: http }\nserving: {}\n';
    expect(hashes(`${BASE}${written}`, 'workload.kind=decode', 'workload.seed=1')).toEqual(base);
  });

  it('differ with every value, of workload, placement, hardware and model', () => {
    const fields = JSON.parse(readFileSync(TINY, 'utf8')) as object;
    const changed = (change: object) => {
      folder.write('changed.json', JSON.stringify({ ...fields, ...change }));
      return hashes(of(SMALL, 'changed.json'));
    };
    const all = [
      base,
      ...['workload.context=65', 'placement.strategy=snake', 'hardware.costs.scalar.exp=41'].map(
        (set) => hashes(BASE, set),
      ),
      changed({ rms_norm_eps: 1.1e-5 }),
      changed({ rope_theta: 10_001 }),
    ];
    expect(new Set(all.map(({ configHash }) => configHash)).size).toBe(all.length);
    expect(new Set(all.map(({ key }) => key)).size).toBe(all.length);
  });

  it('differ for two traces under one name, and not for one trace under two', () => {
    const trace = (name: string, rows: string) =>
      folder.write(name, `TIMESTAMP,ContextTokens,GeneratedTokens\n${rows}`);
    const row = '2023-11-16 18:15:46,20,4\n';
    const serving = (name: string) =>
      hashes(`${of(SMALL)}serving: {}\n`, 'workload.kind=serving', `workload.trace=${name}`);
    const first = serving(trace('trace.csv', row));
    expect(serving(trace('same.csv', row))).toEqual(first);
    const second = serving(trace('trace.csv', row.replace('20', '21')));
    expect(second.configHash).not.toBe(first.configHash);
    expect(second.key).not.toBe(first.key);
  });

  it('differ for two GPU files under one name, in what they say and not in what they remark', () => {
    const text = readFileSync('configs/gpu/h100.yaml', 'utf8');
    const serving = (content: string) => {
      folder.write('gpu.yaml', content);
      return hashes(`${BASE}serving: { gpus: [gpu.yaml] }\n`);
    };
    expect(serving(`# mine\n${text}`)).toEqual(serving(text));
    expect(serving(text.replace(/name: .*/, 'name: H100b'))).not.toEqual(serving(text));
    expect(hashes(`${BASE}serving: { gpus: [h100] }\n`)).toEqual(serving(text));
  });

  it('of scenarios differ with what the files hold that they name', () => {
    const scenarios = (model: string) => {
      const path = folder.write(
        'scenarios.yaml',
        `${BASE}scenarios:\n  - { name: a, set: { model: ${model} } }\n`,
      );
      const config = loadConfig(path);
      const { configHash, key } = scenariosIdentity(config, scenariosOf(config, path, []));
      return { configHash, key };
    };
    copy('models/tiny.json', 'one.json');
    copy('models/tiny.json', 'two.json');
    expect(scenarios('one.json')).toEqual(scenarios('two.json'));
    const before = scenarios('one.json');
    copy('models/tiny-qwen3.json', 'one.json');
    expect(scenarios('one.json')).not.toEqual(before);
  });
});

describe('options that change a document', () => {
  const path = folder.write(
    'options.yaml',
    `${BASE}scenarios:\n  - { name: a, set: { model: tiny } }\n`,
  );
  const config = loadConfig(path);
  const scenarios = scenariosOf(config, path, []);
  const plain = loadConfig(folder.write('plain.yaml', BASE));

  it.each([
    ['a configuration', (more?: unknown) => runIdentity(plain, more)],
    ['its only scenario', (more?: unknown) => scenariosIdentity(plain, [], more)],
    ['several scenarios', (more?: unknown) => scenariosIdentity(config, scenarios, more)],
  ])('are part of the key and not of the hash, of %s', (_, identity) => {
    const all = [identity(), identity({ pue: 1 }), identity({ pue: 2 }), identity({ pue: 1 })];
    expect(all[3]).toEqual(all[1]);
    expect(new Set(all.map(({ key }) => key)).size).toBe(3);
    expect(new Set(all.map(({ configHash }) => configHash)).size).toBe(1);
  });
});

describe('the files of a document', () => {
  it('are two where two have one content, and one where one is read twice', () => {
    folder.write('one.yaml', readFileSync('configs/gpu/h100.yaml', 'utf8'));
    folder.write('other.yaml', readFileSync('configs/gpu/h100.yaml', 'utf8'));
    const { files } = identity(`${BASE}serving: { gpus: [one.yaml, other.yaml, one.yaml] }\n`);
    const paths = files.map(({ path }) => path);
    expect(paths.filter((path) => /^(one|other)\.yaml$/.test(path))).toEqual([
      'one.yaml',
      'other.yaml',
    ]);
  });

  it('are those that were read, by their paths as written, with the hash of their bytes', () => {
    folder.write('with # mark.yaml', `# a remark\n${BASE}`);
    const config = folder.write('named.yaml', 'extends: "with # mark.yaml"\n');
    const { files } = runIdentity(loadConfig(config));
    expect(files).toEqual([
      { path: config, sha256: sha256(config) },
      { path: 'with # mark.yaml', sha256: sha256(join(folder.path, 'with # mark.yaml')) },
      { path: SMALL, sha256: sha256(SMALL) },
      { path: 'wse3.yaml', sha256: sha256('configs/hardware/wse3.yaml') },
      { path: TINY, sha256: sha256(TINY) },
    ]);
  });

  it('are listed by name where a bundled file is called by it', () => {
    const { files } = identity('hardware: small\nmodel: tiny\n');
    expect(files.slice(1)).toEqual([
      { path: 'small', sha256: sha256(SMALL) },
      { path: 'wse3.yaml', sha256: sha256('configs/hardware/wse3.yaml') },
      { path: 'tiny', sha256: sha256(TINY) },
    ]);
  });

  it('name a trace that is not there without a hash: serving it is refused', () => {
    const { files } = identity(BASE, 'workload.trace=nowhere.csv');
    expect(files.at(-1)).toEqual({ path: 'nowhere.csv', sha256: null });
  });
});

describe('every document', () => {
  const FEW = ['--set', 'placement.growth=minimal'];
  const ROUGH = [...FEW, '--set', 'serving.tolerance=0.5', '--set', 'serving.minContext=200'];
  const TIMED = [...FEW, '--set', 'workload.tokens=1', '--set', 'workload.data=false'];
  const CASES: [name: string, args: string[], file: string][] = [
    ['run', ['run', 'configs/tiny.yaml', ...TIMED], '../models/tiny.json'],
    ['a serving run', ['run', 'configs/serving-tiny.yaml', ...ROUGH], 'gpu/a100.yaml'],
    [
      'compare',
      ['compare', 'configs/tiny.yaml', ...TIMED, '--strategies', 'snake'],
      'configs/tiny.yaml',
    ],
    ['kernel', ['kernel', 'broadcast', '--pes=8', '--words=8', '--hardware=wse2'], 'wse2'],
    ['validate', ['validate', '--only', 'matvec-single-pe-f32-10'], 'measurements/published.json'],
    ['bench', ['bench', '--cases', 'kernel/matvec'], 'bench/suite.yaml'],
    ['diff', ['diff', 'configs/tiny.yaml', ...TIMED], '../models/tiny.json'],
    [
      'diff kernel',
      ['diff', 'kernel', 'broadcast', '--pes=8', '--words=8'],
      'configs/hardware/wse3.yaml',
    ],
    ['explain', ['explain'], 'configs/wse3.yaml'],
    ['fleet', ['fleet', 'configs/tiny.yaml', '--megawatts', '1'], '../models/tiny.json'],
    [
      'capacity',
      ['capacity', 'configs/serving-tiny.yaml', ...ROUGH, '--slo', 'ttft.p99<=40ms'],
      'gpu/a100.yaml',
    ],
    ['inspect', ['inspect', 'configs/tiny.yaml', '--what', 'wafer'], 'hardware/small.yaml'],
  ];
  it.each(CASES)('of %s has version, key and files', async (_, args, file) => {
    const { stdout, stderr } = await wafersim(...args, '--json');
    expect(stderr).toBe('');
    const document = JSON.parse(stdout) as Identity & { schema: string };
    expect(document.schema).toMatch(/^wafersim\.[a-z]+\/1$/);
    expect(document.version).toBe(VERSION);
    expect(document.key).toMatch(/^[0-9a-f]{64}$/);
    expect(document.files.map(({ path }) => path)).toContain(file);
    for (const one of document.files) expect(one.sha256, one.path).toMatch(/^[0-9a-f]{64}$/);
    // Bundled files that were not named are named by their places in the package, wherever it lies.
    expect(stdout).not.toContain(resolve('.'));
  });

  it('has another key with other options that change it', async () => {
    const key = async (...args: string[]) =>
      (JSON.parse((await wafersim(...args, '--json')).stdout) as Identity).key;
    const fleet = ['fleet', 'configs/tiny.yaml', '--megawatts'];
    expect(await key(...fleet, '1')).toBe(await key(...fleet, '1.0', '--no-cache'));
    expect(await key(...fleet, '1')).not.toBe(await key(...fleet, '2'));
    const kernel = ['kernel', 'broadcast', '--pes=8'];
    expect(await key(...kernel, '--words=8')).toBe(
      await key(...kernel, '--words', '8', '--dtype', 'f32'),
    );
    expect(await key(...kernel, '--words=8')).not.toBe(await key(...kernel, '--words=9'));
    const inspect = ['inspect', 'configs/tiny.yaml', '--what'];
    expect(await key(...inspect, 'wafer')).not.toBe(await key(...inspect, 'model'));
  });
});

describe('the version', () => {
  let version: string;
  beforeAll(() => {
    ({ version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string });
  });

  it('is that of the package, and --version prints it', async () => {
    expect(VERSION).toBe(version);
    const { stdout } = await wafersim('--version');
    expect(stdout).toBe(`${version}\n`);
  });
});
