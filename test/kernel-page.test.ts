/** The page of a kernel as text, the recording that it brings along, and what its player says in words. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { wafersim } from './helpers/command-line.js';
import { TOOLS } from './helpers/report-run.js';
import { createReplay } from '../src/recording/replay.js';
import { recordingOf, type Recording } from '../src/recording/recording.js';
import { kernelPage } from '../src/report/html-kernel.js';
import { KERNEL_SCRIPT } from '../src/report/page-script.js';
import type { KernelPageData } from '../src/report/page/kernel-data.js';
import { coreRows, coreText, cutText, cycleText } from '../src/report/page/player-text.js';
import type { KernelOptions } from '../src/studies/kernel/kernel.js';
import { runKernel } from '../src/studies/kernel/kernel.js';
import { recordKernel } from '../src/studies/kernel/record.js';
import { kernelWafer } from './kernel-programs.js';

const HOST = { now: () => 0, rss: () => 0, path: true };
const CHAIN = { algorithm: 'chain', pes: 4, words: 8, dtype: 'f32' };

const documentOf = (name: string, options: KernelOptions, wafer = kernelWafer()) =>
  runKernel(name, options, wafer, 'fast', HOST);

async function pageOf(name: string, options: KernelOptions, wafer = kernelWafer()) {
  const document = await documentOf(name, options, wafer);
  return kernelPage(document, recordKernel(document, wafer), 'text', TOOLS);
}

function dataOf(page: string): KernelPageData {
  const json = /id="data">([\s\S]*?)<\/script>/.exec(page)![1];
  return JSON.parse(json) as KernelPageData;
}

function recorded(page: string): Recording {
  return recordingOf(inflateSync(Buffer.from(dataOf(page).recording!, 'base64')));
}

/** Tags with their attributes. */
function tagsOf(page: string): string[] {
  const outside = page.replaceAll(/(<script[^>]*>)[\s\S]*?<\/script>/g, '$1</script>');
  return outside.match(/<[a-z/!][^>]*>/gi) ?? [];
}

describe('the recording of a kernel', () => {
  it.each([
    ['reduce', CHAIN],
    ['reduce', { ...CHAIN, algorithm: 'auto' }],
    [
      'all-reduce',
      { algorithm: 'tree', pes: 9, groups: 3, form: 'echoed', words: 8, dtype: 'f16' },
    ],
    ['gemm', { algorithm: 'summa', grid: '2x2', m: 8, k: 8, n: 8, localRepeats: 2, dtype: 'f16' }],
    ['layer', { mapping: 'waferllm', dim: 16, ffn: 32, seq: 8, grid: '4x2', exact: true }],
  ])(
    '%s lasts as long as its document says, by the options that this resolves',
    async (name, options) => {
      const document = await documentOf(name, options);
      const recording = recordKernel(document, kernelWafer()) as Recording;
      expect([recording.from, recording.to]).toEqual([0, document.cycles]);
      expect(recording.name).toBe(`kernel ${name}`);
    },
  );

  it('of several loads is that of the last one', async () => {
    const options = { pattern: 'neighbor', mesh: '4x1', cycles: 100 };
    const wafer = kernelWafer();
    const last = recordKernel(await documentOf('traffic', { ...options, load: 0.3 }, wafer), wafer);
    const all = await documentOf('traffic', { ...options, loads: '0.1,0.3' }, wafer);
    expect(recordKernel(all, wafer)).toEqual(last);
  });
});

describe('the page of a kernel', () => {
  it('has the recording, the path, the waits, and its own script only', async () => {
    const page = await pageOf('reduce', CHAIN);
    const document = await documentOf('reduce', CHAIN);
    expect(recorded(page)).toEqual(recordKernel(document, kernelWafer()));
    const { path } = dataOf(page);
    expect(path).toHaveLength(document.criticalPath!.length);
    expect(path[0]).toEqual({ operator: 'reduce', what: 'compute', x: 3, y: 0, from: 0, to: 8 });
    // 6 cycles for each core before one: 6 + 12 + 18.
    expect(page).toMatch(/reduce<\/t[dh]><td>a wavelet<\/td><td>36<\/td><td>100\.0 %<\/td>/);
    const { files } = dataOf(page).downloads;
    const carried = inflateSync(Buffer.from(files['kernel.json'], 'base64')).toString();
    expect(JSON.parse(carried)).toEqual(document);
    expect(page).toContain(`<td>${document.key}</td>`);
    expect(page).toContain(`script-src 'sha256-${TOOLS.sha256(KERNEL_SCRIPT)}'`);
    expect(page).not.toMatch(/\bsrc=|https?:|url\(|@import|fetch\(|import\(/);
  });

  it('says why there is no player on a larger mesh', async () => {
    const page = await pageOf('reduce', { ...CHAIN, pes: 17 });
    expect(page).toContain(
      'No player: wavelets are shown on up to 16 x 16 cores, and the mesh has 17 x 1.',
    );
    expect(dataOf(page)).toMatchObject({ path: [] });
    expect(dataOf(page).recording).toBeUndefined();
    expect(page).not.toContain('id="player"');
  });

  it('shows names as text', async () => {
    const named = (name: string) => pageOf('reduce', CHAIN, { ...kernelWafer(), name });
    const hostile = '</title></script><img src=x onerror=alert(1)>';
    expect(tagsOf(await named(hostile))).toEqual(tagsOf(await named('x'.repeat(hostile.length))));
  });
});

describe('wafersim kernel -o', () => {
  it('writes the document, the table that it prints, and the page; and over one of an earlier run', async () => {
    const home = mkdtempSync(join(tmpdir(), 'wafersim-'));
    const target = join(home, 'chain');
    const args = ['--algorithm=chain', '--pes=4', '--words=8', '-o', target];
    for (const _ of ['new', 'again']) {
      const { status, stdout } = await wafersim('kernel', 'reduce', ...args);
      expect(status).toBe(0);
      const names = ['kernel.json', 'kernel.txt', 'report.html'];
      expect(readdirSync(target)).toEqual(expect.arrayContaining(names));
      const [document, text, page] = names.map((file) => readFileSync(join(target, file), 'utf8'));
      expect(text).toBe(stdout);
      const { schema, cycles } = JSON.parse(document) as { schema: string; cycles: number };
      expect(schema).toBe('wafersim.kernel/1');
      expect(recorded(page).to).toBe(cycles);
    }
    const refused = await wafersim('kernel', 'reduce', ...args.slice(0, -1), join(home));
    expect(refused.status).toBe(2);
    expect(refused.stderr).toContain('-o expects a new directory or one of an earlier run');
    rmSync(home, { recursive: true });
  });
});

describe('a player in words', () => {
  it('says what all cores do, what one does, and what its queues hold', async () => {
    const document = await documentOf('reduce', CHAIN);
    const recording = recordKernel(document, kernelWafer()) as Recording;
    const { seek } = createReplay(recording);
    expect(cycleText(seek(0))).toBe(
      'Cycle 0: of 4 cores 1 computes, 3 wait for a wavelet; 0 wavelets on links.',
    );
    expect(cycleText(seek(3))).toBe(
      'Cycle 3: of 4 cores 1 computes, 3 wait for a wavelet; 1 wavelet on links.',
    );
    expect(coreText(recording, seek(5), 2)).toMatch(
      /^Core 2, 0 waits for a wavelet · operation 0: add\.f32 .*\(reduce\) · from the east colour \d+: 0 of 4 and 1 on the way; to the core colour \d+: 0 of 4 and 2 on the way$/,
    );
    const rows = coreRows(recording, seek(recording.to - 1));
    expect(rows.map(([core]) => core)).toEqual(['0, 0', '1, 0', '2, 0', '3, 0']);
    expect(rows[3].slice(1)).toEqual(['idle', 'its program is over', 'queues empty']);
  });

  it('says what is missing of a recording', async () => {
    const document = await documentOf('reduce', CHAIN);
    const short = recordKernel(document, kernelWafer(), { mostCycles: 10 }) as Recording;
    expect(cutText(short)).toBe(
      'Recorded are its first 10 cycles, as many cycles as are kept; the program goes on after that.',
    );
    expect(cutText(recordKernel(document, kernelWafer()) as Recording)).toBe('');
  });
});
