/** What a simulation with the default mapping rests on, in words: the assumptions that `explain` prints. */
import type { GqaSpec } from '../model/attention-spec.js';
import { formatText, formatsOf, isBlocked, widenedTypesOf } from '../model/formats.js';
import { hasExperts, type LayerSpec, type ModelSpec } from '../model/model.js';
import { expertRules } from './expert-rules.js';
import { latentRules } from './latent-rules.js';
import { OURS, type Mapping, type Rule } from './mapping.js';
import { hasParallel } from './norms.js';

function ours(text: string): Rule {
  return [text, 'assumed', OURS];
}

export function gqaRules({ model, workload, placement }: Parameters<Mapping['rules']>[0]): Rule[] {
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
  const rules: [holds: boolean | undefined, texts: string[]][] = [
    [
      attentions.some((of) => of.bias || of.outBias) || kinds.some(({ mlp }) => mlp.bias),
      [
        "A sum over a line starts from its bias on one of the line's cores, and from zeros on the others.",
      ],
    ],
    [
      attentions.some(({ qkNorm }) => qkNorm === 'whole'),
      ['Squares of all query heads, and of all key heads, are added up over whole rows.'],
    ],
    [
      attentions.some(({ vNorm }) => vNorm),
      [
        'Value heads that are normalised have the mean of their squares, without weights, added up with those of queries and keys.',
      ],
    ],
    [
      attentions.some(({ valueIsKey }) => valueIsKey),
      [
        'Values that are keys are copies of what the keys were before their norm and RoPE; the cache keeps both.',
      ],
    ],
    [
      kinds.some(hasParallel),
      [
        'A dense MLP next to the experts adds its units to their sum over the column, and its result to theirs over the row; each has a norm of its own after it.',
      ],
    ],
    [
      attentions.some(({ qkNorm }) => qkNorm === 'head-after-rope'),
      [
        'Query and key heads that are normalised after RoPE have the mean of their squares, without weights.',
      ],
    ],
    [
      attentions.some(({ sinks }) => sinks),
      [
        'A sink is one more score in the maximum and in the sum of the softmax, and the root of each column counts it.',
      ],
    ],
    [
      attentions.some(({ temperature }) => temperature),
      [
        'Where queries are scaled by position their scores are, by a number that is known when the step is written: it takes no operation.',
      ],
    ],
    [true, latentRules(kinds)],
    [
      kinds.some(({ attention }) => attention.kind === 'delta'),
      [
        'The state of a delta net lies with the elements of its keys on the columns of a group and with those of its values on the rows, in 32 bits; what key and query read from it is added up once, before the state decays, and the rest of the rule follows from that.',
        'A convolution over earlier tokens adds up what does not depend on the new one before it arrives; what it keeps of them is on every row.',
      ],
    ],
    [
      attentions.some(({ gate }) => gate),
      ['What gates the attended heads is projected with the queries, and lies on their columns.'],
    ],
    [
      kinds.some(({ mlp }) => mlp.act.clamp !== undefined),
      ['Gate and up are limited on their column; up + 1 takes no operation of its own.'],
    ],
    [
      kinds.some(({ norms }) => norms !== 'pre'),
      ['A norm after a block is one of its sum over the row, and takes a sum along the columns.'],
    ],
    [
      normPlusOne,
      ['Cores keep 1 + w of a norm that multiplies by it, rounded once, in place of w.'],
    ],
    ...(['window', 'chunk'] as const).map((kind): [boolean, string[]] => {
      const sizes = attentions.flatMap(({ span }) => (span.kind === kind ? [span.size] : []));
      const text = `A layer with a ${kind} of ${[...new Set(sizes)].join(' or ')} positions keeps no more of them; a new one takes the place of the oldest.`;
      return [sizes.length > 0, [text]];
    }),
  ];
  return rules.flatMap(([holds, texts]) => (holds ? texts : []));
}
