/** The generated parts of documents: what stands between their markers is what validation says. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DOCUMENTS, printedRun, regenerated } from '../src/studies/documentation/documentation.js';
import { bundled } from '../src/bundled.js';
import { loadConfig } from '../src/config.js';
import { PUBLISHED, readMeasurements } from '../src/studies/validate/measurements.js';
import type { BenchDocument } from '../src/studies/bench/document.js';
import { count, fixed } from '../src/report/format.js';
import { generatedParts, partOf, renderInto } from '../src/studies/documentation/markers.js';
import { runTable } from '../src/report/table.js';
import { collectivesMarkdown } from '../src/studies/validate/collectives.js';
import { lineChoicesMarkdown } from '../src/studies/validate/mapped-lines.js';
import { validateMarkdown } from '../src/studies/validate/table.js';
import { simulate } from '../src/studies/run/run.js';
import { validateMeasurements } from '../src/studies/validate/validate.js';
import { OPTIONS } from './helpers/options.js';

describe('a generated part', () => {
  const text = 'before\n<!-- a:begin -->\nold\n<!-- a:end -->\nafter $& $1\n';

  it('is replaced, and nothing around it', () => {
    const once = renderInto(text, 'a', '\nnew $& $1\n\n');
    expect(once).toBe('before\n<!-- a:begin -->\nnew $& $1\n<!-- a:end -->\nafter $& $1\n');
    expect(renderInto(once, 'a', 'new $& $1')).toBe(once);
    expect(generatedParts(text)).toEqual(['a']);
  });

  const wrong: [what: string, text: string][] = [
    ['no markers', 'text'],
    ['no end', '<!-- a:begin -->'],
    ['the end first', '<!-- a:end --><!-- a:begin -->'],
    ['two begins', `<!-- a:begin -->${text}`],
    ['two ends', `${text}<!-- a:end -->`],
  ];
  it.each(wrong)('with %s is refused', (_, broken) => {
    expect(() => renderInto(broken, 'a', 'new')).toThrow(/expected <!-- a:begin -->/);
  });

  it('that has no generator is refused by its name', async () => {
    await expect(regenerated(text, OPTIONS)).rejects.toThrow(/expected .*validate.*, found a$/);
  });
});

describe('the first run', () => {
  it('is all that a run prints, the last block too; of the host what stood there', async () => {
    const document = await simulate(loadConfig('configs/tiny.yaml'), OPTIONS);
    const printed = runTable(document, { color: false }).trimEnd();
    const fresh = printedRun(document, '');
    expect(fresh).toBe(`\`\`\`\n${printed}\n\`\`\``);
    expect(fresh).toMatch(
      /\nSimulated\n {2}simulated .*\n(?:.*\n)* {2}fast engine, 1 shard: \S+ s, .* of host memory\n/,
    );
    const slower = { ...document, host: { ...document.host, shards: 8, wallSeconds: 1234.5 } };
    expect(printedRun(slower, '')).toContain('8 shards: 1,234.50 s');
    expect(printedRun(slower, fresh)).toBe(fresh);
    const other = { ...document, configHash: 'another' };
    expect(printedRun(other, fresh)).not.toBe(fresh);
    expect(partOf('a <!-- b:begin -->\nc\n<!-- b:end --> d', 'b')).toBe('\nc\n');
    expect(partOf('a', 'b')).toBe('');
  });
});

describe('the documents', () => {
  it('have the current errors of all kernels that one core or a small grid can tell', async () => {
    const published = readMeasurements(PUBLISHED);
    const kernels = published.filter(({ kind }) => kind === 'vendor simulator');
    const document = await validateMeasurements(kernels, published, OPTIONS);
    const [section] = validateMarkdown(document).split('\n\n| kernel |');
    const texts = DOCUMENTS.map((name) => readFileSync(bundled(name), 'utf8'));
    const withErrors = texts.filter((text) => generatedParts(text).includes('validate'));
    expect(withErrors.length).toBeGreaterThan(0);
    for (const text of withErrors) expect(text).toContain(section);
  });

  it('have the fastest algorithms of short lines, with the sizes of their groups', async () => {
    const kernels = partOf(readFileSync('docs/kernels.md', 'utf8'), 'collectives');
    const rowsOf = (text: string) =>
      text.split('\n').filter((line) => /^\| (all-)?reduce/.test(line));
    const columns = (row: string) => row.split(' | ').slice(0, 5).join(' | ');
    const sizes = { cores: [8, 64], lengths: [1, 16, 128] };
    const simulated = rowsOf(await collectivesMarkdown(OPTIONS, sizes));
    const known = rowsOf(kernels).filter((row) => / \| (8|64) \| /.test(row));
    expect(simulated.map((row) => row.replace(/ \|$/, ''))).toEqual(known.map(columns));
    expect(simulated.join()).toContain('two-phase of 8: ');
  });

  it('have the fastest algorithms on lines of WSE-3, and what the mapping takes where it is slower', async () => {
    const known = partOf(readFileSync('docs/kernels.md', 'utf8'), 'line-choices').split('\n');
    for (const hop of [1, 2]) {
      const simulated = await lineChoicesMarkdown(OPTIONS, { hops: [hop], cores: [5, 22] });
      for (const row of simulated.split('\n').slice(2)) expect(known).toContain(row);
    }
    const vectors = [{ words: 160, type: 'f16' as const }];
    const lines = await lineChoicesMarkdown(OPTIONS, { hops: [2], cores: [5, 13], vectors });
    // On 5 cores no tree is as fast as the chain; on 13 it is stored in 11 groups.
    expect(lines.split('\n').slice(2)).toEqual([
      '| 2 | 5 | chain: 294 (mapping 340, +15.6 %) |',
      '| 2 | 13 | stored tree in 11: 416 |',
    ]);
  });

  it('have the numbers of the benchmarks, which the project holds against simulations', () => {
    const { cases } = JSON.parse(readFileSync('bench/baseline.json', 'utf8')) as BenchDocument;
    const valueOf = (id: string, metric: string) =>
      cases.find((each) => each.id === id)!.metrics[metric].value;
    const readme = readFileSync('README.md', 'utf8');
    const accuracy = readFileSync('docs/accuracy.md', 'utf8');
    const predicted = (id: string) =>
      accuracy.match(new RegExp(`^\\| ${id} \\|[^|]*\\|[^|]*\\|[^|]*\\| ([^ ]+) `, 'm'))?.[1];
    const speed = (id: string) => fixed(valueOf(id, 'tokensPerSecondPerUser'), 1);
    expect(predicted('waferllm-decode-llama3-8b-420')).toBe(
      count(valueOf('layer/waferllm-420', 'cycles')),
    );
    expect(predicted('service-llama3.1-8b')).toBe(speed('decode/llama-8b'));
    const [, headline] = readme.split('<!-- run:begin -->');
    expect(headline).toContain(count(valueOf('decode/llama-8b', 'cyclesPerToken')));
    expect(headline).toContain(count(valueOf('decode/llama-8b', 'waveletHops')));
    expect(headline.split('<!-- run:end -->')[0]).toMatch(
      /\n\nSimulated\n(?: {2}(?:simulated|reused|lines) .*\n)+ {2}fast engine, .* of host memory\n```\n$/,
    );
  });
});
