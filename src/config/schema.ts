/** What a configuration may hold: its keys, defaults and limits, and the JSON Schema for editors. */
import * as z from 'zod';
import { MAPPINGS, MAPPING_NAMES } from '../mapping/mappings.js';
import { deployments } from './deployments.js';
import { economics } from './economics-schema.js';
import { hardwareSchema, section } from './hardware-file.js';
import { show } from '../model/errors.js';
import { choice, count, expected, flag } from './errors.js';
import { model, orName } from './model-schema.js';
import { STATED_JSON_SCHEMA, readUnits } from './quantity.js';
import { scenarios, serving, servingWorkload, transport } from './serving-schema.js';
import { speculation } from './speculation-schema.js';

const places = (form: string) =>
  z
    .string(expected(`places such as ${form}`))
    .regex(/^\s*(\d+,\d+(,(east|south))?(\s+|$))*$/, expected(`places such as ${form}`));

const defects = section('a mapping', {
  repair: choice('spares', 'avoid')
    .default('spares')
    .describe('Rows move on to spare columns, or regions avoid dead cores'),
  rate: z
    .number(expected('a share, 0 to 0.5'))
    .min(0, expected('a share, 0 to 0.5'))
    .max(0.5, expected('a share, 0 to 0.5'))
    .default(0)
    .describe('Share of dead cores, drawn from the seed'),
  seed: count(0, 2 ** 31 - 1)
    .default(1)
    .describe('Seed of the dead cores'),
  cores: places('12,7 30,1').exactOptional().describe('Dead cores: x,y apart by blanks'),
  links: places('12,7,east 30,1,south').exactOptional().describe('Dead links, from their core'),
  spareColumns: count(0, 4096)
    .default(58)
    .describe('Spare cores per row; 58 of 750 as 970,000 physical cores to 900,000 (assumed)'),
}).superRefine(({ links, repair }, context) => {
  if (links !== undefined && repair === 'avoid')
    context.addIssue({
      code: 'custom',
      path: ['links'],
      message: 'expected no dead links with repair: avoid, which leads paths over every link',
      input: links,
    });
});

export const hardware = hardwareSchema(readUnits).extend({ defects: defects.optional() });

const workload = section('a mapping', {
  context: count(0)
    .default(4096)
    .describe(
      'Tokens already in the cache; by default fewer where the model has fewer positions, 0 with a prompt',
    ),
  batch: count(1).default(1).describe('Users that decode at once'),
  tokens: count(1).default(1).describe('Decode steps'),
  stop: z
    .array(count(0, 2 ** 24), expected('a list of token ids'))
    .exactOptional()
    .describe('Tokens after which a run with a prompt takes no further step'),
  data: flag()
    .default(false)
    .describe('Compute on real numbers and check the logits; always with weights or a prompt'),
  seed: count(0, 2 ** 32 - 1)
    .default(1)
    .describe('Seed of weights, prompt and drawn experts'),
  routing: z
    .string(expected('uniform, skewed, reference or the path of a file of choices'))
    .exactOptional()
    .describe(
      'Who chooses experts that lie in strips: drawn alike for all or by popularity, lines of a file, or reference, the plain decoder (where a run computes); by default reference or else uniform',
    ),
  routingDraws: count(1, 65_536)
    .default(16)
    .describe('Tokens with drawn experts that are simulated, where experts lie in strips'),
  routingSkew: z
    .number(expected('a number, 1 to 16'))
    .min(1, expected('a number, 1 to 16'))
    .max(16, expected('a number, 1 to 16'))
    .default(4)
    .describe('With routing: skewed: weight of the most popular expert over the mean of all'),
  ...servingWorkload,
  speculation: speculation
    .exactOptional()
    .describe('Several tokens of a user verified at once, all but the first of them guessed'),
});

const placement = section('a mapping', {
  strategy: choice('row-major', 'snake', 'hilbert', 'greedy', 'anneal', 'optimal')
    .default('row-major')
    .describe('Order of the regions on a wafer'),
  growth: choice('fill', 'minimal', 'search')
    .default('fill')
    .describe(
      'Regions fill the wafer, or are as small as fits; search: their shape and groups by simulation',
    ),
  rows: count(1).exactOptional().describe("Rows of a layer's region"),
  layers: choice('whole', 'split', 'auto')
    .default('auto')
    .describe(
      'Regions of a layer: one, or two for its attention and its MLP; auto: which takes the fewest wafers, then cycles',
    ),
  layerColumns: z
    .union(
      [count(1), z.array(count(1)), section('a mapping', { attention: count(1), mlp: count(1) })],
      expected('an integer, at least 1, a list of them, or a mapping with attention and mlp'),
    )
    .exactOptional()
    .describe(
      "Columns of a layer's region (of split layers of both), of each layer's, or of split layers' attention and MLP",
    ),
  kvReplicas: z
    .union([z.literal('auto'), count(1)], expected('auto or an integer, at least 1'))
    .default('auto')
    .describe(
      'KV groups that hold each KV head, of the query heads that share it; auto: as many as are fastest, and 1 where many users are served',
    ),
  experts: choice('sliced', 'strips')
    .default('sliced')
    .describe(
      'Experts lie sliced over all columns of their layer, or over the columns of a strip each',
    ),
  strips: z
    .union([z.literal('auto'), count(1)], expected('auto or an integer, at least 1'))
    .default('auto')
    .describe(
      'With experts: strips: how many, a divisor of the number of experts; auto: the fewest wafers, then cycles',
    ),
  expertOrder: choice('contiguous', 'in-turn', 'popular', 'apart')
    .default('in-turn')
    .describe(
      'Which experts lie in which strip: by number, dealt in turn, dealt by popularity, or apart from those chosen with them',
    ),
  groups: z
    .union(
      [count(1), section('a mapping', { column: count(1), row: count(1), head: count(1) })],
      expected('an integer, at least 1, or a mapping with column, row and head'),
    )
    .exactOptional()
    .describe("Groups of every all-reduce, or of a layer's on its columns, rows and heads"),
});

const mapping = section("a mapping's name, or a mapping", {
  name: choice(...MAPPING_NAMES)
    .default('gqa')
    .describe('How a layer is cut over its cores'),
  latent: choice('expanded', 'latent', 'auto')
    .default('auto')
    .describe(
      'What the cache of latent attention has: keys and values of every head, or latent vectors; auto: the former where it fits on as many wafers',
    ),
});

/** A configuration with `extends` resolved, short forms written out and its hardware merged in. */
export const config = section('a mapping', {
  hardware,
  model,
  mapping: mapping.prefault({}),
  exact: flag().default(false).describe('waferllm only: exp and SiLU in full, not as published'),
  workload: workload.prefault({}),
  placement: placement.prefault({}),
  serving: serving.exactOptional(),
  transport: transport.exactOptional(),
  economics: economics
    .exactOptional()
    .describe('Prices, of which the cost of tokens is computed; none of them has a default'),
  scenarios: scenarios.exactOptional(),
  deployments: deployments
    .exactOptional()
    .describe('Several models on one system, each on wafers of its own, and a router by model'),
}).superRefine(({ exact, mapping: { name: mapping }, placement, ...rest }, context) => {
  const { growth, layers, layerColumns, groups, kvReplicas, experts } = placement;
  refusePrompt(rest, context);
  refuseDeployments(rest, context);
  const { takes } = MAPPINGS[mapping];
  const refuse = (path: string, found: unknown, why: string) =>
    context.addIssue({ code: 'custom', path: ['placement', path], message: why, input: found });
  if (experts === 'strips' && !takes.strips)
    refuse('experts', experts, `expected sliced with mapping: ${mapping}, found strips`);
  if (growth === 'search' && !takes.search)
    refuse('growth', growth, `expected fill or minimal with mapping: ${mapping}, found search`);
  if (typeof kvReplicas === 'number' && kvReplicas > 1 && !takes.replicas)
    refuse('kvReplicas', kvReplicas, `expected auto with mapping: ${mapping}, found ${kvReplicas}`);
  if (layers === 'split' && !takes.split)
    refuse('layers', layers, `expected whole or auto with mapping: ${mapping}, found split`);
  if (layers === 'whole' && isSplit(layerColumns))
    refuse('layerColumns', layerColumns, 'expected one width with layers: whole, found a mapping');
  if (growth === 'search' && layerColumns !== undefined)
    refuse('layerColumns', layerColumns, 'expected none with growth: search, which chooses them');
  if (growth === 'search' && groups !== undefined)
    refuse('groups', groups, 'expected none with growth: search, which chooses them');
  if (typeof groups === 'object' && !takes.groupsByLine)
    refuse('groups', groups, `expected one number with mapping: ${mapping}, found a mapping`);
  const { speculation } = rest.workload;
  if (speculation !== undefined && !takes.speculation)
    context.addIssue({
      code: 'custom',
      path: ['workload', 'speculation'],
      message: `expected none with mapping: ${mapping}, found a mapping`,
      input: speculation,
    });
  const message = `expected false with mapping: ${mapping}, which is exact as it is, found true`;
  if (exact && !takes.exact)
    context.addIssue({ code: 'custom', path: ['exact'], message, input: exact });
});

/** Widths of attention and MLP apart. */
function isSplit(columns: z.output<typeof placement>['layerColumns']): boolean {
  return typeof columns === 'object' && !Array.isArray(columns);
}

/** A prompt of tokens is no length, and a list of stops is of nothing without it. */
function refusePrompt(
  { workload: { kind, prompt, stop } }: { workload: z.output<typeof workload> },
  context: z.core.$RefinementCtx,
): void {
  const isTokens = Array.isArray(prompt) || typeof prompt === 'string';
  const refuse = (key: string, message: string, input: unknown) =>
    context.addIssue({ code: 'custom', path: ['workload', key], message, input });
  if (kind === 'serving' && isTokens)
    refuse(
      'prompt',
      `expected a mapping with mean and cv with kind: serving, found ${show(prompt)}`,
      prompt,
    );
  if (stop !== undefined && !isTokens)
    refuse('stop', 'expected none without a prompt of tokens or text, found a list', stop);
}

/** Deployments serve requests, and are no scenarios of one another. */
function refuseDeployments(
  {
    workload: { kind },
    deployments,
    scenarios,
  }: { workload: z.output<typeof workload>; deployments?: object; scenarios?: object },
  context: z.core.$RefinementCtx,
): void {
  if (deployments === undefined) return;
  const refuse = (path: string[], message: string, input: unknown) =>
    context.addIssue({ code: 'custom', path, message, input });
  if (kind !== 'serving')
    refuse(['workload', 'kind'], `expected serving with deployments, found ${show(kind)}`, kind);
  if (scenarios !== undefined)
    refuse(['scenarios'], 'expected none with deployments, found some', scenarios);
}

/** What `loadHardware` validates: the hardware alone, under the same paths. */
export const hardwareOnly = section('a mapping', { hardware });

export type Config = z.output<typeof config>;

/**
 * JSON Schema (draft-07) of a configuration file as users write it: hardware and model may be paths,
 * and nothing is required, since the file may extend another.
 */
export function configSchema(): object {
  const path = (description: string) => ({ type: 'string', description });
  const whole = z.toJSONSchema(config, { target: 'draft-7', io: 'input' }) as JsonSchema;
  const { hardware: wafer, model: llm, mapping: cut, ...rest } = optional(whole).properties!;
  const extend = { extends: path('A file that this one overrides, relative to it') };
  const definition = { ...wafer, properties: { ...extend, ...wafer.properties } };
  return {
    $schema: whole.$schema,
    title: 'wafersim configuration',
    type: 'object',
    properties: {
      ...extend,
      hardware: {
        anyOf: [path(`Hardware file, ${orName('wse3')}`), { $ref: '#/definitions/hardware' }],
      },
      model: { anyOf: [path(`Hugging Face config.json, ${orName('llama-3.1-8b')}`), llm] },
      mapping: { anyOf: [cut?.properties?.['name'], cut] },
      ...rest,
    },
    additionalProperties: false,
    definitions: { hardware: definition, stated: STATED_JSON_SCHEMA },
  };
}

interface JsonSchema {
  $schema?: string;
  properties?: Record<string, JsonSchema>;
  required?: string[];
}

function optional({ required: _, ...schema }: JsonSchema): JsonSchema {
  if (!schema.properties) return schema;
  const entries = Object.entries(schema.properties).map(([key, value]) => [key, optional(value)]);
  return { ...schema, properties: Object.fromEntries(entries) };
}
