/** A model as it was read: its sizes, its layers by kind, its operators, what a run of it lacks. */
import type { ResolvedConfig } from '../../config.js';
import { missingIn } from '../../decode/refusals.js';
import type { AttentionSpec, GqaSpec, Rope } from '../../model/attention-spec.js';
import { formatText, formatsOf } from '../../model/formats.js';
import type { ExpertsSpec, MlpSpec } from '../../model/mlp-spec.js';
import type { LayerSpec, ModelSpec } from '../../model/model.js';
import {
  activeParameters,
  cacheBytes,
  cacheBytesPerPosition,
  mtpParameters,
  operatorsOf,
  parameterCount,
  weightBytes,
  type Operator,
} from '../../model/operators.js';
import type { StoredWeights } from '../../model/quantization.js';
import { bytes, count, shown, table } from '../../report/format.js';

/** The document of `inspect --what model`, and its text. */
export function modelInspection({ model }: ResolvedConfig): {
  document: object;
  text: string;
  rows: object[];
} {
  const operators = operatorsOf(model);
  const parameters = parameterCount(model);
  const { active, withoutTable } = activeParameters(model);
  const mtp = mtpParameters(model);
  const notComputed = missingIn(model);
  const kinds = model.kinds.map((layer, kind) => ({
    layers: model.layers.filter((of) => of === kind).length,
    attention: attentionWords(layer.attention),
    mlp: mlpWords(layer.mlp),
    norms: normWords(layer),
  }));
  const counts = { parameters, activeParameters: active, activeWithoutTable: withoutTable };
  const lines = [
    `${model.name}: ${count(parameters)} parameters, ${bytes(weightBytes(model))} of weights`,
    ...counted(model, active, withoutTable, mtp),
    ...sizeLines(model),
    `  layers: ${count(model.layers.length)}`,
    ...kinds.map((k) => `    ${count(k.layers)} x ${k.attention}; ${k.mlp}; ${k.norms}`),
    ...fileLines(model),
    ...(notComputed.length === 0 ? [] : [`  no run computes: ${shown(notComputed.join('; '))}`]),
  ];
  const text = [...lines, operatorTable(operators)].join('\n');
  const document = { model, ...counts, mtpParameters: mtp, kinds, notComputed, operators };
  return { document, text, rows: operators };
}

function counted(model: ModelSpec, active: number, withoutTable: number, mtp: number): string[] {
  const sparse = model.kinds.some(({ mlp }) => mlp.kind === 'experts');
  const table = model.tied
    ? 'the table counts, as it is the head'
    : `${count(withoutTable)} without the embedding's table`;
  return [
    ...(sparse ? [`  active: ${count(active)} parameters a token; ${table}`] : []),
    ...(mtp > 0
      ? [
          `  multi-token prediction: ${count(mtp)} parameters more, which no logits need and no run computes`,
        ]
      : []),
  ];
}

function sizeLines(model: ModelSpec): string[] {
  const { family, dim, vocab, tied, maxContext, normEpsilon, dtype, weightBits, formats } = model;
  const stored = model.published?.stored;
  const named = {
    ...{ family, dim, vocab, tied, maxContext, normEpsilon, dtype, weightBits },
    ...(stored && { stored: storedWords(stored) }),
    ...(formats && { bits: formatWords(model) }),
    ...(model.embeddingScale !== 1 && { embeddingScale: model.embeddingScale }),
    ...(model.logitCap !== undefined && { logitCap: model.logitCap }),
    cachePerPosition: cacheWords(model),
    ...(cacheBytes(model, 0) > 0 && { states: bytes(cacheBytes(model, 0)) }),
  };
  return Object.entries(named).map(([name, value]) => `  ${name}: ${shown(String(value))}`);
}

/** Of latent attention in both forms of its cache. */
function cacheWords(model: ModelSpec): string {
  const [own, expanded] = [false, true].map((of) => cacheBytesPerPosition(model, of));
  if (own === expanded) return bytes(own);
  return `${bytes(own)} of latent vectors, or ${bytes(expanded)} of keys and values (mapping.latent)`;
}

function formatWords(model: ModelSpec): string {
  return formatsOf(model)
    .map(({ of, format }) => `${of} ${formatText(format)}`)
    .join('; ');
}

function storedWords({ method, bits, block, except }: StoredWeights): string {
  return [
    `${method}${bits === undefined ? '' : `, ${bits} bits`}`,
    ...(block ? [`a scale for each ${block.join(' x ')}`] : []),
    ...(except && except.length > 0 ? [`except ${except.join(', ')}`] : []),
  ].join(', ');
}

function fileLines({ published }: ModelSpec): string[] {
  const others = published?.textOnly;
  return others ? [`  text only: ${others.join(', ')} in the file; its encoders are left out`] : [];
}

function attentionWords(a: AttentionSpec): string {
  switch (a.kind) {
    case 'gqa':
      return gqaWords(a);
    case 'latent': {
      const { indexer } = a;
      const whose = indexer?.own ? 'indexer' : "the last indexer's";
      const chosen = indexer && `${whose} ${indexer.topK}${indexer.handsOn ? ', handed on' : ''}`;
      return [
        `latent ${a.kvRank} + ${a.rope.dim}`,
        `${a.heads} heads of ${a.nope} + ${a.rope.dim}, values ${a.value}`,
        ...(a.qRank === undefined ? [] : [`queries from ${a.qRank}`]),
        ...(chosen === undefined ? [] : [chosen]),
        ropeWords(a.rope, a.rope.dim),
        ...(a.bias ? ['biases'] : []),
      ].join(', ');
    }
    case 'delta':
      return `delta net, ${a.valueHeads} states of ${a.keyDim} x ${a.valueDim} on ${a.keyHeads} keys, convolution ${a.conv}`;
  }
}

const QK_NORMS = {
  none: [],
  head: ['head norms'],
  whole: ['query and key norms over all heads'],
  'head-after-rope': ['head norms after RoPE'],
};

function gqaWords(a: GqaSpec): string {
  const { span } = a;
  return [
    span.kind === 'full' ? 'full' : `${span.kind} ${span.size}`,
    `${a.heads} heads on ${a.kvHeads} of ${a.headDim}`,
    a.rope ? ropeWords(a.rope, a.headDim) : 'no RoPE',
    ...(a.bias || a.outBias ? [a.outBias ? 'biases' : 'biases but of the output'] : []),
    ...QK_NORMS[a.qkNorm],
    ...(a.vNorm ? ['value norms'] : []),
    ...(a.valueIsKey ? ['values are keys'] : []),
    ...(a.gate ? ['gated'] : []),
    ...(a.sinks ? ['sinks'] : []),
    ...(a.scoreCap === undefined ? [] : [`scores capped at ${a.scoreCap}`]),
    ...(a.temperature ? [`queries scaled by position / ${a.temperature.floor}`] : []),
  ].join(', ');
}

function ropeWords({ dim, theta, pairs, scaling }: Rope, headDim: number): string {
  const part = dim === headDim ? '' : ` of ${dim}`;
  const near = pairs === 'neighbours' ? ' in neighbours' : '';
  return `RoPE ${theta}${part}${near}${scaling ? `, ${scalingWords(scaling)}` : ''}`;
}

function scalingWords(scaling: NonNullable<Rope['scaling']>): string {
  if ('long' in scaling) return `LongRoPE from ${scaling.originalMaxPosition}`;
  const { factor } = scaling;
  if ('betaFast' in scaling) return `YaRN ${factor}`;
  return 'lowFreqFactor' in scaling ? `llama3 ${factor}` : `linear ${factor}`;
}

function mlpWords(mlp: MlpSpec): string {
  const act = mlp.act.fn === 'silu' ? '' : ', GELU';
  const clamp = mlp.act.clamp === undefined ? '' : `, clamped at ${mlp.act.clamp}`;
  const bias = mlp.bias ? ', biases' : '';
  const own = mlp.kind === 'dense' ? `dense ${count(mlp.inner)}` : expertWords(mlp);
  return own + act + clamp + bias;
}

function expertWords(e: ExpertsSpec): string {
  const { groups } = e.router;
  return [
    `${e.count} experts of ${count(e.inner)}, ${e.topK} a token`,
    ...(groups ? [`from ${groups.keep} of ${groups.count} groups`] : []),
    ...(e.shared ? [`shared ${count(e.shared.inner)}${e.shared.gate ? ' with a gate' : ''}`] : []),
    ...(e.parallel ? [`dense ${count(e.parallel.inner)} next to them`] : []),
  ].join(', ');
}

function normWords({ norms, scaled }: LayerSpec): string {
  const where = { pre: 'norms before', post: 'norms after', sandwich: 'norms before and after' };
  return where[norms] + (scaled ? ', scaled' : '');
}

function operatorTable(operators: readonly Operator[]): string {
  const names: (keyof Operator)[] = [
    ...(['name', 'part', 'layerKind', 'count', 'outputs', 'inputs', 'copies', 'used'] as const),
    ...(['weightBytes', 'flops', 'flopsPerPosition'] as const),
  ];
  const rows = operators.map((o) => names.map((name) => String(o[name] ?? '-')));
  return table(names, rows);
}
