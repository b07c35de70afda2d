/**
 * The default mapping (machine-model section 5a): a region of its own for every layer and table, one
 * after the other on a token's path; any number of rows and columns, and layers of
 * grouped-query attention with dense MLPs or experts.
 */
import { indexerOf, type GqaSpec } from '../model/attention-spec.js';
import type { MlpSpec } from '../model/mlp-spec.js';
import { gqaOf, type LayerSpec } from '../model/model.js';
import { meanLargestLoad, sumsOf, type ExpertsShape } from './experts.js';
import { hasAttention, hasMlp, isOfLayer } from './mapping.js';
import type { Cut, Held, LayerPart, Mapping, On, Part } from './mapping.js';
import type { Reduction, TableKind } from './mapping.js';
import { outputLength, projectedAt, summedAt, type DeltaShape } from './delta.js';
import { layerBuffers, tableBuffers } from './buffers.js';
import { gqaRules } from './gqa-rules.js';
import { joinReductions } from './join.js';
import { latentReductions } from './latent-buffers.js';
import { handedOver, hasParallel, normedHeads, normsStream } from './norms.js';
import { choiceReceived } from './selection.js';
import { layerShape, tableShape, type GqaShape, type LayerShape } from './shapes.js';

export const gqa: Mapping = {
  computes: [
    'experts',
    'parallelExperts',
    'routerNorm',
    'delta',
    'gate',
    'latent',
    'indexer',
    'attentionBias',
    'mlpBias',
    'headNorm',
    'headNormAfter',
    'valueNorm',
    'valueIsKey',
    'sinks',
    'temperature',
    'wholeNorm',
    'postNorms',
    'scaled',
    'normPlusOne',
    'embeddingScale',
    'scoreScale',
    'scoreCap',
    'logitCap',
    'gelu',
    'clamp',
    'window',
    'chunk',
    'noRope',
    'partialRope',
    'neighbours',
    'longrope',
  ],
  takes: {
    exact: false,
    search: true,
    groupsByLine: true,
    split: true,
    replicas: true,
    strips: true,
    speculation: true,
  },
  refuse: () => undefined,
  square: false,
  regions({ layers, kinds, tied }, form) {
    const { latent = 'expanded' } = form;
    const table = (kind: TableKind): Part => ({ name: kind, kind });
    const [attentions, mlps] = [firstAlike(kinds, attentionOf), firstAlike(kinds, mlpOf)];
    const between = layers.flatMap((layerKind, layer): Part[] => {
      const name = `layer ${layer}`;
      const cache = kinds[layerKind].attention.kind === 'latent' && { latent };
      if (form.layers === 'whole') return [{ name, kind: 'layer', layer, layerKind, ...cache }];
      const of = { kind: 'attention', layer, layerKind: attentions[layerKind], ...cache } as const;
      return [
        { name: `${name} attention`, ...of },
        { name: `${name} mlp`, kind: 'mlp', layer, layerKind: mlps[layerKind] },
      ];
    });
    // A tied table is one region, visited first and last; otherwise embedding and head have one each.
    return tied
      ? [table('embedding+head'), ...between]
      : [table('embedding'), ...between, table('head')];
  },
  received(part, { model, rows, positions = 0 }) {
    const words = Math.ceil(model.dim / rows);
    if (part.kind === 'embedding' || part.kind === 'embedding+head')
      return { words: 1, type: 'f32' };
    if (!isOfLayer(part)) return { words, type: model.dtype };
    const layer = model.kinds[part.layerKind];
    const choice = choiceReceived(layer, part.kind, { positions, rows });
    const own = part.kind === 'mlp' ? handedOver(layer, words) : words;
    return { words: choice + own, type: model.dtype };
  },
  buffers(part, { model, rows, columns, positions, users, inFlight }) {
    if (!isOfLayer(part))
      return tableBuffers(model, tableShape(model, rows, columns, inFlight), part.kind);
    const layer = model.kinds[part.layerKind];
    const shape = layerShape(model, layer, positions, rows, columns, users, part, inFlight);
    return layerBuffers(model, layer, shape, part.kind);
  },
  reductions(part, cut) {
    if (!isOfLayer(part)) return tableReductions(part.kind, cut);
    return layerReductions(part, cut);
  },
  rules: gqaRules,
};

/** What the attention of a layer depends on, which chooses the experts of its MLP, and what its MLP does. */
function attentionOf({ attention, norms, mlp, joins }: LayerSpec): unknown {
  const choice = mlp.kind === 'experts' && [mlp.count, mlp.topK, mlp.router, !!mlp.parallel];
  return [attention, norms, choice, joins];
}

/** What an MLP depends on: that of a layer whose choice of positions goes on passes it on. */
function mlpOf({ attention, mlp, norms, scaled }: LayerSpec): unknown {
  const indexer = indexerOf(attention);
  return [mlp, norms, scaled, indexer?.handsOn && !indexer.dense && indexer.topK];
}

/** For each kind of layers the first one that is alike in this. */
function firstAlike(kinds: readonly LayerSpec[], of: (layer: LayerSpec) => unknown): number[] {
  const names = kinds.map((layer) => JSON.stringify(of(layer)));
  return names.map((name) => names.indexOf(name));
}

function layerReductions(part: LayerPart, cut: Cut): Reduction[] {
  const { kind, layerKind } = part;
  const layer = cut.model.kinds[layerKind];
  return [
    ...(hasAttention(kind) ? attentionReductions(layer, cut, part) : []),
    ...(hasMlp(kind) ? mlpReductions(layer, cut, part) : []),
  ];
}

function attentionReductions(
  layer: LayerSpec,
  { model, rows, columns, positions, inFlight }: Cut,
  held: Held,
): Reduction[] {
  const s = layerShape(model, layer, positions, rows, columns, 1, held, inFlight);
  const [before, after] = [layer.norms !== 'post', layer.norms !== 'pre'];
  const cores = { column: rows, row: columns, head: s.groupWidth };
  const on: On = (line, words, type = model.dtype) => {
    return { line, cores: cores[line], words, type };
  };
  const norm = on('column', 1, 'f32');
  const { dims, joined } = s;
  return [
    ...(joined === undefined ? [] : joinReductions({ dims, joined }, on)),
    ...(before ? [norm] : []),
    ...mixerReductions(layer, s, on),
    on('row', s.dims),
    ...(after ? [norm] : []),
    ...(normsStream(layer) ? [norm] : []),
    ...routerVectors(layer.mlp, s.experts).map((words) => on('column', words, 'f32')),
  ];
}

function mixerReductions(layer: LayerSpec, s: LayerShape, on: On): Reduction[] {
  switch (s.kind) {
    case 'gqa':
      return gqaReductions(gqaOf(layer), s, on);
    case 'latent':
      return latentReductions(s, on);
    case 'delta':
      return deltaReductions(s, on);
  }
}

function gqaReductions(attention: GqaSpec, s: GqaShape, on: On): Reduction[] {
  const normed = normVectors(attention, normedHeads(attention, s));
  return [
    on('column', s.projectedDims),
    ...normed.map((words) => on('head', words, 'f32')),
    ...(attention.qkNorm === 'whole' ? [on('row', 2, 'f32')] : []),
    on('head', s.queryHeads * s.positions),
    on('column', s.queryHeads, 'f32'),
    on('column', s.queryHeads, 'f32'),
    on('column', s.queryDims),
  ];
}

/** Projections, what is read from the state, and what comes of it. */
function deltaReductions(s: DeltaShape, on: On): Reduction[] {
  return [
    on('column', projectedAt(s).length),
    on('head', summedAt(s).length, 'f32'),
    on('column', outputLength(s), 'f32'),
  ];
}

/** Sums of squares of heads: those of values with those of queries and keys, but where these come after RoPE. */
function normVectors({ qkNorm }: GqaSpec, { heads, values }: { heads: number; values: number }) {
  const sums = qkNorm === 'head-after-rope' ? [values, heads] : [heads + values];
  return sums.filter((words) => words > 0);
}

function mlpReductions(
  layer: LayerSpec,
  { model, rows, columns, positions }: Cut,
  held: Held,
): Reduction[] {
  const s = layerShape(model, layer, positions, rows, columns, 1, held);
  const { dims } = s;
  const type = model.dtype;
  const column = { line: 'column', cores: rows } as const;
  return [
    { ...column, words: gateUpSums(layer.mlp, s), type },
    { line: 'row', cores: columns, words: hasParallel(layer) ? 2 * dims : dims, type },
    ...(hasParallel(layer) ? [{ ...column, words: 2, type: 'f32' } as const] : []),
    ...(layer.norms === 'pre' ? [] : [{ ...column, words: 1, type: 'f32' } as const]),
  ];
}

/** What a column adds up of gate and up; of strips that with as many of the chosen as there are on average. */
function gateUpSums(mlp: MlpSpec, { inner, experts }: LayerShape): number {
  if (mlp.kind === 'dense' || experts === undefined) return 2 * inner;
  const load = Math.round(meanLargestLoad(mlp, experts.strips));
  return sumsOf(mlp, load * inner + experts.sharedInner + experts.parallelInner);
}

/** What the columns of a router add up: scores, groups' scores, and the chosen experts. */
function routerVectors(mlp: MlpSpec, shape: ExpertsShape | undefined): number[] {
  if (mlp.kind === 'dense' || shape === undefined) return [];
  const { groups } = mlp.router;
  return [shape.scores, ...(groups ? [groups.count] : []), shape.slots];
}

/** Looking an entry up, and the norm, the logits and the choice of a head. */
function tableReductions(kind: TableKind, { model, rows, columns }: Cut): Reduction[] {
  const { dtype: type } = model;
  const { dims, entries } = tableShape(model, rows, columns);
  const column = { line: 'column', cores: rows } as const;
  const row = { line: 'row', cores: columns } as const;
  const embedding: Reduction[] = [{ ...row, words: dims, type }];
  const head: Reduction[] = [
    { ...column, words: 1, type: 'f32' },
    { ...column, words: entries, type },
    { ...row, words: 1, type: 'f32' },
    { ...row, words: 1, type: 'f32' },
  ];
  return [...(kind === 'head' ? [] : embedding), ...(kind === 'embedding' ? [] : head)];
}
