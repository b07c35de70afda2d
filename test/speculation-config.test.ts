/** `workload.speculation`: what it resolves to, and what of it is refused with its place. */
import { resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { checkRun } from '../src/decode/refusals.js';
import { complaint, complaintAbout, SMALL, temporaryFolder, TINY } from './config-files.js';

const folder = temporaryFolder();
afterAll(folder.remove);

const lines = (speculation: string) => `workload:\n  speculation: ${speculation}\n`;

function speculationOf(text: string) {
  const path = folder.write('run.yaml', `hardware: ${SMALL}\nmodel: ${TINY}\n${lines(text)}`);
  const config = loadConfig(path);
  return { config, speculation: config.workload.speculation! };
}

describe('a draft', () => {
  it('is a model by its name, with the keys of a model, and one chance is that of every drafted token', () => {
    const { speculation } = speculationOf(
      `{draft: {config: ${TINY}, weightBits: 8, wafers: 2}, tokens: 4, acceptance: 0.8}`,
    );
    const { draft, tokens, acceptance } = speculation;
    expect({ tokens, acceptance }).toEqual({ tokens: 4, acceptance: [0.8, 0.8, 0.8] });
    expect(draft).toMatchObject({ kind: 'model', wafers: 2, modelFile: TINY });
    expect(draft.kind === 'model' && draft.model.weightBits).toBe(8);
  });

  it('may be one word, a layer of the model, or a look-up', () => {
    const word = speculationOf(`{draft: ${TINY}, tokens: 3, acceptance: [1, 0.5]}`);
    expect(word.speculation).toMatchObject({ draft: { kind: 'model' }, acceptance: [1, 0.5] });
    const layer = speculationOf('{draft: {mtp: assumed}, tokens: 2, acceptance: 0.5}');
    expect(layer.speculation.draft).toEqual({ kind: 'mtp', assumed: true });
    const found = speculationOf('{draft: {ngram: 3}, tokens: 2, acceptance: 0}');
    expect(found.speculation.draft).toEqual({ kind: 'ngram', n: 3 });
  });

  it('is part of what a result is of, by its content and not by its path', () => {
    const of = (text: string) => speculationOf(text).config;
    const one = of(`{draft: ${TINY}, tokens: 2, acceptance: 0.5}`);
    const same = of(`{draft: {config: ${TINY}}, tokens: 2, acceptance: [0.5]}`);
    const other = of(`{draft: {config: ${TINY}, weightBits: 4}, tokens: 2, acceptance: 0.5}`);
    expect(same.canonical).toEqual(one.canonical);
    expect(other.canonical).not.toEqual(one.canonical);
  });

  it('stands in a result as it runs again', () => {
    const { config } = speculationOf(`{draft: ${TINY}, tokens: 2, acceptance: 0.5}`);
    const again = folder.write('again.yaml', JSON.stringify(config.resolved));
    expect(loadConfig(again).canonical).toEqual(config.canonical);
  });
});

describe('is refused', () => {
  const draft = `draft: ${TINY}`;

  it.each([
    ['{draft: {tree: [2, 2]}, tokens: 3}', /4:25: .*: expected one chain .* trees of drafts/],
    ['{draft: [a, b], tokens: 3}', /: expected one chain of drafted tokens, as trees/],
    [`{${draft}, branches: 2, tokens: 3}`, /: expected one chain of drafted tokens, as trees/],
    [`{${draft}, tokens: 0}`, /tokens: expected an integer, at least 1, at most 64, found 0/],
    [`{${draft}, tokens: 65}`, /tokens: expected an integer, at least 1, at most 64, found 65/],
    [`{${draft}, tokens: 3}`, /acceptance: expected a chance, .* or measured, found nothing/],
    [`{${draft}, tokens: 3, acceptance: 1.5}`, /acceptance: expected a chance, 0 to 1/],
    [`{${draft}, tokens: 4, acceptance: [1, 1]}`, /acceptance: expected 3 chances, .* of 2$/],
    [`{${draft}, tokens: 2, acceptance: []}`, /acceptance: expected 1 chance, .* of 0$/],
    [`{${draft}, tokens: 2, acceptance: measured}`, /expected chances without model.weights/],
    ['{draft: {mtp: true}, tokens: 2, acceptance: 0}', /mtp: expected assumed, as tiny has no/],
    ['{draft: {mtp: false}, tokens: 2, acceptance: 0}', /mtp: expected true or assumed/],
    ['{draft: {ngram: 0}, tokens: 2, acceptance: 0}', /ngram: expected an integer, at least 1/],
    ['{draft: {mtp: assumed, ngram: 2}, tokens: 2, acceptance: 0}', /ngram: expected none with/],
    [`{draft: {ngram: 2, config: ${TINY}}, tokens: 2, acceptance: 0}`, /config: expected none/],
    ['{draft: {}, tokens: 2, acceptance: 0}', /draft: expected a model, or a mapping with/],
    [`{draft: {config: ${TINY}, wafers: 0}, tokens: 2, acceptance: 0}`, /wafers: expected an int/],
    [`{draft: {config: ${TINY}, wfaers: 1}, tokens: 2, acceptance: 0}`, /did you mean wafers\?/],
    ['{draft: gpt-oss-20b, tokens: 2, acceptance: 0}', /same 96 tokens as tiny, found gpt-oss-20b/],
    ['{draft: missing.json, tokens: 2, acceptance: 0}', /draft: expected the file missing.json/],
  ])('%s', (text, message) => {
    const found = complaintAbout(lines(text), folder);
    expect(found).toMatch(/^run.yaml:4:\d+: workload\.speculation|no such file/);
    expect(found).toMatch(message);
  });

  it('with what the run is: another mapping, several users of an mtp layer, positions that are not there', () => {
    const waferllm = `mapping: waferllm\n${lines(`{${draft}, tokens: 2, acceptance: 0}`)}`;
    expect(complaintAbout(waferllm, folder)).toMatch(/expected none with mapping: waferllm/);
    const check = (more: string[], who = draft) => {
      const { config } = speculationOf(`{${who}, tokens: 4, acceptance: 0}`);
      const again = folder.write('again.yaml', JSON.stringify(config.resolved));
      return complaint(() => checkRun(loadConfig(again, more)), folder);
    };
    expect(() => check(['workload.batch=2'])).toThrow();
    expect(check(['workload.batch=2'], 'draft: { mtp: assumed }')).toMatch(
      /^workload.batch: expected 1 with a draft by mtp, .*, unless requests are served, found 2$/,
    );
    const { maxContext } = loadConfig(resolve('configs/tiny.yaml')).model;
    expect(check([`workload.context=${maxContext - 1}`])).toBe(
      `workload.context: expected at most ${maxContext - 4}, as tiny has ${maxContext} positions, 3 of them for drafted tokens beyond the last, found ${maxContext - 1}`,
    );
  });

  it('and a context that is not given leaves room for it', () => {
    const { config } = speculationOf(`{${draft}, tokens: 4, acceptance: 0}`);
    const { model, workload } = config;
    expect(workload.context).toBe(Math.min(4096, model.maxContext - 4));
    expect(() => checkRun(config)).not.toThrow();
  });
});
