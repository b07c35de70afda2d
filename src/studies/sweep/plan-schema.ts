/** What a plan may hold: its keys, defaults and limits, and the JSON Schema for editors. */
import * as z from 'zod';
import { choice, expected, text } from '../../config/errors.js';
import { section } from '../../config/hardware-file.js';
import { METRIC_NAMES } from './results.js';

const WHAT_VALUE = 'a text, a number, true, false, or a list of them';
const scalar = z.union([z.string(), z.number(), z.boolean()], expected(WHAT_VALUE));
const value = z.union([scalar, z.array(scalar, expected(WHAT_VALUE))], expected(WHAT_VALUE));
const number = z.number(expected('a number'));

const values = z.array(value, expected('a list of values')).min(1, expected('at least one value'));

const WHAT_AXIS = 'a list of values, a range or a log2';
const range = section(WHAT_AXIS, {
  range: z
    .tuple([number, number, number], expected('from, to and step'))
    .describe('from, from + step and so on, up to and with to'),
});
const log2 = section(WHAT_AXIS, {
  log2: z
    .tuple([number, number], expected('from and to'))
    .describe('from and its doubles, up to and with to'),
});
const axis = z.union([values, range, log2], expected(WHAT_AXIS));

export type Axis = z.output<typeof axis>;

const metric = () => choice(...METRIC_NAMES);

export const planSchema = section('a mapping with base and axes', {
  base: text('the path of a configuration').describe(
    'The configuration that all points vary, relative to this file',
  ),
  set: z
    .array(text('path=value'), expected('a list of path=value'))
    .default([])
    .describe('Settings of all points, as --set has them'),
  axes: z
    .record(z.string(), axis, expected('a mapping of paths and their values'))
    .default({})
    .describe('What varies: every combination is a point, the last axis first'),
  zip: z
    .array(
      z.record(z.string(), values, expected('a mapping of paths and their values')),
      expected('a list of mappings'),
    )
    .default([])
    .describe('Axes that set several paths at once: the first values together, then the second'),
  exclude: z
    .array(
      z.record(z.string(), value, expected('a mapping of paths and a value of each')),
      expected('a list of mappings'),
    )
    .default([])
    .describe('Points that are left out: those that have all values of an entry'),
  pareto: section('a mapping with x and y', {
    x: metric().describe('Metric of the horizontal axis'),
    y: metric().describe('Metric of the vertical axis'),
  })
    .default({ x: 'tokensPerSecondPerUser', y: 'tokensPerSecond' })
    .describe('The two metrics of the Pareto front'),
});

/** JSON Schema (draft-07) of a plan. */
export function sweepSchema(): object {
  const { $schema, ...whole } = z.toJSONSchema(planSchema, { target: 'draft-7', io: 'input' });
  return { $schema, title: 'wafersim sweep', ...whole };
}
