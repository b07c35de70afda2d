/**
 * Configurations whose every key is right by itself, put together at random: a command, a model file
 * with fields missing or odd, and settings. Text as YAML and disks spoil it is in mutations.ts.
 */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import fc from 'fast-check';
import { requestsOf } from '../../src/studies/serve/requests.js';
import { isServing, loadConfig, placementOf, type ResolvedConfig } from '../../src/index.js';
import { COMMANDS } from './commands.js';
import { parameterCount } from '../../src/model/operators.js';

interface Combination {
  command: string;
  /** Fields that the model's file has otherwise, and fields that it lacks. */
  model: Record<string, unknown>;
  left: string[];
  sets: string[];
}

const ROPE = [
  { type: 'linear', factor: 4 },
  { rope_type: 'yarn', factor: 4, original_max_position_embeddings: 64 },
  { rope_type: 'yarn', factor: 1e6, beta_fast: 1, beta_slow: 1, truncate: false },
  { rope_type: 'yarn', factor: 32, mscale: 0.7, mscale_all_dim: 1, attention_factor: null },
  {
    ...{ rope_type: 'llama3', factor: 16, low_freq_factor: 1, high_freq_factor: 1 },
    original_max_position_embeddings: 8192,
  },
  { rope_type: 'default' },
  { rope_theta: 5000 },
  { rope_type: 'dynamic', factor: 2 },
  { full_attention: { rope_type: 'linear', factor: 2 }, sliding_attention: { rope_theta: 7 } },
  { sliding_attention: {} },
  { factor: '4', type: 'yarn' },
];

const QUANTISED = [
  { quant_method: 'fp8' },
  { quant_method: 'gptq', bits: 4 },
  { quant_method: 'awq', bits: 8 },
  { load_in_4bit: true },
  { quant_method: 'compressed-tensors', config_groups: { a: { weights: { num_bits: 8 } } } },
  { quant_method: 'compressed-tensors', config_groups: { a: null } },
  { quant_method: 'compressed-tensors', config_groups: [] },
  { quant_method: 'toString' },
];

/** Values that a file may have; `undefined` leaves the field out. */
const FIELDS: Record<string, unknown[]> = {
  model_type: ['llama', 'mistral', 'qwen3', 'qwen2', 'mixtral'],
  hidden_size: [1, 2, 7, 48, 50, 96],
  num_hidden_layers: [1, 2, 3, 5],
  num_attention_heads: [1, 2, 3, 4, 6, 8],
  num_key_value_heads: [null, 1, 2, 3, 4, 8],
  head_dim: [null, 2, 4, 7, 12, 16, 64],
  intermediate_size: [1, 2, 80, 81, 200],
  vocab_size: [1, 2, 96, 97, 300],
  tie_word_embeddings: [true, false, null],
  max_position_embeddings: [1, 2, 16, 512],
  rms_norm_eps: [1e-12, 1e-5, 1],
  rope_theta: [1, 1.5, 10_000, 1e12],
  rope_scaling: [null, ...ROPE],
  rope_parameters: [null, ...ROPE],
  sliding_window: [null, 0, 1, 8, 20, 4096],
  use_sliding_window: [true, false, null],
  max_window_layers: [0, 1, 28],
  layer_types: [
    null,
    [],
    ['full_attention', 'full_attention'],
    ['sliding_attention', 'full_attention'],
    ['linear_attention', 3],
  ],
  quantization_config: [null, ...QUANTISED],
  attention_bias: [true, false],
};

/** Values of settings; a list is several settings that belong together. */
const SETTINGS: Record<string, (string | number | boolean | string[])[]> = {
  exact: [true, false],
  'model.dtype': ['f16', 'f32'],
  'model.weightBits': [4, 8, 16, 32],
  'model.bits.experts': [16, 'fp8', 'mxfp4', 'int4/128'],
  'model.bits.rest': [8, 16, 'fp8', 'mxfp4', 'int4'],
  'workload.context': [0, 1, 7, 8, 40, 511, 512],
  'workload.tokens': [1, 2, 5],
  'workload.batch': [1, 2, 3, 7, 40],
  'workload.data': [true, false],
  'workload.requests': [1, 3, 20],
  'workload.arrivals.process': ['poisson', 'gamma', 'fixed', 'closed'],
  'workload.arrivals.rate': [0.001, 1, 1e6],
  'workload.prompt.mean': [1, 30, 700],
  'workload.output.mean': [1, 2, 30],
  'workload.horizonSeconds': [0.001, 1],
  'serving.policy': ['fcfs', 'latency-first', 'batch-first'],
  'serving.maxContext': [2, 20, 100, 512],
  'serving.maxUsers': [1, 2],
  'serving.floor': [0.001, 1e6],
  'transport.kind': ['http', 'websocket'],
  'transport.compare': [true],
  'placement.strategy': ['row-major', 'snake', 'hilbert', 'greedy', 'anneal', 'optimal'],
  'placement.growth': ['fill', 'minimal', 'search'],
  'placement.rows': [1, 2, 3, 7, 12, 100],
  'placement.layerColumns': [1, 2, 5, 9, 100],
  'placement.groups': [1, 2, 5, 1000],
  'placement.groups by line': [
    [1, 1, 1],
    [3, 2, 2],
    [1, 1000, 1],
    [1, 1, 3],
  ].map((groups) =>
    ['column', 'row', 'head'].map((line, i) => `placement.groups.${line}=${groups[i]}`),
  ),
  'hardware.width': [1, 2, 7, 12, 24],
  'hardware.height': [1, 2, 7, 12],
  'hardware.wafers': [1, 2, 5, 'auto'],
  'hardware.core.sram': ['2 KiB', '5 KiB', '20 KiB', '1 MiB'],
  'hardware.fabric.queueDepth': [1, 2, 256],
  'hardware.fabric.colors': [1, 5, 23, 24, 32],
  'hardware.fabric.hopCycles': [1, 2, 7],
  'hardware.fabric.rampCycles': [1, 5],
  'hardware.io.latency': ['0 s', '1 s'],
  'hardware.costs.routeChange': [0, 9],
  'hardware.costs.programStart': [0, 100],
  'hardware.costs.elementsPerCycle.fma.f32': [0.001, 64],
  'hardware.defects.cores': ['0,0', '1,1 3,2'],
  'hardware.defects.links': ['0,0,east', '1,1,south'],
  'hardware.defects.rate': [0, 0.05, 0.5],
  'hardware.defects.repair': ['spares', 'avoid'],
  'hardware.defects.spareColumns': [0, 1, 20],
};

const SERVING = [
  ...['workload.kind=serving', 'workload.requests=5', 'workload.arrivals.rate=100'],
  ...['workload.prompt.mean=20', 'workload.output.mean=5', 'serving.policy=fcfs'],
];

/** Some keys of an object of choices, each with one of its values. */
function some(choices: Record<string, unknown[]>, maxLength: number) {
  const entry = fc
    .constantFrom(...Object.keys(choices))
    .chain((key) => fc.tuple(fc.constant(key), fc.constantFrom(...choices[key])));
  return fc.uniqueArray(entry, { selector: ([key]) => key, maxLength });
}

/** Without these a file is seldom refused at once. */
const LEFT_OUT = Object.keys(FIELDS).filter(
  (field) => !/^(model_type|.*_size|num_.*s)$/.test(field),
);

/** A combination as the text of an input. */
export const combination: fc.Arbitrary<string> = fc
  .record({
    command: fc.constantFrom(...Object.keys(COMMANDS)),
    odd: some(FIELDS, 3),
    left: fc.subarray([...LEFT_OUT, 'num_key_value_heads'], { maxLength: 2 }),
    mapping: fc.constantFrom('gqa', 'waferllm'),
    serving: fc.constantFrom([], [], [], SERVING),
    settings: some(SETTINGS, 5),
  })
  .map(({ command, odd, left, mapping, serving, settings }) => {
    const more = settings.map(([key, value]) =>
      Array.isArray(value) ? (value as string[]) : `${key}=${String(value)}`,
    );
    const sets = [`mapping=${mapping}`, ...serving, ...more.flat()];
    return JSON.stringify({ command, model: Object.fromEntries(odd), left, sets });
  });

const MOST_WEIGHTS = 100_000;
const MOST_CORES = 2000;

/** Whether a configuration is simulated in a moment; larger ones are no bad input. */
function isQuick({ model, wafer, workload }: ResolvedConfig, wafers: number): boolean {
  const weights = parameterCount(model);
  return (
    wafer.width * wafer.height * wafers <= MOST_CORES &&
    weights <= MOST_WEIGHTS &&
    workload.tokens <= 5
  );
}

/**
 * Reads a combination and does what its command does, for a while; `base` is the model whose fields it
 * changes. Throws what the command throws.
 */
export async function runCombination(path: string, text: string, base: object): Promise<void> {
  const { command, model, left, sets } = JSON.parse(text) as Combination;
  const fields = Object.entries({ ...base, ...model }).filter(([name]) => !left.includes(name));
  writeFileSync(`${path}.json`, JSON.stringify(Object.fromEntries(fields)));
  const yaml = `${path}.yaml`;
  writeFileSync(
    yaml,
    `hardware: { extends: ${resolve('configs/hardware/small.yaml')}, width: 20, height: 10 }\n` +
      `model: { config: ${path}.json }\nworkload: { context: 8 }\n`,
  );
  await runBriefly(command, yaml, sets);
}

/** Does what a command does if that is quick, and ends it after a while, which is no fault. */
export async function runBriefly(command: string, path: string, sets: string[]): Promise<void> {
  const config = loadConfig(path, sets);
  const searched = config.placement.growth === 'search';
  const placed = searched
    ? { ...config, placement: { ...config.placement, growth: 'fill' as const } }
    : config;
  const placement = placementOf(placed);
  if (!isQuick(config, placement.wafers)) return;
  if (isServing(config)) {
    const { requests } = requestsOf(config, config.model.maxContext);
    const output = requests.reduce((sum, { outputTokens }) => sum + outputTokens, 0);
    if (requests.length > 500 || output > 20_000) return;
  }
  const signal = AbortSignal.timeout(1000);
  try {
    await COMMANDS[command](path, sets, signal);
  } catch (error) {
    if (!signal.aborted || error !== signal.reason) throw error;
  }
}
