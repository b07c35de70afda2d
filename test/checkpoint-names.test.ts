/** Each number of a checkpoint comes to its place in the model, whatever a family packs together. */
import { describe, expect, it } from 'vitest';
import type { Checkpoint } from '../src/checkpoint/checkpoint.js';
import type { Dtype, Tensor } from '../src/checkpoint/header.js';
import { readWeights } from '../src/checkpoint/weights.js';
import type { AttentionSpec, DeltaSpec, GqaSpec, LatentSpec } from '../src/model/attention-spec.js';
import { unblocked } from '../src/model/blocks.js';
import { ModelError } from '../src/model/errors.js';
import type { ExpertsSpec, MlpSpec, RouterSpec } from '../src/model/mlp-spec.js';
import type { DeltaWeights, DenseWeights, ExpertsWeights } from '../src/model/model-weights.js';
import type { GqaWeights, LatentWeights, Matrix, Vector } from '../src/model/model-weights.js';
import type { LayerSpec, ModelSpec } from '../src/model/model.js';

const DIM = 4;
const VOCAB = 3;

const GQA: GqaSpec = {
  ...{ kind: 'gqa', heads: 4, kvHeads: 2, headDim: 2, bias: false, outBias: false },
  ...{ qkNorm: 'none', vNorm: false, valueIsKey: false, gate: false, sinks: false, scale: 1 },
  span: { kind: 'full' },
};
const LATENT: LatentSpec = {
  ...{ kind: 'latent', heads: 2, qRank: 3, kvRank: 2, nope: 2, value: 3, bias: false, scale: 1 },
  rope: { dim: 2, width: 2, theta: 1e4, pairs: 'neighbours' },
};
const DELTA: DeltaSpec = {
  kind: 'delta',
  keyHeads: 2,
  valueHeads: 4,
  keyDim: 2,
  valueDim: 3,
  conv: 4,
};
const DENSE: MlpSpec = { kind: 'dense', inner: 3, act: { fn: 'silu' }, bias: false };
const ROUTER: RouterSpec = {
  ...{ score: 'softmax', bias: 'none', renormalise: true, scale: 1, scalesInput: false },
  ...{ ownNorm: false, perExpertScale: false },
};
const EXPERTS: ExpertsSpec = {
  ...{ kind: 'experts', count: 2, topK: 1, inner: 3, act: { fn: 'silu' }, bias: false },
  router: ROUTER,
};

function modelOf(
  family: string,
  layer: Partial<LayerSpec> = {},
  more: Partial<ModelSpec> = {},
): ModelSpec {
  const kind: LayerSpec = { attention: GQA, mlp: DENSE, norms: 'pre', scaled: false, ...layer };
  return {
    ...{ name: 'test', family, dim: DIM, vocab: VOCAB, kinds: [kind], layers: [0] },
    ...{ normEpsilon: 1e-6, normPlusOne: false, embeddingScale: 1, tied: true, maxContext: 64 },
    ...{ dtype: 'f32', weightBits: 32, ...more },
  };
}

type Shapes = Record<string, number[]>;

/**
 * A checkpoint in which every number is one of a kind: 1000 for each tensor, and its place in it. Names of a
 * layer's tensors begin with a point; those of MXFP4 are bytes.
 */
function checkpointOf(shapes: Shapes, dtypes: Record<string, Dtype> = {}): Checkpoint {
  const tensors = new Map<string, Tensor>();
  const values = new Map<Tensor, Float32Array>();
  Object.entries(shapes).forEach(([short, shape], number) => {
    const name = short.replace(/^\./, 'model.layers.0.');
    const tensor = { name, dtype: dtypes[short] ?? 'F32', shape, begin: 0, end: 0 };
    const length = shape.reduce((product, n) => product * n, 1);
    tensors.set(name, tensor);
    values.set(
      tensor,
      Float32Array.from({ length }, (_, i) => 1000 * number + i),
    );
  });
  return { files: ['x'], tensors, read: (tensor) => values.get(tensor)!, close() {} };
}

const OUTSIDE: Shapes = { 'model.embed_tokens.weight': [VOCAB, DIM], 'model.norm.weight': [DIM] };
const NORMS: Shapes = {
  '.input_layernorm.weight': [DIM],
  '.post_attention_layernorm.weight': [DIM],
};
const ATTENTION: Shapes = {
  '.self_attn.q_proj.weight': [8, DIM],
  '.self_attn.k_proj.weight': [4, DIM],
  '.self_attn.v_proj.weight': [4, DIM],
  '.self_attn.o_proj.weight': [DIM, 8],
};
const MLP: Shapes = {
  '.mlp.gate_proj.weight': [3, DIM],
  '.mlp.up_proj.weight': [3, DIM],
  '.mlp.down_proj.weight': [DIM, 3],
};
const LLAMA = { ...OUTSIDE, ...NORMS, ...ATTENTION, ...MLP };

/** Numbers of a checkpoint by tensor: `at('.self_attn.q_proj.weight', 3)` is its number at place 3. */
function placesOf(shapes: Shapes) {
  const names = Object.keys(shapes);
  return (name: string, ...places: number[]) => places.map((i) => 1000 * names.indexOf(name) + i);
}

function layerOf(model: ModelSpec, shapes: Shapes, dtypes: Record<string, Dtype> = {}) {
  const { weights, skipped } = readWeights(checkpointOf(shapes, dtypes), model);
  expect(skipped).toEqual({});
  return weights.layers[0];
}

const expertsOf = (model: ModelSpec, shapes: Shapes, dtypes: Record<string, Dtype> = {}) =>
  layerOf(model, shapes, dtypes).mlp as ExpertsWeights;

/** Rows of a matrix in full. */
function rows(from: number, to: number, columns = DIM): number[] {
  return Array.from({ length: (to - from) * columns }, (_, i) => from * columns + i);
}

const list = (values: Vector | undefined) => values && [...values];

describe('tensors of a family', () => {
  it('are those of llama, each matrix as it is', () => {
    const layer = layerOf(modelOf('llama'), LLAMA);
    const at = placesOf(LLAMA);
    const { q, k, v, o } = layer.attention as GqaWeights;
    const { gate, up, down } = layer.mlp as DenseWeights;
    expect(list(layer.attentionNorm)).toEqual(at('.input_layernorm.weight', 0, 1, 2, 3));
    expect(list(layer.mlpNorm)).toEqual(at('.post_attention_layernorm.weight', 0, 1, 2, 3));
    expect([q, k, v, o, gate, up, down].map(({ values }) => values[5] % 1000)).toEqual(
      Array(7).fill(5),
    );
    const first = [q, k, v, o, gate, up, down].map(({ values }) => values[0]);
    expect(first).toEqual([4, 5, 6, 7, 8, 9, 10].map((n) => 1000 * n));
  });

  it('have biases, and norms and sinks of heads, where the model has them', () => {
    const shapes = {
      ...LLAMA,
      ...{ '.self_attn.q_proj.bias': [8], '.self_attn.k_proj.bias': [4] },
      ...{ '.self_attn.v_proj.bias': [4], '.self_attn.o_proj.bias': [DIM] },
      ...{ '.self_attn.q_norm.weight': [2], '.self_attn.k_norm.weight': [2] },
      ...{ '.self_attn.sinks': [4], '.mlp.gate_proj.bias': [3], '.mlp.up_proj.bias': [3] },
      '.mlp.down_proj.bias': [DIM],
    };
    const attention = { ...GQA, bias: true, outBias: true, qkNorm: 'head', sinks: true } as const;
    const layer = layerOf(modelOf('llama', { attention, mlp: { ...DENSE, bias: true } }), shapes);
    const at = placesOf(shapes);
    const gqa = layer.attention as GqaWeights;
    expect(list(gqa.qBias)?.[1]).toBe(at('.self_attn.q_proj.bias', 1)[0]);
    expect(list(gqa.kBias)?.[1]).toBe(at('.self_attn.k_proj.bias', 1)[0]);
    expect(list(gqa.vBias)?.[1]).toBe(at('.self_attn.v_proj.bias', 1)[0]);
    expect(list(gqa.oBias)?.[1]).toBe(at('.self_attn.o_proj.bias', 1)[0]);
    expect(list(gqa.qNorm)).toEqual(at('.self_attn.q_norm.weight', 0, 1));
    expect(list(gqa.kNorm)).toEqual(at('.self_attn.k_norm.weight', 0, 1));
    expect(list(gqa.sinks)).toEqual(at('.self_attn.sinks', 0, 1, 2, 3));
    const { gateBias, upBias, downBias } = layer.mlp as DenseWeights;
    expect(list(gateBias)).toEqual(at('.mlp.gate_proj.bias', 0, 1, 2));
    expect(list(upBias)).toEqual(at('.mlp.up_proj.bias', 0, 1, 2));
    expect(list(downBias)).toEqual(at('.mlp.down_proj.bias', 0, 1, 2, 3));
  });

  const norms: [string, LayerSpec['norms'], string[]][] = [
    ['olmo2', 'post', ['', 'post_attention_layernorm', '', 'post_feedforward_layernorm']],
    [
      'gemma2',
      'sandwich',
      [
        'input_layernorm',
        'post_attention_layernorm',
        'pre_feedforward_layernorm',
        'post_feedforward_layernorm',
      ],
    ],
    [
      'gemma3_text',
      'sandwich',
      [
        'input_layernorm',
        'post_attention_layernorm',
        'pre_feedforward_layernorm',
        'post_feedforward_layernorm',
      ],
    ],
  ];
  it.each(norms)('have the norms of %s', (family, kind, names) => {
    const shapes: Shapes = { ...OUTSIDE, ...ATTENTION, ...MLP };
    for (const name of names.filter((n) => n !== '')) shapes[`.${name}.weight`] = [DIM];
    const layer = layerOf(modelOf(family, { norms: kind }), shapes);
    const at = placesOf(shapes);
    const found = [layer.attentionNorm, layer.attentionOutNorm, layer.mlpNorm, layer.mlpOutNorm];
    const expected = names.map((name) =>
      name === '' ? undefined : at(`.${name}.weight`, 0, 1, 2, 3),
    );
    expect(found.map(list)).toEqual(expected);
  });

  it('are taken apart in phi3', () => {
    const shapes = {
      ...OUTSIDE,
      ...NORMS,
      '.self_attn.qkv_proj.weight': [16, DIM],
      '.self_attn.o_proj.weight': [DIM, 8],
      '.mlp.gate_up_proj.weight': [6, DIM],
      '.mlp.down_proj.weight': [DIM, 3],
    };
    const layer = layerOf(modelOf('phi3'), shapes);
    const at = placesOf(shapes);
    const { q, k, v } = layer.attention as GqaWeights;
    const { gate, up } = layer.mlp as DenseWeights;
    expect(list(q.values)).toEqual(at('.self_attn.qkv_proj.weight', ...rows(0, 8)));
    expect(list(k.values)).toEqual(at('.self_attn.qkv_proj.weight', ...rows(8, 12)));
    expect(list(v.values)).toEqual(at('.self_attn.qkv_proj.weight', ...rows(12, 16)));
    expect(list(gate.values)).toEqual(at('.mlp.gate_up_proj.weight', ...rows(0, 3)));
    expect(list(up.values)).toEqual(at('.mlp.gate_up_proj.weight', ...rows(3, 6)));
  });

  it('have norms of all heads as one vector in olmo2', () => {
    const shapes = {
      ...OUTSIDE,
      ...ATTENTION,
      ...MLP,
      '.post_attention_layernorm.weight': [DIM],
      '.post_feedforward_layernorm.weight': [DIM],
      '.self_attn.q_norm.weight': [8],
      '.self_attn.k_norm.weight': [4],
    };
    const attention = { ...GQA, qkNorm: 'whole' } as const;
    const layer = layerOf(modelOf('olmo2', { norms: 'post', attention }), shapes);
    const { qNorm, kNorm } = layer.attention as GqaWeights;
    expect([qNorm?.length, kNorm?.length]).toEqual([8, 4]);
  });

  it('have queries and their gates head by head in qwen3_next', () => {
    const shapes = { ...LLAMA, '.self_attn.q_proj.weight': [16, DIM] };
    const attention = { ...GQA, gate: true };
    const layer = layerOf(modelOf('qwen3_next', { attention }), shapes);
    const at = placesOf(shapes);
    const { q, gate } = layer.attention as GqaWeights;
    const parts = (first: number) =>
      [0, 1, 2, 3].flatMap((head) => rows(4 * head + first, 4 * head + first + 2));
    expect(list(q.values)).toEqual(at('.self_attn.q_proj.weight', ...parts(0)));
    expect(list(gate?.values)).toEqual(at('.self_attn.q_proj.weight', ...parts(2)));
  });

  it('have values that are keys in gemma4, and what its experts add', () => {
    const mlp: MlpSpec = {
      ...EXPERTS,
      router: { ...ROUTER, ownNorm: true, perExpertScale: true },
      parallel: { inner: 3 },
    };
    const { '.self_attn.v_proj.weight': _, ...attention } = ATTENTION;
    const shapes = {
      ...OUTSIDE,
      ...attention,
      ...MLP,
      ...NORMS,
      ...{
        '.pre_feedforward_layernorm.weight': [DIM],
        '.post_feedforward_layernorm.weight': [DIM],
      },
      ...{
        '.pre_feedforward_layernorm_2.weight': [DIM],
        '.post_feedforward_layernorm_1.weight': [DIM],
      },
      ...{ '.post_feedforward_layernorm_2.weight': [DIM], '.router.proj.weight': [2, DIM] },
      ...{ '.router.scale': [DIM], '.router.per_expert_scale': [2], '.layer_scalar': [1] },
      ...{ '.experts.gate_up_proj': [2, 6, DIM], '.experts.down_proj': [2, DIM, 3] },
    };
    const spec: Partial<LayerSpec> = {
      attention: { ...GQA, valueIsKey: true },
      mlp,
      norms: 'sandwich',
      scaled: true,
    };
    const layer = layerOf(modelOf('gemma4_text', spec), shapes);
    const at = placesOf(shapes);
    const { k, v } = layer.attention as GqaWeights;
    expect(v).toBe(k);
    expect(layer.scalar).toBe(at('.layer_scalar', 0)[0]);
    const { parallel, perExpertScale, routerScale, experts } = layer.mlp as ExpertsWeights;
    expect(list(perExpertScale)).toEqual(at('.router.per_expert_scale', 0, 1));
    expect(list(routerScale)).toEqual(at('.router.scale', 0, 1, 2, 3));
    expect(list(parallel?.mlp.up.values)).toEqual(at('.mlp.up_proj.weight', ...rows(0, 3)));
    expect(list(parallel?.outNorm)?.[0]).toBe(at('.post_feedforward_layernorm_1.weight', 0)[0]);
    expect(list(parallel?.expertsNorm)?.[0]).toBe(at('.pre_feedforward_layernorm_2.weight', 0)[0]);
    expect(list(parallel?.expertsOutNorm)?.[0]).toBe(
      at('.post_feedforward_layernorm_2.weight', 0)[0],
    );
    expect(list(experts[1].up.values)).toEqual(at('.experts.gate_up_proj', ...rows(9, 12)));
  });
});

describe('tensors of experts', () => {
  const model = (family: string, more: Partial<ExpertsSpec> = {}) =>
    modelOf(family, { mlp: { ...EXPERTS, ...more } });
  const base = { ...OUTSIDE, ...NORMS, ...ATTENTION };

  it('are one for each in mixtral, under other names', () => {
    const own = (expert: number) => ({
      [`.block_sparse_moe.experts.${expert}.w1.weight`]: [3, DIM],
      [`.block_sparse_moe.experts.${expert}.w2.weight`]: [DIM, 3],
      [`.block_sparse_moe.experts.${expert}.w3.weight`]: [3, DIM],
    });
    const shapes: Shapes = {
      ...base,
      '.block_sparse_moe.gate.weight': [2, DIM],
      ...own(0),
      ...own(1),
    };
    const { experts, router } = expertsOf(model('mixtral'), shapes);
    const at = placesOf(shapes);
    expect(list(router.values)).toEqual(at('.block_sparse_moe.gate.weight', ...rows(0, 2)));
    expect(list(experts[1].gate.values)).toEqual(
      at('.block_sparse_moe.experts.1.w1.weight', ...rows(0, 3)),
    );
    expect(list(experts[1].up.values)).toEqual(
      at('.block_sparse_moe.experts.1.w3.weight', ...rows(0, 3)),
    );
    expect(list(experts[1].down.values)).toEqual(
      at('.block_sparse_moe.experts.1.w2.weight', ...rows(0, 4, 3)),
    );
  });

  it('come with shared ones and a correction of the choice in deepseek_v3', () => {
    const own = (expert: string) => ({
      [`.mlp.${expert}.gate_proj.weight`]: [3, DIM],
      [`.mlp.${expert}.up_proj.weight`]: [3, DIM],
      [`.mlp.${expert}.down_proj.weight`]: [DIM, 3],
    });
    const shapes: Shapes = {
      ...base,
      '.mlp.gate.weight': [2, DIM],
      '.mlp.gate.e_score_correction_bias': [2],
      ...own('experts.0'),
      ...own('experts.1'),
      ...own('shared_experts'),
    };
    const router = { ...ROUTER, bias: 'choice' } as const;
    const found = expertsOf(
      model('deepseek_v3', { router, shared: { inner: 3, gate: false } }),
      shapes,
    );
    const at = placesOf(shapes);
    expect(list(found.routerBias)).toEqual(at('.mlp.gate.e_score_correction_bias', 0, 1));
    expect(list(found.shared?.up.values)).toEqual(
      at('.mlp.shared_experts.up_proj.weight', ...rows(0, 3)),
    );
    expect(list(found.experts[1].down.values)).toEqual(
      at('.mlp.experts.1.down_proj.weight', ...rows(0, 4, 3)),
    );
  });

  it('are rows of one tensor in qwen3_5_moe, with a shared one and its gate', () => {
    const shapes: Shapes = {
      ...base,
      '.mlp.gate.weight': [2, DIM],
      '.mlp.experts.gate_up_proj': [2, 6, DIM],
      '.mlp.experts.down_proj': [2, DIM, 3],
      '.mlp.shared_expert.gate_proj.weight': [5, DIM],
      '.mlp.shared_expert.up_proj.weight': [5, DIM],
      '.mlp.shared_expert.down_proj.weight': [DIM, 5],
      '.mlp.shared_expert_gate.weight': [1, DIM],
    };
    const found = expertsOf(
      model('qwen3_5_moe_text', { shared: { inner: 5, gate: true } }),
      shapes,
    );
    const at = placesOf(shapes);
    expect(list(found.experts[1].gate.values)).toEqual(
      at('.mlp.experts.gate_up_proj', ...rows(6, 9)),
    );
    expect(list(found.experts[1].up.values)).toEqual(
      at('.mlp.experts.gate_up_proj', ...rows(9, 12)),
    );
    expect(list(found.experts[1].down.values)).toEqual(
      at('.mlp.experts.down_proj', ...rows(4, 8, 3)),
    );
    expect(list(found.sharedGate?.values)).toEqual(
      at('.mlp.shared_expert_gate.weight', 0, 1, 2, 3),
    );
    expect(found.shared?.gate.values.length).toBe(20);
  });

  /** Element (input, output) of expert 1 of a tensor [2][inputs][outputs], output by output. */
  const turned = (inputs: number, outputs: number, wanted: number[]) =>
    wanted.flatMap((output) =>
      Array.from({ length: inputs }, (_, input) => inputs * outputs + input * outputs + output),
    );

  it('are columns of one tensor in llama4, gates first', () => {
    const shapes: Shapes = {
      ...base,
      '.feed_forward.router.weight': [2, DIM],
      '.feed_forward.experts.gate_up_proj': [2, DIM, 6],
      '.feed_forward.experts.down_proj': [2, 3, DIM],
    };
    const { experts } = expertsOf(model('llama4_text'), shapes);
    const at = placesOf(shapes);
    const [both, down] = ['.feed_forward.experts.gate_up_proj', '.feed_forward.experts.down_proj'];
    expect(list(experts[1].gate.values)).toEqual(at(both, ...turned(DIM, 6, [0, 1, 2])));
    expect(list(experts[1].up.values)).toEqual(at(both, ...turned(DIM, 6, [3, 4, 5])));
    expect(list(experts[1].down.values)).toEqual(at(down, ...turned(3, DIM, [0, 1, 2, 3])));
  });

  const gptOss = { bias: true, router: { ...ROUTER, bias: 'logit' } } as const;
  const biases: Shapes = {
    '.mlp.router.weight': [2, DIM],
    '.mlp.router.bias': [2],
    '.mlp.experts.gate_up_proj_bias': [2, 6],
    '.mlp.experts.down_proj_bias': [2, DIM],
  };

  it('are columns of one tensor in gpt_oss, gates and ups in turn, with biases', () => {
    const shapes: Shapes = {
      ...base,
      ...biases,
      '.mlp.experts.gate_up_proj': [2, DIM, 6],
      '.mlp.experts.down_proj': [2, 3, DIM],
    };
    const { experts, routerBias } = expertsOf(model('gpt_oss', gptOss), shapes);
    const at = placesOf(shapes);
    expect(list(routerBias)).toEqual(at('.mlp.router.bias', 0, 1));
    expect(list(experts[1].gate.values)).toEqual(
      at('.mlp.experts.gate_up_proj', ...turned(DIM, 6, [0, 2, 4])),
    );
    expect(list(experts[1].up.values)).toEqual(
      at('.mlp.experts.gate_up_proj', ...turned(DIM, 6, [1, 3, 5])),
    );
    expect(list(experts[1].down.values)).toEqual(
      at('.mlp.experts.down_proj', ...turned(3, DIM, [0, 1, 2, 3])),
    );
    expect(list(experts[1].gateBias)).toEqual(at('.mlp.experts.gate_up_proj_bias', 6, 8, 10));
    expect(list(experts[1].upBias)).toEqual(at('.mlp.experts.gate_up_proj_bias', 7, 9, 11));
    expect(list(experts[1].downBias)).toEqual(at('.mlp.experts.down_proj_bias', 4, 5, 6, 7));
  });

  it('are rows of blocks in gpt_oss with MXFP4, gates and ups in turn', () => {
    const shapes: Shapes = {
      ...{ 'model.embed_tokens.weight': [VOCAB, 32], 'model.norm.weight': [32] },
      ...{ '.input_layernorm.weight': [32], '.post_attention_layernorm.weight': [32] },
      ...{ '.self_attn.q_proj.weight': [8, 32], '.self_attn.k_proj.weight': [4, 32] },
      ...{ '.self_attn.v_proj.weight': [4, 32], '.self_attn.o_proj.weight': [32, 8] },
      ...{ '.mlp.router.weight': [2, 32], '.mlp.router.bias': [2] },
      ...{ '.mlp.experts.gate_up_proj_bias': [2, 64], '.mlp.experts.down_proj_bias': [2, 32] },
      ...{ '.mlp.experts.gate_up_proj_blocks': [2, 64, 1, 16] },
      ...{ '.mlp.experts.gate_up_proj_scales': [2, 64, 1] },
      ...{ '.mlp.experts.down_proj_blocks': [2, 32, 1, 16] },
      ...{ '.mlp.experts.down_proj_scales': [2, 32, 1] },
    };
    const dtypes: Record<string, Dtype> = {};
    for (const name of Object.keys(shapes)) if (/_(blocks|scales)$/.test(name)) dtypes[name] = 'U8';
    const checkpoint = checkpointOf(shapes, dtypes);
    /** Row r of expert e of a matrix has the number r % 8 of E2M1 times 2 ^ e everywhere. */
    const read = (tensor: Tensor) => {
      const values = checkpoint.read(tensor);
      const rowsOfExpert = tensor.shape[1];
      if (tensor.name.endsWith('_scales'))
        return values.map((_, i) => 127 + Math.floor(i / rowsOfExpert));
      if (tensor.name.endsWith('_blocks'))
        return values.map((_, i) => (Math.floor(i / 16) % 8) * 17);
      return values;
    };
    const wide = { ...model('gpt_oss', { ...gptOss, inner: 32 }), dim: 32 };
    const { weights } = readWeights({ ...checkpoint, read }, wide);
    const { experts } = weights.layers[0].mlp as ExpertsWeights;
    const firsts = (of: Matrix) => [0, 1, 2, 3, 4].map((row) => unblocked(of).values[32 * row]);
    expect(firsts(experts[0].gate)).toEqual([0, 1, 2, 4, 0]);
    expect(firsts(experts[0].up)).toEqual([0.5, 1.5, 3, 6, 0.5]);
    expect(firsts(experts[1].gate)).toEqual([0, 2, 4, 8, 0]);
    expect(firsts(experts[1].up)).toEqual([1, 3, 6, 12, 1]);
    expect(firsts(experts[1].down)).toEqual([0, 1, 2, 3, 4]);
  });
});

describe('tensors of latent attention', () => {
  const own: Shapes = {
    '.self_attn.q_a_proj.weight': [3, DIM],
    '.self_attn.q_a_layernorm.weight': [3],
    '.self_attn.q_b_proj.weight': [8, 3],
    '.self_attn.kv_a_proj_with_mqa.weight': [4, DIM],
    '.self_attn.kv_a_layernorm.weight': [2],
    '.self_attn.kv_b_proj.weight': [10, 2],
    '.self_attn.o_proj.weight': [DIM, 6],
  };
  const read = (attention: LatentSpec, shapes: Shapes) => {
    const all = { ...OUTSIDE, ...NORMS, ...MLP, ...shapes };
    const layer = layerOf(modelOf('deepseek_v3', { attention }), all);
    return { ...(layer.attention as LatentWeights), at: placesOf(all) };
  };

  it('are those of deepseek_v3', () => {
    const { qDown, qNorm, qUp, kvDown, kvNorm, kvUp, o, at } = read(LATENT, own);
    const found = [qDown, qUp, kvDown, kvUp, o].map((matrix) => matrix?.values[0]);
    const names = ['q_a_proj', 'q_b_proj', 'kv_a_proj_with_mqa', 'kv_b_proj', 'o_proj'];
    expect(found).toEqual(names.flatMap((name) => at(`.self_attn.${name}.weight`, 0)));
    expect(list(qNorm)).toEqual(at('.self_attn.q_a_layernorm.weight', 0, 1, 2));
    expect(list(kvNorm)).toEqual(at('.self_attn.kv_a_layernorm.weight', 0, 1));
  });

  it('have one projection of queries where there is no latent vector of theirs', () => {
    const { qRank: _, ...attention } = LATENT;
    const rest = Object.entries(own).filter(([name]) => !name.includes('.q_'));
    const shapes = { ...Object.fromEntries(rest), '.self_attn.q_proj.weight': [8, DIM] };
    const { qDown, qUp, at } = read(attention, shapes);
    expect(qDown).toBeUndefined();
    expect(qUp.values[0]).toBe(at('.self_attn.q_proj.weight', 0)[0]);
  });

  it('have an indexer and biases where the model has them', () => {
    const indexer = { heads: 2, dim: 3, topK: 5, own: true, pairs: 'halves' } as const;
    const shapes = {
      ...own,
      ...{ '.self_attn.indexer.wq_b.weight': [6, 3], '.self_attn.indexer.wk.weight': [3, DIM] },
      ...{ '.self_attn.indexer.weights_proj.weight': [2, DIM] },
      ...{ '.self_attn.indexer.k_norm.weight': [3], '.self_attn.indexer.k_norm.bias': [3] },
      ...{ '.self_attn.q_a_proj.bias': [3], '.self_attn.kv_a_proj_with_mqa.bias': [4] },
      '.self_attn.o_proj.bias': [DIM],
    };
    const found = read({ ...LATENT, bias: true, indexer }, shapes);
    expect(found.indexer?.q.values[0]).toBe(found.at('.self_attn.indexer.wq_b.weight', 0)[0]);
    expect(list(found.indexer?.kNormBias)).toEqual(
      found.at('.self_attn.indexer.k_norm.bias', 0, 1, 2),
    );
    expect(list(found.kvDownBias)?.[3]).toBe(found.at('.self_attn.kv_a_proj_with_mqa.bias', 3)[0]);
    expect(read({ ...LATENT, indexer: { ...indexer, own: false } }, own).indexer).toBeUndefined();
  });
});

describe('tensors of a delta net', () => {
  const common: Shapes = {
    ...OUTSIDE,
    ...NORMS,
    ...MLP,
    '.linear_attn.conv1d.weight': [20, 1, 4],
    '.linear_attn.A_log': [4],
    '.linear_attn.dt_bias': [4],
    '.linear_attn.norm.weight': [3],
    '.linear_attn.out_proj.weight': [DIM, 12],
  };
  const read = (family: string, own: Shapes) => {
    const shapes = { ...common, ...own };
    const { attention } = layerOf(modelOf(family, { attention: DELTA as AttentionSpec }), shapes);
    return { ...(attention as DeltaWeights), at: placesOf(shapes) };
  };

  it('lie one after another in qwen3_5', () => {
    const { q, k, v, z, beta, alpha, conv, aLog, dtBias, norm, o, at } = read('qwen3_5_text', {
      '.linear_attn.in_proj_qkv.weight': [20, DIM],
      '.linear_attn.in_proj_z.weight': [12, DIM],
      '.linear_attn.in_proj_b.weight': [4, DIM],
      '.linear_attn.in_proj_a.weight': [4, DIM],
    });
    const all = '.linear_attn.in_proj_qkv.weight';
    expect(list(q.values)).toEqual(at(all, ...rows(0, 4)));
    expect(list(k.values)).toEqual(at(all, ...rows(4, 8)));
    expect(list(v.values)).toEqual(at(all, ...rows(8, 20)));
    const firsts = [z.values, beta.values, alpha.values, conv, aLog, dtBias, norm, o.values];
    const names = ['in_proj_z.weight', 'in_proj_b.weight', 'in_proj_a.weight', 'conv1d.weight'];
    const more = ['A_log', 'dt_bias', 'norm.weight', 'out_proj.weight'];
    expect(firsts.map((values) => values[0])).toEqual(
      [...names, ...more].flatMap((name) => at(`.linear_attn.${name}`, 0)),
    );
  });

  it('are packed by key head in qwen3_next', () => {
    const { q, k, v, z, beta, alpha, at } = read('qwen3_next', {
      '.linear_attn.in_proj_qkvz.weight': [32, DIM],
      '.linear_attn.in_proj_ba.weight': [8, DIM],
    });
    // Of each key head 2 rows of queries, 2 of keys, 6 of values, 6 of gates; 2 steps, 2 decays.
    const all = '.linear_attn.in_proj_qkvz.weight';
    expect(list(q.values)).toEqual(at(all, ...rows(0, 2), ...rows(16, 18)));
    expect(list(k.values)).toEqual(at(all, ...rows(2, 4), ...rows(18, 20)));
    expect(list(v.values)).toEqual(at(all, ...rows(4, 10), ...rows(20, 26)));
    expect(list(z.values)).toEqual(at(all, ...rows(10, 16), ...rows(26, 32)));
    expect(list(beta.values)).toEqual(
      at('.linear_attn.in_proj_ba.weight', ...rows(0, 2), ...rows(4, 6)),
    );
    expect(list(alpha.values)).toEqual(
      at('.linear_attn.in_proj_ba.weight', ...rows(2, 4), ...rows(6, 8)),
    );
  });
});

describe('a checkpoint', () => {
  const refusal = (
    shapes: Shapes,
    dtypes: Record<string, Dtype> = {},
    model = modelOf('llama'),
  ) => {
    try {
      return readWeights(checkpointOf(shapes, dtypes), model).skipped;
    } catch (error) {
      expect(error).toBeInstanceOf(ModelError);
      return (error as Error).message;
    }
  };
  const bad: [string, Shapes, Record<string, Dtype>, string][] = [
    [
      'without a tensor',
      (({ '.mlp.up_proj.weight': _, ...rest }) => rest)(LLAMA),
      {},
      'x: expected a tensor "model.layers.0.mlp.up_proj.weight" [3, 4], found none',
    ],
    [
      'without an embedding',
      (({ 'model.embed_tokens.weight': _, ...rest }) => rest)(LLAMA),
      {},
      'x: expected a tensor "model.embed_tokens.weight" [3, 4], found none',
    ],
    [
      'with a tensor of another shape',
      { ...LLAMA, '.mlp.up_proj.weight': [4, 3] },
      {},
      'x: "model.layers.0.mlp.up_proj.weight": expected the shape [3, 4], found [4, 3]',
    ],
    [
      'with one more',
      { ...LLAMA, '.mlp.up_proj.bias': [3] },
      {},
      'x: expected the tensors of a llama of 1 layers, found also "model.layers.0.mlp.up_proj.bias"',
    ],
    [
      'with several more',
      { ...LLAMA, a: [3], b: [4] },
      {},
      'x: expected the tensors of a llama of 1 layers, found also "a", and 1 more',
    ],
    [
      'with bytes for numbers',
      LLAMA,
      { '.mlp.up_proj.weight': 'U8' },
      'x: "model.layers.0.mlp.up_proj.weight": expected numbers, found bytes (U8)',
    ],
    [
      'with FP8 without scales',
      LLAMA,
      { '.mlp.up_proj.weight': 'F8_E4M3' },
      'x: expected a tensor "model.layers.0.mlp.up_proj.weight_scale_inv" [1, 1], found none',
    ],
  ];
  it.each(bad)('%s is refused by its name', (_, shapes, dtypes, message) => {
    expect(refusal(shapes, dtypes)).toBe(message);
  });

  it('with FP8 is scaled block by block, the last ones ragged', () => {
    const shapes = { ...LLAMA, '.mlp.up_proj.weight_scale_inv': [2, 2] };
    const checkpoint = checkpointOf(shapes, { '.mlp.up_proj.weight': 'F8_E4M3' });
    const read = (tensor: Tensor) =>
      tensor.name.endsWith('scale_inv') ? Float32Array.of(1, 2, 4, 8) : checkpoint.read(tensor);
    const { weights } = readWeights({ ...checkpoint, read }, modelOf('llama'), [2, 3]);
    const { up } = weights.layers[0].mlp as DenseWeights;
    const [first] = placesOf(shapes)('.mlp.up_proj.weight', 0);
    const scales = [1, 1, 1, 2, 1, 1, 1, 2, 4, 4, 4, 8];
    expect(list(up.values)).toEqual(scales.map((_, i) => first + i));
    expect(list(up.blocks!.scales)).toEqual([1, 2, 4, 8]);
    expect(list(unblocked(up).values)).toEqual(scales.map((scale, i) => (first + i) * scale));
    expect(() => readWeights({ ...checkpoint, read }, modelOf('llama'), [1, 3])).toThrow(
      '"model.layers.0.mlp.up_proj.weight_scale_inv": expected the shape [3, 2], found [2, 2]',
    );
  });

  it.each([
    ['whole blocks of each head keep their scales', 2, 2, [1, 3, 5, 7]],
    ['blocks that heads share become smaller', 8, 2, [1, 1, 2, 2]],
    ['so do those that end elsewhere', 3, 1, [1, 1, 2, 2, 3, 4, 5, 5]],
  ])('with FP8 of queries and their gates: %s', (_, high, outputs, kept) => {
    const scaled = '.self_attn.q_proj.weight_scale_inv';
    const count = Math.ceil(16 / high);
    const shapes = { ...LLAMA, '.self_attn.q_proj.weight': [16, DIM], [scaled]: [count, 1] };
    const checkpoint = checkpointOf(shapes, { '.self_attn.q_proj.weight': 'F8_E4M3' });
    const scales = Float32Array.from({ length: count }, (_, i) => i + 1);
    const read = (tensor: Tensor) =>
      tensor.name.endsWith('scale_inv') ? scales : checkpoint.read(tensor);
    const model = modelOf('qwen3_next', { attention: { ...GQA, gate: true } });
    const { weights } = readWeights({ ...checkpoint, read }, model, [high, 4]);
    const { q } = weights.layers[0].attention as GqaWeights;
    expect(q.blocks!.format.block).toEqual([outputs, 4]);
    expect(list(q.blocks!.scales)).toEqual(kept);
    const own = placesOf(shapes)('.self_attn.q_proj.weight', ...rows(0, 16));
    const wanted = own.map((value, i) => value * scales[Math.floor(Math.floor(i / DIM) / high)]);
    const isQuery = (i: number) => Math.floor(i / DIM) % 4 < 2;
    expect(list(unblocked(q).values)).toEqual(wanted.filter((_, i) => isQuery(i)));
  });

  it('with a number that is none is refused', () => {
    const checkpoint = checkpointOf(LLAMA);
    const read = (tensor: Tensor) =>
      checkpoint.read(tensor).map((x, i) => (tensor.name.includes('up') && i === 3 ? NaN : x));
    expect(() => readWeights({ ...checkpoint, read }, modelOf('llama'))).toThrow(
      '"model.layers.0.mlp.up_proj.weight": expected finite numbers, found another',
    );
  });

  it('needs a head unless it is tied, and counts one that is not needed', () => {
    const untied = modelOf('llama', {}, { tied: false });
    expect(refusal(LLAMA, {}, untied)).toBe(
      'x: expected a tensor "lm_head.weight" [3, 4], found none',
    );
    const shapes = { ...LLAMA, 'lm_head.weight': [VOCAB, DIM] };
    const { weights } = readWeights(checkpointOf(shapes), untied);
    expect(weights.head.values[0]).toBe(1000 * (Object.keys(shapes).length - 1));
    expect(refusal(shapes)).toEqual({ 'tied head': 1 });
    const { weights: tied } = readWeights(checkpointOf(shapes), modelOf('llama'));
    expect(tied.head).toBe(tied.embedding);
  });

  it('counts what is no part of the decoder', () => {
    const more = {
      'model.layers.0.self_attn.rotary_emb.inv_freq': [2],
      'model.rotary_emb.inv_freq': [2],
      'vision_tower.encoder.weight': [2],
      'model.visual.merger.weight': [2],
      'model.multi_modal_projector.weight': [2],
      'model.layers.12.eh_proj.weight': [2],
      'model.layers.12.mlp.up_proj.weight': [2],
      'mtp.norm.weight': [2],
      'model.mtp.fc.weight': [2],
    };
    expect(refusal({ ...LLAMA, ...more })).toEqual({
      'rotary tables': 2,
      'vision and audio': 3,
      'draft layers': 4,
    });
    // As no shared expert is saved.
    const empty = { '.mlp.shared_experts.up_proj.weight': [0, DIM] };
    expect(refusal({ ...LLAMA, ...empty })).toEqual({});
    for (const name of ['model.layers.x.norm.weight', 'model.layers.1.mlp.up_proj.weight'])
      expect(refusal({ ...LLAMA, [name]: [2] })).toBe(
        `x: expected the tensors of a llama of 1 layers, found also "${name}"`,
      );
  });

  it.each([
    ['model.language_model.', 'lm_head'],
    ['language_model.model.', 'language_model.lm_head'],
    ['', 'lm_head'],
  ])('may have its decoder within another model, as %s', (prefix, head) => {
    const entries = Object.entries(LLAMA).map(([name, shape]) => {
      const full = name.replace(/^\./, 'model.layers.0.');
      return [full.replace(/^model\./, prefix), shape] as const;
    });
    const shapes = { ...Object.fromEntries(entries), [`${head}.weight`]: [VOCAB, DIM] };
    const { weights } = readWeights(checkpointOf(shapes), modelOf('llama', {}, { tied: false }));
    expect(weights.embedding.values[0]).toBe(0);
    expect(weights.finalNorm[1]).toBe(1001);
    expect(weights.head.values[0]).toBe(1000 * entries.length);
  });
});
