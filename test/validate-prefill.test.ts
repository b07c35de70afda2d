/** Published prefill figures next to a prompt that streams through the layers: noted, never judged. */
import { describe, expect, it } from 'vitest';
import type { ValidateDocument } from '../src/studies/validate/document.js';
import { IDENTITY } from './helpers/identity.js';
import { validateMarkdown, validateTable } from '../src/studies/validate/table.js';
import { prefillFigures, prefillRate } from '../src/studies/validate/prefill.js';

describe('the prefill rate out of two end-to-end rates', () => {
  it('is that of the prefill time which both answers share', () => {
    const endToEnd = (outputTokens: number) => ({
      outputTokens,
      tokensPerSecond: outputTokens / (0.25 + outputTokens / 1600),
    });
    expect(prefillRate(5000, [endToEnd(10), endToEnd(3000)])).toBeCloseTo(20_000, 6);
  });

  it('of WaferLLM gives a decode rate that its paper publishes too', () => {
    const figures = prefillFigures();
    expect(figures.length).toBeGreaterThanOrEqual(2);
    for (const { promptTokens, endToEnd } of figures) {
      const [{ outputTokens, tokensPerSecond }] = endToEnd;
      const rate = prefillRate(promptTokens, endToEnd);
      const decode = outputTokens / (outputTokens / tokensPerSecond - promptTokens / rate);
      // Table 4: 2,699.9 tokens/s at 4,096 tokens on 420 x 420 cores.
      expect(Math.abs(decode / 2699.9 - 1)).toBeLessThan(0.03);
      expect(rate).toBeGreaterThan(10_000);
    }
  });
});

describe('the notes of a validation', () => {
  const note = {
    ...{ id: 'prefill-x', system: 'WSE-2', promptTokens: 4096 },
    ...{ published: 24_842.4, simulated: 82_843.8, source: 'a paper', algorithm: 'matrices' },
  };
  const document: ValidateDocument = {
    schema: 'wafersim.validate/1',
    ...IDENTITY,
    rows: [],
    summary: {},
    limits: [],
    passed: true,
    notes: [note],
  };
  it.each([validateMarkdown(document), validateTable(document, { color: false })])(
    'have both rates, and say that the algorithms differ: %#',
    (text) => {
      expect(text).toContain('24,842');
      expect(text).toContain('82,844');
      expect(text).toMatch(/works otherwise\. Not judged/);
      expect(text).not.toMatch(/%/);
    },
  );
});
