/**
 * The default mapping (machine-model section 5a): a region of its own for every layer and table, one
 * after the other on a token's path; any number of rows and columns, and layers of
 * grouped-query attention with dense MLPs or experts.
 */
import type { GqaSpec } from '../model/attention-spec.js';
import type { MlpSpec } from '../model/mlp-spec.js';
import { formatText, formatsOf, isBlocked, widenedTypesOf } from '../model/formats.js';
import { gqaOf, hasExperts, type LayerSpec, type ModelSpec } from '../model/model.js';
import { meanLargestLoad, sumsOf, type ExpertsShape } from './experts.js';
import type { FloatType } from '../numeric/types.js';
import { expertRules } from './expert-rules.js';
import { OURS } from './mapping.js';
import { hasAttention, hasMlp, isOfLayer } from './mapping.js';
import type { Cut, Held, LayerPart, Line, Mapping, Part } from './mapping.js';
import type { Reduction, Rule, TableKind } from './mapping.js';
import { outputLength, projectedAt, summedAt, type DeltaShape } from './delta.js';
import { layerBuffers } from './buffers.js';
import { handedOver, hasParallel, normedHeads } from './norms.js';
import { layerShape } from './shapes.js';
import { latentReductions, latentRules } from './latent-buffers.js';
import { tableBuffers } from './buffers.js';
import { normsStream } from './norms.js';
import { tableShape, type GqaShape, type LayerShape } from './shapes.js';

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
  received(part, { model, rows }) {
    const words = Math.ceil(model.dim / rows);
    if (part.kind === 'embedding' || part.kind === 'embedding+head')
      return { words: 1, type: 'f32' };
    if (part.kind !== 'mlp') return { words, type: model.dtype };
    return { words: handedOver(model.kinds[part.layerKind], words), type: model.dtype };
  },
  buffers(part, { model, rows, columns, positions, users }) {
    if (!isOfLayer(part)) return tableBuffers(model, tableShape(model, rows, columns), part.kind);
    const layer = model.kinds[part.layerKind];
    const shape = layerShape(model, layer, positions, rows, columns, users, part);
    return layerBuffers(model, layer, shape, part.kind);
  },
  reductions(part, cut) {
    if (!isOfLayer(part)) return tableReductions(part.kind, cut);
    return layerReductions(part, cut);
  },
  rules,
};

/** What the attention of a layer depends on, which chooses the experts of its MLP, and what its MLP does. */
function attentionOf({ attention, norms, mlp }: LayerSpec): unknown {
  const choice = mlp.kind === 'experts' && [mlp.count, mlp.topK, mlp.router, !!mlp.parallel];
  return [attention, norms, choice];
}
const mlpOf = ({ mlp, norms, scaled }: LayerSpec) => [mlp, norms, scaled];

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
  { model, rows, columns, positions }: Cut,
  held: Held,
): Reduction[] {
  const s = layerShape(model, layer, positions, rows, columns, 1, held);
  const [before, after] = [layer.norms !== 'post', layer.norms !== 'pre'];
  const cores = { column: rows, row: columns, head: s.groupWidth };
  const on: On = (line, words, type = model.dtype) => {
    return { line, cores: cores[line], words, type };
  };
  const norm = on('column', 1, 'f32');
  return [
    ...(before ? [norm] : []),
    ...mixerReductions(layer, s, on),
    on('row', s.dims),
    ...(after ? [norm] : []),
    ...(normsStream(layer) ? [norm] : []),
    ...routerVectors(layer.mlp, s.experts).map((words) => on('column', words, 'f32')),
  ];
}

type On = (line: Line, words: number, type?: FloatType) => Reduction;

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

function ours(text: string): Rule {
  return [text, 'assumed', OURS];
}

function rules({ model, workload, placement }: Parameters<Mapping['rules']>[0]): Rule[] {
  const always = [
    'Every layer has a region of cores; a token goes through them one after the other, and a region without a token waits.',
    Array.isArray(workload.prompt)
      ? 'A prompt goes through the regions token by token, as steps do; its times are not part of the result.'
      : `The cache holds ${workload.context} tokens before the first step; how it was filled is not simulated.`,
    'The groups and the form of the all-reduces on every line are those that simulate fastest on it.',
    `Activations and cache are ${model.dtype}; sums of squares, maxima and sums of the softmax are f32.`,
  ];
  const experts = model.kinds.some(hasExperts) ? expertRules(workload, placement?.experts) : [];
  const found = [...always, ...experts, ...layerRules(model)].map(ours);
  const functions = specialFunctions(model)
    .join(', ')
    .replace(/, (?=[^,]*$)/, ' and ');
  found.push(
    [
      `Roots, reciprocals, ${functions} are scalar code for each number, or vector operations over all that a core has (a range reduction and a polynomial), whichever is cheaper for so many.`,
      'assumed',
      `${OURS}; counts in the cost table`,
    ],
    ours('The next token is the largest logit, found on the wafer.'),
  );
  if (workload.batch > 1)
    found.push(
      ours(
        'Every stage is simulated alone, between the tokens before and after. Where a hand-off passes links that another user has in use, the stages are simulated as one program, whose routers begin with their pointers at 0; decode.sharedLinks lists them, and what pairs too large for that cost at most. Steps of serving do so on wafers of up to 131,072 cores.',
      ),
    );
  return [...found, ...formatRules(model)];
}

/** How weights of few bits are stored and widened. */
function formatRules(model: ModelSpec): Rule[] {
  const formats = formatsOf(model);
  const types = widenedTypesOf(model);
  if (types.length === 0) return [];
  const found: Rule[] = [];
  if (types.includes('i8'))
    found.push(ours('8-bit weights are widened on use, one scale per matrix on each core.'));
  if (formats.some(({ format }) => isBlocked(format)))
    found.push(
      ours(
        'Codes are multiplied by the scales of their blocks as they are widened, each time they are used, and rounded to the type of activations; a core keeps a scale for each block that its slice touches, and which block each of its inputs is in if there are several.',
      ),
    );
  if (model.stored === undefined) return found;
  const words = formats.map(({ of, format }) => `${of} ${formatText(format)}`).join('; ');
  found.push([
    `The model's file stores its weights as ${model.stored}; here they are: ${words}.`,
    'assumed',
    `${OURS}; model.bits or model.weightBits says otherwise`,
  ]);
  return found;
}

/** What else takes a special function. */
function specialFunctions({ kinds, logitCap }: ModelSpec): string[] {
  const attentions = kinds.flatMap(gqaIn);
  const hasDelta = kinds.some(({ attention }) => attention.kind === 'delta');
  const capsScores = attentions.some(({ scoreCap }) => scoreCap !== undefined);
  const acts = new Set(kinds.map(({ mlp }) => mlp.act.fn));
  return [
    ...(attentions.length > 0 ? ['the exponentials of the softmax'] : []),
    ...(hasDelta ? ['decays and steps of delta nets'] : []),
    ...(attentions.some(({ gate }) => gate) ? ['sigmoids of gates'] : []),
    ...(acts.has('silu') ? ['SiLU'] : []),
    ...(acts.has('gelu-tanh') ? ['GELU'] : []),
    ...(capsScores ? ['caps of scores'] : []),
    ...(logitCap === undefined ? [] : ['caps of logits']),
  ];
}

function gqaIn({ attention }: LayerSpec): GqaSpec[] {
  return attention.kind === 'gqa' ? [attention] : [];
}

/** How layers do what those of a plain Llama do not have to. */
function layerRules({ kinds, normPlusOne }: ModelSpec): string[] {
  const attentions = kinds.flatMap(gqaIn);
  const found: string[] = [];
  if (attentions.some((of) => of.bias || of.outBias) || kinds.some(({ mlp }) => mlp.bias))
    found.push(
      "A sum over a line starts from its bias on one of the line's cores, and from zeros on the others.",
    );
  if (attentions.some(({ qkNorm }) => qkNorm === 'whole'))
    found.push('Squares of all query heads, and of all key heads, are added up over whole rows.');
  if (attentions.some(({ vNorm }) => vNorm))
    found.push(
      'Value heads that are normalised have the mean of their squares, without weights, added up with those of queries and keys.',
    );
  if (attentions.some(({ valueIsKey }) => valueIsKey))
    found.push(
      'Values that are keys are copies of what the keys were before their norm and RoPE; the cache keeps both.',
    );
  if (kinds.some(hasParallel))
    found.push(
      'A dense MLP next to the experts adds its units to their sum over the column, and its result to theirs over the row; each has a norm of its own after it.',
    );
  if (attentions.some(({ qkNorm }) => qkNorm === 'head-after-rope'))
    found.push(
      'Query and key heads that are normalised after RoPE have the mean of their squares, without weights.',
    );
  if (attentions.some(({ sinks }) => sinks))
    found.push(
      'A sink is one more score in the maximum and in the sum of the softmax, and the root of each column counts it.',
    );
  if (attentions.some(({ temperature }) => temperature))
    found.push(
      'Where queries are scaled by position their scores are, by a number that is known when the step is written: it takes no operation.',
    );
  found.push(...latentRules(kinds));
  if (kinds.some(({ attention }) => attention.kind === 'delta'))
    found.push(
      'The state of a delta net lies with the elements of its keys on the columns of a group and with those of its values on the rows, in 32 bits; what key and query read from it is added up once, before the state decays, and the rest of the rule follows from that.',
      'A convolution over earlier tokens adds up what does not depend on the new one before it arrives; what it keeps of them is on every row.',
    );
  if (attentions.some(({ gate }) => gate))
    found.push(
      'What gates the attended heads is projected with the queries, and lies on their columns.',
    );
  if (kinds.some(({ mlp }) => mlp.act.clamp !== undefined))
    found.push('Gate and up are limited on their column; up + 1 takes no operation of its own.');
  if (kinds.some(({ norms }) => norms !== 'pre'))
    found.push(
      'A norm after a block is one of its sum over the row, and takes a sum along the columns.',
    );
  if (normPlusOne)
    found.push('Cores keep 1 + w of a norm that multiplies by it, rounded once, in place of w.');
  for (const kind of ['window', 'chunk'] as const) {
    const sizes = attentions.flatMap(({ span }) => (span.kind === kind ? [span.size] : []));
    if (sizes.length > 0)
      found.push(
        `A layer with a ${kind} of ${[...new Set(sizes)].join(' or ')} positions keeps no more of them; a new one takes the place of the oldest.`,
      );
  }
  return found;
}
