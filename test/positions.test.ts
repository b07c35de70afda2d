/** How many positions a run and a request may ask a model for: its last one, and not one more. */
import { describe, expect, it } from 'vitest';
import { loadConfig, type ResolvedConfig } from '../src/config.js';
import { checkRun, checkServed } from '../src/run/refusals.js';

const tiny = loadConfig('configs/tiny.yaml', []);

/** What is said of so many tokens after so many positions, of a model with 100 and perhaps a window. */
function refusal(check: (config: ResolvedConfig) => void, change: object, window?: number) {
  const config = {
    ...tiny,
    model: { ...tiny.model, name: 'm', maxContext: 100, ...(window && { window }) },
    workload: { ...tiny.workload, ...change },
  };
  try {
    check(config);
  } catch (error) {
    return (error as Error).message;
  }
  return 'fine';
}

describe('the positions of a run', () => {
  const run = (context: number, tokens: number, window?: number) =>
    refusal(checkRun, { context, tokens }, window);

  it('are those of the context and of the tokens after it, up to the last', () => {
    expect(run(97, 3)).toBe('fine');
    expect(run(0, 100)).toBe('fine');
    expect(run(98, 3)).toBe(
      'workload.context: expected at most 97, as m has 100 positions, found 98',
    );
    expect(run(0, 101)).toBe(
      'workload.tokens: expected at most 100, as m has 100 positions, found 101',
    );
  });

  it('are those of a window, if the model has one', () => {
    expect(run(27, 3, 30)).toBe('fine');
    expect(run(28, 3, 30)).toMatch(
      /^workload\.context: expected at most 27, as m has a window of 30 positions, .* found 28$/,
    );
  });
});

describe('the positions of requests', () => {
  const served = (positions: number, window?: number) =>
    refusal((config) => checkServed(config, positions), {}, window);

  it('are as many as the model has, or its window', () => {
    expect(served(100)).toBe('fine');
    expect(served(101)).toBe(
      'serving.maxContext: expected at most 100, as m has 100 positions, found requests of up to 101',
    );
    expect(served(30, 30)).toBe('fine');
    expect(served(31, 30)).toMatch(/^serving\.maxContext: expected at most 30, as m has a window/);
  });
});
