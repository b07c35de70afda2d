/** The generated parts of documents: what stands between their markers is what validation says. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DOCUMENTS, regenerated } from '../src/tools/documentation.js';
import { bundled } from '../src/bundled.js';
import { PUBLISHED, readMeasurements } from '../src/tools/measurements.js';
import { generatedParts, renderInto } from '../src/report/markers.js';
import { validateMarkdown } from '../src/report/validate-table.js';
import { validateMeasurements } from '../src/tools/validate.js';

const OPTIONS = { engine: 'fast', shards: 1, memo: true, now: () => 0, rss: () => 0 } as const;

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

  it('that nobody generates is refused by its name', async () => {
    await expect(regenerated(text, OPTIONS)).rejects.toThrow(/expected .*validate.*, found a$/);
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
});
