/** Traces as published, and as they are when something went wrong with them. */
import { describe, expect, it } from 'vitest';
import { percentile } from '../src/serving/metrics.js';
import { readTrace, type TraceOptions } from '../src/serving/trace.js';
import type { TimeUnit } from '../src/serving/trace-time.js';
import { FULL } from './helpers/full.js';

const HEADER = 'TIMESTAMP,ContextTokens,GeneratedTokens\n';
describe('readTrace', () => {
  it('reads Azure rows to the nanosecond from the first arrival on', () => {
    const text = `${HEADER}2023-11-16 18:15:46.6805900,374,44\r\n2023-11-16 18:15:50.9951690,396,109\r\n`;
    expect(readTrace(text, 'a.csv')).toEqual({
      format: 'azure',
      sorted: false,
      skipped: { rows: 0 },
      requests: [
        { id: 0, arrivalNs: 0, promptTokens: 374, outputTokens: 44 },
        { id: 1, arrivalNs: 4_314_579_000, promptTokens: 396, outputTokens: 109 },
      ],
    });
  });

  it('reads Mooncake lines', () => {
    const text = '{"timestamp": 27, "input_length": 6758, "output_length": 500, "hash_ids": [0]}\n';
    const [one] = readTrace(`${text}${text.replace('27', '30.5')}`, 'a.jsonl').requests.slice(1);
    expect(one).toEqual({ id: 1, arrivalNs: 3_500_000, promptTokens: 6758, outputTokens: 500 });
  });

  it('sorts what is not in order, and says so', () => {
    const rows = ['46.5,1,1', '45.0,2,2', '47.0,3,3'].map((row) => `2023-11-16 18:15:${row}\n`);
    const trace = readTrace(HEADER + rows.join(''), 'a.csv');
    expect(trace.sorted).toBe(true);
    expect(trace.requests.map(({ promptTokens }) => promptTokens)).toEqual([2, 1, 3]);
    expect(trace.requests.map(({ arrivalNs }) => arrivalNs)).toEqual([0, 1.5e9, 2e9]);
  });

  it('takes as many requests as asked for', () => {
    const text = `${HEADER}${'2023-11-16 18:15:46,3,4\n'.repeat(9)}broken`;
    expect(readTrace(text, 'a.csv', { limit: 9 }).requests).toHaveLength(9);
  });

  const row = '2023-11-16 18:15:46.6,3,4\n';
  it.each([
    ['', 'a: expected requests, found none'],
    [HEADER, 'a: expected requests, found none'],
    ['time,in\n1,2\n', 'a:1: expected a header with TIMESTAMP, .* or JSON lines, found "time,in"'],
    [
      `${HEADER}${row}2023-11-16 18:15`,
      'a:3: TIMESTAMP: expected a time .* found "2023-11-16 18:15"',
    ],
    [`${HEADER}2023-12-16 18:15:46,3`, 'a:2: GeneratedTokens: expected .* found nothing'],
    [`${HEADER}2023-11-16 18:15:46,-3,4`, 'a:2: ContextTokens: expected .* from 1 .* found "-3"'],
    [`${HEADER}2023-11-16 18:15:46,0,4`, 'a:2: ContextTokens: expected .* from 1 .* found "0"'],
    [`${HEADER}2023-11-16 18:15:46,3,1e99`, 'a:2: GeneratedTokens: expected .* found "1e99"'],
    [`${HEADER}2023-11-16 18:15:46,3,999999999`, 'a:2: GeneratedTokens: .* to 100000000, found'],
    ['{"timestamp": 1, "input_', 'a:1: expected a JSON object, found'],
    ['{"timestamp": "now"}', 'a:1: timestamp: expected milliseconds, found "now"'],
    ['{"timestamp": 1, "input_length": 2.5}', 'a:1: input_length: expected .* found 2.5'],
  ])('refuses %j in one line', (text, message) => {
    const refused = () => readTrace(text, 'a');
    expect(refused).toThrow(new RegExp(`^${message}`));
    expect(refused).not.toThrow(/\n/);
  });

  const sizesOf = (text: string, options: TraceOptions = {}) =>
    readTrace(text, 'a', options).requests.map((r) => [r.promptTokens, r.outputTokens]);

  it.each([
    ['quotes', '"TIMESTAMP","ContextTokens","GeneratedTokens"\n"@","3","4"\n'],
    ['other columns', 'Model,GeneratedTokens,contexttokens,TIMESTAMP\n"a, b",4,3,@'],
    ['line ends of several kinds', `\uFEFF\n${HEADER.trim()}\r\n\r\n@,3,4\n`],
    ['semicolons', 'TIMESTAMP;ContextTokens;GeneratedTokens\n@;3;4\n'],
    ['tabs and blanks', 'TIMESTAMP\tContextTokens\tGeneratedTokens\n@\t 3 \t4\n'],
    ['whole numbers with a point', `${HEADER}@,3.0,4.00\n`],
    ['a field over two lines', `Prompt,${HEADER}"a\nb",@,3,4\n`],
  ])('reads a file with %s', (_, text) => {
    expect(sizesOf(text.replace('@', '2023-11-16 18:15:46'))).toEqual([[3, 4]]);
  });

  it('prefers a column of the very name to one in other letters', () => {
    const text =
      'timestamp,TIMESTAMP,ContextTokens,GeneratedTokens\nsoon,2023-11-16 18:15:46,3,4\n';
    expect(sizesOf(text)).toEqual([[3, 4]]);
  });

  describe('of another maker', () => {
    const columns = { arrival: 'Time', input: 'Request tokens', output: 'Response tokens' };
    const csv = (...times: string[]) =>
      `Time,"Request tokens",Response tokens\n${times.map((time) => `${time},7,8\n`).join('')}`;
    const lines = (...times: string[]) =>
      times.map((time) => `{"Time":${time},"Request tokens":7,"Response tokens":8}\n`).join('');
    const arrivals = (text: string, unit: TimeUnit) =>
      readTrace(text, 'a', { columns: { ...columns, unit } }).requests.map((r) => r.arrivalNs);

    it.each<[TimeUnit, string[], number]>([
      ['s', ['5', '45.25'], 40_250_000_000],
      ['s', ['1700000000.123456789', '1700000000.123456790'], 1],
      ['s', ['0', '1.5e-3'], 1_500_000],
      ['s', ['0', '0.0000000015'], 2],
      ['ms', ['1700000000000.5', '1700000000001'], 500_000],
      ['us', ['10', '12.5'], 2500],
      ['ns', ['1700000000000000000', '1700000000000000001'], 1],
    ])('counts %s exactly: %j', (unit, times, later) => {
      expect(arrivals(csv(...times), unit)).toEqual([0, later]);
      // Text, since JSON's numbers hold no nanoseconds since 1970.
      expect(arrivals(lines(...times.map((time) => `"${time}"`)), unit)).toEqual([0, later]);
    });

    it.each([
      ['2024-02-28T23:59:59Z', '2024-02-29 00:00:00.5', 1.5],
      ['2024-03-31 01:30:00+01:00', '2024-03-31T00:30:01.5+00:00', 1.5],
      ['2024-01-01 00:00:00-0530', '2024-01-01 05:30:00 UTC', 0],
      ['2023-12-31 23:59:59,25', '2024-01-01 00:00:00', 0.75],
    ])('reads dates of every zone: %s, %s', (first, second, seconds) => {
      const quoted = [first, second].map((date) => `"${date}"`);
      expect(arrivals(csv(...quoted), 'iso')).toEqual([0, seconds * 1e9]);
      expect(arrivals(lines(...quoted), 'iso')).toEqual([0, seconds * 1e9]);
    });

    it.each<[string, TimeUnit, string]>([
      [
        csv('2023-02-29 00:00:00'),
        'iso',
        'a:2: Time: expected a time such as .*, found "2023-02-29 00:00:00"',
      ],
      [csv('2023-13-01 00:00:00'), 'iso', 'a:2: Time: expected a time'],
      [csv('2023-00-01 00:00:00'), 'iso', 'a:2: Time: expected a time'],
      [csv('2023-11-31 00:00:00'), 'iso', 'a:2: Time: expected a time'],
      [csv('2023-11-30 24:00:00'), 'iso', 'a:2: Time: expected a time'],
      [csv('17'), 'iso', 'a:2: Time: .* found "17"; workload.trace.unit says what numbers count'],
      [csv('2023-11-30 00:00:00'), 's', 'a:2: Time: expected seconds, found "2023-11-30 00:00:00"'],
      [csv('1', '-1'), 'us', 'a:3: Time: expected microseconds, found "-1"'],
      [csv('0', '1e300'), 'ns', 'a:3: Time: expected nanoseconds, found "1e300"'],
      [
        csv('0', '4320001'),
        's',
        'a:3: Time: expected a time within 50 days of the first, found one 50 days from it; take fewer with workload.requests, or set workload.trace.unit',
      ],
      [lines('true'), 'ms', 'a:1: Time: expected milliseconds, found true'],
      [lines('[1]'), 'ms', 'a:1: Time: expected milliseconds, found a list'],
      [HEADER, 's', 'a:1: expected a header with Time, Request tokens, Response tokens or JSON'],
    ])('refuses %j in one line', (text, unit, message) => {
      const refused = () => arrivals(text, unit);
      expect(refused).toThrow(new RegExp(`^${message}`));
      expect(refused).not.toThrow(/\n/);
    });

    it('takes the names that are not given from the published traces', () => {
      const text = HEADER.replace('TIMESTAMP', 'when') + '3,4,5\n';
      const trace = readTrace(text, 'a', { columns: { arrival: 'when', unit: 's' } });
      expect(trace.format).toBe('csv');
      expect(trace.requests[0]).toMatchObject({ promptTokens: 4, outputTokens: 5 });
    });
  });

  describe('with rows that cannot be used', () => {
    const at = '2023-11-16 18:15:46';
    const text = `${HEADER}${at},3,0\n${at},5,6\nlate,1,1\n\n${at},7\n${at},8,9.5\n${at},10,11\n`;
    it('refuses the first of them', () => {
      expect(() => sizesOf(text)).toThrow(/^a:2: GeneratedTokens: .* found "0"$/);
    });
    it('leaves them out if asked to, and says how many, and what is wrong with the first', () => {
      const trace = readTrace(text, 'a', { skipInvalid: true });
      expect(trace.requests.map((r) => r.promptTokens)).toEqual([5, 10]);
      expect(trace.skipped.rows).toBe(4);
      expect(trace.skipped.first).toMatch(/^a:2: GeneratedTokens: .* found "0"$/);
      const lines = '{"timestamp":1,"input_length":2,"output_length":3}\n';
      const json = readTrace(`${lines}[1]\nx\n{}\n${lines}`, 'a', { skipInvalid: true });
      expect([json.requests.length, json.skipped.rows]).toEqual([2, 3]);
      expect(json.skipped.first).toBe('a:2: expected a JSON object, found "[1]"');
    });
    it('counts usable rows up to the limit, and looks no further', () => {
      const trace = readTrace(text, 'a', { skipInvalid: true, limit: 1 });
      expect([trace.requests.length, trace.skipped.rows]).toEqual([1, 1]);
    });
    it('refuses a file without any other, and one in which rows cannot be distinguished', () => {
      const skipInvalid = { skipInvalid: true };
      expect(() => sizesOf(`${HEADER}${at},3,0\n`, skipInvalid)).toThrow(
        /^a: expected requests, found none that can be used \(1 row is invalid; a:2: [^\n]*\)$/,
      );
      expect(() => sizesOf(`${HEADER}${at},"3,4\n${at},5,6\n`, skipInvalid)).toThrow(
        /^a:2: expected every quote to be closed, found one that is not$/,
      );
    });
  });

  it('reads a million requests, and refuses a gigantic file in one line', () => {
    const row = '{"timestamp":1,"input_length":1,"output_length":1}\n';
    const text = row.repeat(1e6);
    if (FULL) expect(readTrace(text, 'a').requests).toHaveLength(1e6);
    expect(() => readTrace(text + row, 'a')).toThrow(
      /^a: expected at most 1000000 requests, found more; take fewer with workload\.requests$/,
    );
    expect(readTrace(text + row, 'a', { limit: 10 }).requests).toHaveLength(10);
  });
});

describe('percentile', () => {
  it('interpolates linearly, as numpy does', () => {
    expect(percentile([1, 2, 3, 4], 50)).toBe(2.5);
    expect(percentile([10, 20, 30, 40, 50], 90)).toBe(46);
    expect(percentile([5], 99)).toBe(5);
    expect(percentile([], 50)).toBeNaN();
  });
});
