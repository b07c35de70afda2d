/** Assumptions with their grades and sources: every number of the hardware, every rule in force. */
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { explain } from '../src/studies/explain/explain.js';
import { explainTable } from '../src/studies/explain/table.js';

const WSE3 = 'configs/wse3.yaml';
const texts = (path: string, ...sets: string[]) =>
  explain(loadConfig(path, sets)).assumptions.map(({ text }) => text);

describe('an explanation', () => {
  it('has every number of the hardware file with value, grade, range and source', () => {
    const config = loadConfig(WSE3);
    const { numbers } = explain(config);
    expect(numbers.map(({ path }) => path)).toEqual(Object.keys(config.provenance));
    expect(numbers.every(({ source }) => source.length > 5)).toBe(true);
    const depth = numbers.find(({ path }) => path === 'fabric.queueDepth');
    expect(depth).toMatchObject({ value: 4, range: [2, 16], assumed: true });
    expect(numbers.find(({ path }) => path === 'clock')).toMatchObject({
      value: 0.875e9,
      grade: 'C',
    });
  });

  it('names the queues and the arbitration as what no source has published', () => {
    const { assumptions } = explain(loadConfig(WSE3));
    const assumed = assumptions.filter(({ grade }) => grade === 'assumed');
    expect(assumed.some(({ text }) => /queue.* has 4 slots/.test(text))).toBe(true);
    expect(assumed.some(({ source }) => source.includes('arbitration policy is not'))).toBe(true);
    expect(assumptions.some(({ grade }) => grade === 'A')).toBe(true);
    expect(assumptions.every(({ source }) => source !== '')).toBe(true);
  });

  it('tells what is in force: values that were set, the mapping, the weights', () => {
    const changed = explain(loadConfig(WSE3, ['hardware.fabric.queueDepth=7']));
    const queues = changed.assumptions.find(({ text }) => text.includes('7 slots'));
    expect(queues).toMatchObject({ grade: 'assumed' });
    expect(queues!.source).toContain('--set hardware.fabric.queueDepth=7');
    const published = texts('configs/wse2-waferllm.yaml').join('\n');
    expect(published).toContain('timed as the published kernel does them');
    expect(texts(WSE3).join('\n')).not.toContain('published kernel does');
    expect(texts(WSE3).join('\n')).not.toContain('8-bit');
    expect(texts(WSE3, 'model.weightBits=8').join('\n')).toContain('8-bit weights are widened');
  });

  it('has a rule on the groups in which the rows of products are issued, where there are any', () => {
    const rule = /^A row of a 16-bit matrix-vector product is issued in groups of 8 elements/;
    const { assumptions, numbers } = explain(loadConfig(WSE3));
    expect(assumptions.find(({ text }) => rule.test(text))).toMatchObject({ grade: 'D' });
    const path = 'costs.matvec.granularity.f16';
    expect(numbers.find((number) => number.path === path)).toMatchObject({ range: [1, 16] });
    expect(texts('configs/wse2-waferllm.yaml').some((text) => /groups of/.test(text))).toBe(false);
  });

  it('says how requests are served, where any are, and over which network', () => {
    const served = (...sets: string[]) =>
      explain(loadConfig('configs/serving-tiny.yaml', sets)).assumptions.filter(
        ({ about }) => about === 'serving',
      );
    const rule = (text: string, ...sets: string[]) =>
      served(...sets).find((one) => one.text.includes(text));
    expect(rule('Over websocket, transport.tlsRoundTrips is 1')).toMatchObject({
      grade: 'A',
      source: expect.stringMatching(/^RFC 8446/) as string,
    });
    expect(rule('transport.roundTripMs is 7', 'transport.roundTripMs=7')).toMatchObject({
      grade: 'assumed',
      source: 'the configuration',
    });
    expect(rule('There is no network')).toBeUndefined();
    const none = ['transport.kind=none', 'transport.roundTripMs=7', 'serving.maxWaiting=5'];
    expect(rule('There is no network', ...none)).toBeDefined();
    expect(rule('transport.roundTripMs', ...none)).toBeUndefined();
    expect(rule('At most 5 requests wait', ...none)).toBeDefined();
    expect(rule('do not keep their caches', ...none)).toBeDefined();
    const table = explainTable(explain(loadConfig('configs/serving-tiny.yaml')), { color: false });
    expect(table).toContain('How requests are served\n');
    const decode = explain(loadConfig(WSE3));
    expect(decode.assumptions.some(({ about }) => about === 'serving')).toBe(false);
    expect(explainTable(decode, { color: false })).not.toContain('How requests are served');
  });

  it('says what is not modelled and what that does', () => {
    const { notModelled } = explain(loadConfig(WSE3));
    expect(notModelled.map(({ what }) => what)).toContain('Prefill');
    expect(notModelled.every(({ effect }) => effect.length > 10)).toBe(true);
  });
});

describe('its text', () => {
  const document = explain(loadConfig(WSE3));
  const text = explainTable(document, { color: false });

  it('has every path, rule and omission', () => {
    const words = text.replaceAll(/\s+/g, ' ');
    for (const { path } of document.numbers) expect(words).toContain(path);
    for (const { text: rule } of document.assumptions) expect(words).toContain(rule);
    for (const { what } of document.notModelled) expect(words).toContain(what);
  });

  it('refers every number to its source', () => {
    const row = text.split('\n').find((line) => line.includes('fabric.queueDepth'))!;
    const reference = /\[(\d+)\]$/.exec(row)![0];
    const { source } = document.numbers.find(({ path }) => path === 'fabric.queueDepth')!;
    expect(text.replaceAll(/\s+/g, ' ')).toContain(`${reference} ${source}`);
  });
});
