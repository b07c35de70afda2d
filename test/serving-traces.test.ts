/** Traces as published, and as they are when something went wrong with them. */
import { describe, expect, it } from 'vitest';
import { percentile } from '../src/serving/metrics.js';
import { readTrace } from '../src/serving/trace.js';

const HEADER = 'TIMESTAMP,ContextTokens,GeneratedTokens\n';
describe('readTrace', () => {
  it('reads Azure rows to the nanosecond from the first arrival on', () => {
    const text = `${HEADER}2023-11-16 18:15:46.6805900,374,44\r\n2023-11-16 18:15:50.9951690,396,109\r\n`;
    expect(readTrace(text, 'a.csv')).toEqual({
      format: 'azure',
      sorted: false,
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
    expect(readTrace(text, 'a.csv', 9).requests).toHaveLength(9);
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
    [`${HEADER}2023-13-16 18:15:46,3`, 'a:2: GeneratedTokens: expected .* found nothing'],
    [`${HEADER}2023-11-16 18:15:46,-3,4`, 'a:2: ContextTokens: expected .* from 1 .* found "-3"'],
    [`${HEADER}2023-11-16 18:15:46,0,4`, 'a:2: ContextTokens: expected .* from 1 .* found "0"'],
    [`${HEADER}2023-11-16 18:15:46,3,1e99`, 'a:2: GeneratedTokens: expected .* found "1e99"'],
    [`${HEADER}2023-11-16 18:15:46,3,999999999`, 'a:2: GeneratedTokens: .* to 100000000, found'],
    ['{"timestamp": 1, "input_', 'a:1: expected a JSON object, found'],
    ['{"timestamp": "1"}', 'a:1: timestamp: expected milliseconds, found "1"'],
    ['{"timestamp": 1, "input_length": 2.5}', 'a:1: input_length: expected .* found 2.5'],
  ])('refuses %j in one line', (text, message) => {
    const refused = () => readTrace(text, 'a');
    expect(refused).toThrow(new RegExp(`^${message}`));
    expect(refused).not.toThrow(/\n/);
  });

  it('reads a million requests, and refuses a gigantic file in one line', () => {
    const row = '{"timestamp":1,"input_length":1,"output_length":1}\n';
    const text = row.repeat(1e6);
    expect(readTrace(text, 'a').requests).toHaveLength(1e6);
    expect(() => readTrace(text + row, 'a')).toThrow(
      /^a: expected at most 1000000 requests, found more; take fewer with workload\.requests$/,
    );
    expect(readTrace(text + row, 'a', 10).requests).toHaveLength(10);
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
