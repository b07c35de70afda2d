/** The layer for the token after the next: out of a checkpoint, on the wafer, and as a draft. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import type { ResolvedConfig } from '../src/config.js';
import { mtpWeightsOf, relativeError, weightsOf } from '../src/decode/compute.js';
import { draftConfigOf } from '../src/decode/speculation/draft.js';
import { drafterOf } from '../src/decode/speculation/drafter-of.js';
import { byChance, plainTokens, roundsOf, speculating } from './helpers/rounds.js';
import { loweredOf } from '../src/decode/lowered.js';
import { placementOf } from '../src/decode/place.js';
import { roomOf } from '../src/decode/positions.js';
import { createRoundTimer } from '../src/decode/speculation/timer.js';
import { createRunner } from '../src/decode/runner.js';
import { beginStep, createStageRunner, runOn, timedStages } from '../src/decode/stages.js';
import { computeToken } from '../src/decode/step.js';
import { layerCode } from '../src/lowering/region.js';
import { formatNamed } from '../src/model/formats.js';
import { mtpModel } from '../src/model/mtp.js';
import type { ModelSpec } from '../src/model/model.js';
import { createPlainDecoder, greedy } from '../src/model/plain/decoder.js';
import { randomWeights } from '../src/model/weights.js';
import { seededRandom } from '../src/numeric/random.js';
import { regionBytes } from '../src/placement/budget.js';
import { sramBytesOf } from '../src/program/program.js';
import { KINDS, modelOf } from './helpers/all-kinds.js';
import { tinyConfig } from './helpers/checkpoint.js';
import { cases, count } from './helpers/full.js';
import { OPTIONS } from './helpers/options.js';
import { f32, filled, put, type Stored } from './helpers/safetensors.js';
import { simulateTimes } from './helpers/times.js';

/** One layer of some kind that joins a hidden state to its token. */
const layerOf = (kind: string, changes: Partial<ModelSpec> = {}): ModelSpec =>
  mtpModel(modelOf([KINDS[kind]], changes), true);

/** The largest relative errors of the wafer's logits and hidden states, over some tokens. */
async function errorsOf(model: ModelSpec, shape: string[]): Promise<number> {
  const sets = shape.map((set) => `placement.${set}`);
  const room = ['hardware.width=200', 'hardware.core.sram=1 MiB', 'workload.context=0'];
  const loaded = loadConfig('configs/tiny.yaml', [...room, ...sets, 'placement.growth=minimal']);
  const config = { ...loaded, model };
  const { wafer } = config;
  const maxPositions = 8;
  const programs = createRunner(OPTIONS);
  const placement = placementOf(config);
  const lowered = await loweredOf(config, placement, maxPositions, programs);
  const random = seededRandom('mtp');
  const weights = randomWeights(model, random);
  const caches = model.layers.map(() => ({ keys: [], values: [] }));
  const memory = lowered.images({ context: 0, maxPositions }, weights, caches);
  const plain = createPlainDecoder(model, weights, maxPositions);
  const runner = createStageRunner({ wafer, memo: true, run: runOn(programs, wafer) });
  let most = 0;
  for (const [position, token] of [5, 3, 17].entries()) {
    const hidden = Float64Array.from({ length: model.dim }, () => 2 * random() - 1);
    memory.bring!(hidden);
    const plan = lowered.plan({ context: position, maxPositions });
    beginStep(runner, plan);
    const stages = await timedStages(runner, plan, programs);
    const numbers = { memory, token } as Parameters<typeof computeToken>[3];
    await computeToken(runner, plan, stages, numbers, position, programs);
    const expected = plain.step(token, [], [], hidden);
    const { logits } = memory.outcome();
    const own = relativeError(memory.hidden!(), plain.hiddens.at(-1)!);
    most = Math.max(most, relativeError(logits, expected), own);
  }
  return most;
}

describe('a layer that joins a hidden state to its token', () => {
  const shapes = [
    ['rows=3', 'layerColumns=7'],
    ['rows=11', 'layerColumns=2', 'layers=split'],
    ['rows=5', 'layerColumns=23'],
    ['rows=1', 'layerColumns=1'],
  ];
  const kinds = cases(
    ['a plain layer', 'latent queries, groups of experts'],
    ['a delta rule, a gated shared expert', 'norms after, and of all heads'],
  );
  it.each(kinds.map((kind, i) => [kind, i] as const))(
    'computes what the plain decoder does: %s',
    async (kind, i) => {
      const [first, ...rest] = [...shapes.slice(i), ...shapes.slice(0, i)];
      for (const shape of cases([first, rest[0]], rest.slice(1)))
        expect(await errorsOf(layerOf(kind), shape)).toBeLessThan(1e-5);
    },
  );

  it('in 16 bits and with 8-bit weights, as closely as those allow', async () => {
    const small = { dtype: 'f16', weightBits: 8, normPlusOne: true } as const;
    expect(await errorsOf(layerOf('a plain layer', small), shapes[0])).toBeLessThan(3e-2);
    const few = { dtype: 'f32', weightBits: 8, tied: true } as const;
    expect(await errorsOf(layerOf('a plain layer', few), shapes[0])).toBeLessThan(1e-5);
    // Blocks have rows of their own, to which their elements do not fall evenly.
    const format = formatNamed('mxfp4');
    const blocked = { dim: 64, formats: { experts: format, rest: format, tables: format } };
    const own = layerOf('a plain layer', blocked);
    expect(await errorsOf(own, ['rows=6', 'layerColumns=7'])).toBeLessThan(1e-5);
  });

  it('keeps what the budget of its region counts', () => {
    const { wafer } = loadConfig('configs/tiny.yaml');
    for (const kind of ['layer', 'attention', 'mlp'] as const)
      for (const of of [1, 4]) {
        const model = layerOf('a plain layer');
        const [width, height, maxPositions] = [7, 3, 20];
        const region = { kind, layerKind: 0, width, height };
        const step = { context: 9, maxPositions, ...(of > 1 && { inFlight: { index: 1, of } }) };
        const code = layerCode(model, wafer, region, { column: 1, row: 1, head: 1 }, step);
        const bytes = Array.from({ length: width * height }, (_, i) => {
          const core = code.write(Math.floor(i / width), i % width);
          return sramBytesOf({ ...core, operations: [], routes: [] });
        });
        const asked = { mapping: 'gqa', maxPositions, batch: 1, inFlight: of } as const;
        const budget = regionBytes({ kind, layerKind: 0 }, model, wafer, asked, height, width);
        expect(Math.max(...bytes)).toBe(budget);
      }
  });
});

/** A DeepSeek with a layer for the token after the next, whose numbers are as good as random. */
const DEEPSEEK = {
  ...{ model_type: 'deepseek_v3', hidden_size: 24, intermediate_size: 40, num_hidden_layers: 1 },
  ...{ num_attention_heads: 4, num_key_value_heads: 4, q_lora_rank: null, kv_lora_rank: 10 },
  ...{ qk_nope_head_dim: 6, qk_rope_head_dim: 4, v_head_dim: 6, vocab_size: 37 },
  ...{ first_k_dense_replace: 1, n_routed_experts: 4, num_experts_per_tok: 2, n_group: 1 },
  ...{ topk_group: 1, moe_intermediate_size: 12, n_shared_experts: 1, norm_topk_prob: true },
  ...{ routed_scaling_factor: 1, scoring_func: 'sigmoid', topk_method: 'noaux_tc' },
  ...{ num_nextn_predict_layers: 1, rope_theta: 10000, max_position_embeddings: 64 },
  ...{ rms_norm_eps: 1e-6, tie_word_embeddings: false, hidden_act: 'silu', moe_layer_freq: 1 },
  ...{ attention_bias: false, rope_interleave: true },
};

function tensors(): Record<string, Stored> {
  const shapes: Record<string, number[]> = {
    'model.embed_tokens.weight': [37, 24],
    'model.norm.weight': [24],
    'lm_head.weight': [37, 24],
  };
  const attention = (own: string) => {
    shapes[`${own}.input_layernorm.weight`] = [24];
    shapes[`${own}.post_attention_layernorm.weight`] = [24];
    shapes[`${own}.self_attn.q_proj.weight`] = [40, 24];
    shapes[`${own}.self_attn.kv_a_proj_with_mqa.weight`] = [14, 24];
    shapes[`${own}.self_attn.kv_a_layernorm.weight`] = [10];
    shapes[`${own}.self_attn.kv_b_proj.weight`] = [48, 10];
    shapes[`${own}.self_attn.o_proj.weight`] = [24, 24];
  };
  const mlp = (own: string, inner: number) => {
    shapes[`${own}.gate_proj.weight`] = [inner, 24];
    shapes[`${own}.up_proj.weight`] = [inner, 24];
    shapes[`${own}.down_proj.weight`] = [24, inner];
  };
  attention('model.layers.0');
  mlp('model.layers.0.mlp', 40);
  const own = 'model.layers.1';
  attention(own);
  for (const expert of [0, 1, 2, 3]) mlp(`${own}.mlp.experts.${expert}`, 12);
  mlp(`${own}.mlp.shared_experts`, 12);
  shapes[`${own}.mlp.gate.weight`] = [4, 24];
  shapes[`${own}.mlp.gate.e_score_correction_bias`] = [4];
  for (const name of ['enorm', 'hnorm', 'shared_head.norm']) shapes[`${own}.${name}.weight`] = [24];
  shapes[`${own}.eh_proj.weight`] = [24, 48];
  shapes[`${own}.embed_tokens.weight`] = [37, 24];
  shapes[`${own}.shared_head.head.weight`] = [37, 24];
  const random = seededRandom('a DeepSeek');
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => {
      const length = shape.reduce((product, n) => product * n, 1);
      const values = Array.from({ length }, () => random() - 0.5);
      return [name, f32(shape, shape.length === 1 ? values.map((x) => 1 + x / 4) : values)];
    }),
  );
}

/** What the layer drafts after these tokens: true hidden states as far as there are tokens, then its own. */
function draftedAfter(config: ResolvedConfig, tokens: readonly number[], count: number): number[] {
  const { model } = config;
  const plain = createPlainDecoder(model, weightsOf(config).weights);
  const layer = createPlainDecoder(mtpModel(model, false), mtpWeightsOf(config).weights);
  for (const token of tokens.slice(0, -1)) plain.step(token);
  let logits!: Float64Array;
  for (const [i, hidden] of plain.hiddens.entries())
    logits = layer.step(tokens[i + 1], [], [], hidden);
  const drafted = [greedy(logits)];
  while (drafted.length < count)
    drafted.push(greedy(layer.step(drafted.at(-1)!, [], [], layer.hiddens.at(-1))));
  return drafted;
}

describe('a model that drafts by its own layer', () => {
  const folder = mkdtempSync(join(tmpdir(), 'wafersim-mtp-'));
  put(folder, { 'config.json': DEEPSEEK, 'model.safetensors': filled(tensors()) });
  afterAll(() => rmSync(folder, { recursive: true }));

  const run = async (speculation: string[]) => {
    const sets = [
      ...['workload.prompt=[5, 11, 2]', 'workload.tokens=7'],
      ...speculation.map((set) => `workload.speculation.${set}`),
    ];
    return simulateTimes(tinyConfig(folder, ...sets), OPTIONS);
  };

  it('takes true states again of what was accepted, and drafts what it would if it had begun anew', async () => {
    const config = tinyConfig(folder, 'placement.groups=2');
    const speaking = { config, weights: weightsOf(config).weights };
    const draft = { kind: 'mtp', assumed: false } as const;
    const asked = { prompt: [5, 11, 2], tokens: count(12, 24), verified: 4, draft };
    const own = speculating(speaking, asked);
    const drafting = { config: draftConfigOf(own)!, placement: placementOf(own).draft!.placement };
    const options = { ...OPTIONS, runner: createRunner(OPTIONS) };
    const guesses: number[][] = [];
    const { rounds, tokens } = await roundsOf(speaking, asked, async (numbers) => {
      const layer = await drafterOf(own, numbers, drafting, options);
      // Its guesses are those of random weights: others stand in for them, of which some are right.
      const others = await byChance(0.6)(numbers);
      return {
        async draft(round) {
          guesses.push(await layer.draft(round));
          return others.draft(round);
        },
      };
    });
    expect(tokens).toEqual(plainTokens(speaking, asked));
    expect(new Set(rounds.map(({ accepted }) => accepted)).size).toBeGreaterThan(2);
    const known = [...asked.prompt];
    for (const [i, { emitted }] of rounds.entries()) {
      expect(guesses[i]).toEqual(draftedAfter(config, known, 3));
      known.push(...emitted);
    }
  });

  it('takes longer by what was accepted before, and by hidden states on their way', async () => {
    const asked = ['draft.mtp=true', 'tokens=3', 'acceptance=0.5'];
    const sets = asked.map((set) => `workload.speculation.${set}`);
    const config = tinyConfig(folder, 'workload.context=5', ...sets);
    const placement = placementOf(config);
    const heights = [...placement.regions, ...placement.draft!.placement.regions].map(
      (r) => r.height,
    );
    expect(new Set(heights).size).toBe(1);
    // It lies on what the model leaves of its last wafer.
    const { shared, placement: drafts } = placement.draft!;
    const lowest = Math.max(...placement.regions.map(({ y, height }) => y + height));
    expect([shared, placement.wafers]).toEqual([true, 1]);
    for (const { y, wafer } of drafts.regions) expect([wafer, y >= lowest]).toEqual([0, true]);
    // Without room there it has a wafer of its own.
    const full = { ...config, wafer: { ...config.wafer, height: lowest + 2 } };
    const apart = placementOf(full);
    expect([apart.draft!.shared, apart.wafers]).toEqual([false, 2]);
    expect(apart.regions).toEqual(placement.regions);
    const programs = createRunner(OPTIONS);
    const maxPositions = roomOf(config);
    const { plan } = await loweredOf(config, placement, maxPositions, programs);
    const timer = await createRoundTimer(config, placement, {
      ...{ plan, maxPositions, programs, memo: true },
    });
    const [none, one, two] = [0, 1, 2].map((again) => timer.time(5, 9000, 3, again));
    const [a, b, c] = [await none, await one, await two];
    for (const { rows, cycles } of [a, b, c])
      expect(Object.values(rows).reduce((sum, n) => sum + n, 0)).toBe(cycles);
    const more = (row: 'draft' | 'transport') => b.rows[row] - a.rows[row];
    expect(Math.min(more('draft'), more('transport'))).toBeGreaterThan(0);
    expect(b.cycles - a.cycles).toBe(more('draft') + more('transport'));
    expect(c.cycles - b.cycles).toBe(b.cycles - a.cycles);
    // Slices of rows are a few elements: their way is short next to a token's.
    expect(more('transport')).toBeLessThan(more('draft'));
  });

  it('says what it says without, and measures what of it is accepted', async () => {
    const plain = await run([]);
    const tokens = plain.steps.map(({ token }) => token);
    for (const verified of cases([3], [2, 4])) {
      const drafts = await run(['draft.mtp=true', `tokens=${verified}`, 'acceptance=measured']);
      expect(drafts.steps.map(({ token }) => token)).toEqual(tokens);
      expect(drafts.check).toMatchObject({ passed: true, choice: true });
      const { drafted, accepted } = drafts.decode.speculation!;
      expect(drafted).toBeGreaterThan(0);
      expect(accepted).toBeLessThanOrEqual(drafted);
    }
  });
});
