/** The library for pages, as it is built: what it finds is what Node finds, and it needs nothing of Node. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as browser from '../dist/browser.js';
import { loadConfig, loadHardware } from '../src/config.js';
import { runKernel } from '../src/studies/kernel/kernel.js';
import { recordKernel } from '../src/studies/kernel/record.js';
import { simulate } from '../src/studies/run/run.js';
import { OPTIONS } from './helpers/options.js';

type Kernel = Awaited<ReturnType<typeof browser.kernel>>;

const PATH = 'configs/tiny.yaml';
const TEXT = readFileSync(PATH, 'utf8');

function withoutHost<T extends { host: unknown }>({ host: _, ...document }: T) {
  return document;
}

describe('the library for pages', () => {
  it('imports nothing, and makes no code out of text', () => {
    const code = readFileSync('dist/browser.js', 'utf8');
    expect(code).not.toMatch(/^\s*import\b(?!\.)|\bimport\(|\brequire\(\s*["']node:|["']node:/m);
    expect(code.length).toBeGreaterThan(500_000);
  });

  it('has the document of a run, to the hash of every file', async () => {
    const sets = ['workload.data=false', 'workload.tokens=1', 'hardware.fabric.hopCycles=3'];
    const config = browser.loadConfig({ text: TEXT, path: PATH, sets });
    const inPage = await browser.simulate(config);
    const inNode = await simulate(loadConfig(PATH, sets), OPTIONS);
    expect(withoutHost(inPage)).toEqual(withoutHost(inNode));
    expect(inPage.host).not.toHaveProperty('peakRssBytes');
  });

  it('has the document of a kernel', async () => {
    const options = { algorithm: 'two-phase', pes: 24, group: 4, words: 6, dtype: 'f32' };
    const inPage = await browser.kernel('reduce', options, {
      hardware: 'wse2',
      engine: 'reference',
    });
    const { wafer, files } = loadHardware('wse2');
    const inNode = await runKernel('reduce', options, wafer, 'reference', OPTIONS, files);
    expect(withoutHost(inPage)).toEqual(withoutHost(inNode));
  });

  it('has the same on memory that no thread shares, which moves when it grows', async () => {
    const options = { algorithm: 'tree', pes: 36, groups: 6, words: 8, dtype: 'f16' };
    const page = `delete globalThis.SharedArrayBuffer;
      const { kernel } = await import('./dist/browser.js');
      const found = await kernel('all-reduce', ${JSON.stringify(options)}, { path: true });
      process.stdout.write(JSON.stringify(found));`;
    const args = ['--input-type=module', '--eval', page];
    const inPage = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as Kernel;
    const { wafer, files } = loadHardware('wse3');
    const host = { ...OPTIONS, path: true };
    const inNode = await runKernel('all-reduce', options, wafer, 'fast', host, files);
    expect(withoutHost(inPage)).toEqual(JSON.parse(JSON.stringify(withoutHost(inNode))));
    expect(inPage.criticalPath!.length).toBeGreaterThan(0);
  });

  it('has the wavelets of a kernel, cycle by cycle', async () => {
    const options = { algorithm: 'chain', pes: 5, words: 3, dtype: 'f32' };
    const chain = await browser.kernel('reduce', options);
    const recording = browser.record(chain);
    expect(recording).toEqual(recordKernel(chain, loadHardware('wse3').wafer));
    expect(recording).toMatchObject({ width: 5, height: 1, to: chain.cycles });
    expect(browser.record(await browser.kernel('reduce', { ...options, pes: 20 }))).toContain('16');
  });

  it('reads the files that it is given, next to those of the package', () => {
    const text = 'hardware: own/wafer.yaml\nmodel: tiny\n';
    const files = { 'own/wafer.yaml': 'extends: ../configs/hardware/small.yaml\nwidth: 40\n' };
    const { wafer, files: read } = browser.loadConfig({ text, files });
    expect(wafer).toMatchObject({ width: 40, height: 24 });
    expect(read.map(({ path }) => path)).toEqual([
      'config.yaml',
      'own/wafer.yaml',
      '../configs/hardware/small.yaml',
      'wse3.yaml',
      'tiny',
    ]);
    // They are there for that one call.
    expect(() => browser.loadConfig({ text })).toThrow(
      'config.yaml:1:11: hardware.extends: expected the file own/wafer.yaml, found no such file',
    );
  });

  it('says where a configuration is wrong', () => {
    const of = (text: string) => () => browser.loadConfig({ text, path: 'a.yaml' });
    expect(of('hardware: wse4\nmodel: tiny\n')).toThrow(/^a\.yaml:1:11: .*did you mean wse2\?$/);
    expect(of('hardware: wse3\nmodle: tiny\n')).toThrow(/^a\.yaml:2:1: .*did you mean model\?$/);
  });

  it('refuses weights and texts, which only the command computes with', () => {
    const weights = 'hardware: small\nmodel: { config: tiny, weights: w.safetensors }\n';
    expect(() => browser.loadConfig({ text: weights })).toThrow(browser.ConfigError);
    const text = 'hardware: small\nmodel: own/config.json\nworkload: { prompt: a text }\n';
    const files = {
      'own/config.json': readFileSync('models/tiny.json', 'utf8'),
      'own/tokenizer.json': '{}',
    };
    expect(() => browser.loadConfig({ text, files })).toThrow(
      'a page reads no text, only token ids',
    );
  });
});
