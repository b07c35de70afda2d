/** How many positions a run and a request may ask a model for: its last one, and not one more. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig, type ResolvedConfig } from '../src/config.js';
import { checkRun } from '../src/decode/refusals.js';
import type { Span } from '../src/model/attention-spec.js';
import { resized } from './helpers/small-model.js';

const tiny = loadConfig('configs/tiny.yaml', []);

/** What is said of so many tokens after so many positions, of a model with 100 and perhaps a window. */
function refusal(check: (config: ResolvedConfig) => void, change: object, window?: number) {
  const span: Span = window === undefined ? { kind: 'full' } : { kind: 'window', size: window };
  const config = {
    ...tiny,
    model: { ...resized(tiny.model, { span }), name: 'm', maxContext: 100 },
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

  it('go beyond a window', () => {
    expect(run(97, 3, 30)).toBe('fine');
    expect(run(98, 3, 30)).toBe(
      'workload.context: expected at most 97, as m has 100 positions, found 98',
    );
  });

  it('do not go beyond a window in the waferllm mapping', () => {
    const waferllm = (context: number) =>
      refusal(
        (config) => checkRun({ ...config, mapping: 'waferllm', exact: true }),
        { context, tokens: 3 },
        30,
      );
    const prompted = (tokens: number) =>
      refusal(
        (config) =>
          checkRun({
            ...{ ...config, mapping: 'waferllm', exact: true },
            ...{ prompt: Array.from({ length: tokens }, () => 1), positions: tokens + 2 },
          }),
        { context: 0, tokens: 3 },
        30,
      );
    expect(prompted(28)).toBe('fine');
    expect(prompted(29)).toMatch(/^mapping: expected gqa, .* all of 31 positions, and m to 30 /);
    expect(waferllm(27)).toBe('fine');
    expect(waferllm(28)).toBe(
      'mapping: expected gqa, as waferllm attends to all of 31 positions, and m to 30 (sliding_window), found waferllm',
    );
  });
});

describe('a context that was not asked for', () => {
  let home: string;
  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), 'wafersim-positions-'));
  });
  afterAll(() => rmSync(home, { recursive: true }));

  /** A configuration of a model with so many positions; what it says of its workload. */
  const load = (fields: object, workload: object, sets: string[] = []) => {
    const model = JSON.parse(readFileSync('models/tiny.json', 'utf8')) as object;
    writeFileSync(join(home, 'm.json'), JSON.stringify({ ...model, ...fields }));
    const text = JSON.stringify({ hardware: 'small', model: join(home, 'm.json'), workload });
    writeFileSync(join(home, 'run.yaml'), text);
    return loadConfig(join(home, 'run.yaml'), sets);
  };
  const positions = (most: number) => ({ max_position_embeddings: most });
  const contextOf = (...given: Parameters<typeof load>) => {
    const config = load(...given);
    checkRun(config, config.workload.kind === 'serving' ? 'serving' : 'steps');
    expect(config.resolved['workload']).toMatchObject({ context: config.workload.context });
    return config.workload.context;
  };

  it.each(['decode', 'serving'])('is 4,096 tokens, or what the model has room for: %s', (kind) => {
    expect(contextOf(positions(131_072), { kind })).toBe(4096);
    expect(contextOf(positions(4097), { kind })).toBe(4096);
    expect(contextOf(positions(4096), { kind })).toBe(4095);
    expect(contextOf(positions(512), { kind })).toBe(511);
    expect(contextOf(positions(512), { kind, tokens: 12 })).toBe(500);
    expect(contextOf(positions(512), { kind }, ['workload.tokens=512'])).toBe(0);
    const mistral = { model_type: 'mistral', sliding_window: 40, ...positions(512) };
    expect(contextOf(mistral, { kind })).toBe(511);
  });

  it('is the same run as one that asks for it, and nothing else is made less', () => {
    const { canonical } = load(positions(512), { context: 511 });
    expect(load(positions(512), {}).canonical).toEqual(canonical);
    expect(() => contextOf(positions(512), { context: 512 })).toThrow(
      'workload.context: expected at most 511, as m has 512 positions, found 512',
    );
    expect(() => contextOf(positions(512), {}, ['workload.context=4096'])).toThrow('found 4096');
    expect(() => contextOf(positions(512), { tokens: 513 })).toThrow(
      'workload.tokens: expected at most 512, as m has 512 positions, found 513',
    );
  });
});
