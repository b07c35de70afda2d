/**
 * The numbers of a run that computes (with weights, a prompt or `workload.data`): weights of a checkpoint or
 * random ones, the memory of every region's cores, and the comparison of the wafer's logits with those of a
 * plain implementation of the model, and of the token that it chose with those logits.
 */
import type { ResolvedConfig } from '../config.js';
import { openCheckpoint, type Checkpoint } from '../checkpoint/checkpoint.js';
import { readMtpWeights } from '../checkpoint/mtp.js';
import { readWeights, type ReadWeights } from '../checkpoint/weights.js';
import type { LayerCache, Memory } from '../lowering/lowering.js';
import { BITS, formatText, type WeightFormat } from '../model/formats.js';
import type { Weights } from '../model/model-weights.js';
import { indexerOf } from '../model/attention-spec.js';
import { layerOf, type ModelSpec } from '../model/model.js';
import {
  createPlainDecoder,
  type ChosenExperts,
  type PlainDecoder,
} from '../model/plain/decoder.js';
import { mtpModel } from '../model/mtp.js';
import { storeWeights } from '../model/stored.js';
import { randomWeights } from '../model/weights.js';
import { MachineError } from '../engine/engine.js';
import { seededRandom } from '../numeric/random.js';
import type { CheckResult } from '../report/document.js';
import type { SimulateOptions } from './options.js';
import { roomOf } from './positions.js';
import type { Routing as StripRouting } from './routing.js';
import { addChoice, followed, noRouting, routingResult, type Routing } from './routing-check.js';
import { addSelection, noSelecting, selectingResult, type Selecting } from './selection-check.js';

/** Largest difference allowed between the wafer's logits and the plain ones, per largest logit. */
const TOLERANCE = { f32: 1e-4, f16: 3e-2 } as const;

export interface Numbers {
  model: ModelSpec;
  memory: Memory;
  plain: PlainDecoder;
  /** The token that the next step takes, as the head has left it. */
  token: number;
  checks: StepCheck[];
  /** Relative errors of the logits after the tokens of a prompt, but for the last one. */
  inPrompt: number[];
  /** And after drafted tokens that were rejected. */
  rejected?: number[];
  /**
   * What the wafer's head multiplied after each position so far, where an MTP layer drafts; before the first step, the
   * plain decoder's.
   */
  hiddens?: Float64Array[];
  /** Of a model that joins a hidden state to its token: that of the next one. */
  hidden?: Float64Array;
  /** What was chosen in layers with experts. */
  routing: Routing;
  /** Which positions were chosen in layers with an indexer. */
  selecting?: Selecting;
  /** Where experts lie in strips: what the plain decoder made of the token, whose choice programs are written for. */
  ahead?: { logits: Float64Array; experts: ChosenExperts } | undefined;
  /** Whether a layer's program for one choice computes another. */
  computes?: StripRouting['computes'];
  /** Tensors of a checkpoint that are no part of the model. */
  skipped?: ReadWeights['skipped'];
  /** Formats of few bits in which the checkpoint did not have its weights, and the fewest bits of them. */
  rounded?: Pick<CheckResult, 'roundedTo' | 'roundedFormats'>;
}

/** What one step computed. */
export interface StepCheck {
  maxRelativeError: number;
  /** Number of the first largest of the wafer's own logits, -1 if they have none (NaN). */
  largest: number;
  chosen: number;
}

/**
 * The verdict on the steps of the first user: largest relative error of the logits, and whether each
 * token is the first largest of the wafer's own logits. The other users run the same programs.
 * @param head where the logits and the choice are computed
 * @param inPrompt errors of the logits within a prompt
 * @param rounded to what weights were rounded
 * @param routing choices of experts, which have to be the plain implementation's but for near ties
 * @param selecting choices of positions, of which the same holds
 */
export function checkResult(
  { model, workload }: Pick<ResolvedConfig, 'model' | 'workload'>,
  steps: readonly StepCheck[],
  head: 'wafer' | 'host',
  inPrompt: readonly number[] = [],
  routing: Routing = noRouting(),
  rounded: Numbers['rounded'] = {},
  selecting: Selecting = noSelecting(),
): CheckResult {
  const tolerance = TOLERANCE[model.dtype];
  // Math.max keeps NaN, which no tolerance passes.
  const errors = [...inPrompt, ...steps.map((step) => step.maxRelativeError)];
  const logitsMaxRelativeError = errors.reduce((most, error) => Math.max(most, error), -Infinity);
  const wrong = steps.findIndex(({ largest, chosen }) => largest < 0 || chosen !== largest);
  const choice = wrong < 0;
  return {
    logitsMaxRelativeError,
    tolerance,
    choice,
    ...(!choice && { wrongChoice: { step: wrong, ...choiceOf(steps[wrong]) } }),
    head,
    ...routingResult(routing),
    ...selectingResult(selecting),
    users: { checked: [0], of: workload.batch },
    ...rounded,
    passed:
      logitsMaxRelativeError <= tolerance &&
      choice &&
      routing.wrong === undefined &&
      selecting.wrong === undefined,
  };
}

/** JSON has no NaN: what is no token is null. */
function choiceOf({ chosen, largest }: StepCheck) {
  return { chosen: Number.isFinite(chosen) ? chosen : null, largest: largest < 0 ? null : largest };
}

/** Number of the first largest logit; -1 if any of them is NaN. */
export function firstLargest(logits: ArrayLike<number>): number {
  let first = 0;
  for (let i = 0; i < logits.length; i++) {
    if (Number.isNaN(logits[i])) return -1;
    if (logits[i] > logits[first]) first = i;
  }
  return first;
}

/** max |difference| / max |expected|; NaN if any of the logits is none. */
export function relativeError(logits: ArrayLike<number>, expected: ArrayLike<number>): number {
  let difference = 0;
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    // Math.max keeps NaN, which no tolerance passes.
    difference = Math.max(difference, Math.abs(logits[i] - expected[i]));
    largest = Math.max(largest, Math.abs(expected[i]));
  }
  return difference / largest;
}

/**
 * The checkpoint's weights or random ones, an earlier conversation of `workload.context` random tokens unless
 * there is a prompt, and the cores' memory with both, by `imagesOf`.
 * @param read weights; read here if they are not given
 */
export function createNumbers(
  config: ResolvedConfig,
  imagesOf: (weights: Weights, caches: LayerCache[]) => Memory,
  read = weightsOf(config),
): Numbers {
  const { model, workload, prompt } = config;
  const { weights, skipped, rounded } = read;
  const tokens = seededRandom(`tokens ${workload.seed}`);
  const draw = () => Math.floor(tokens() * model.vocab);
  const plain = createPlainDecoder(model, weights, roomOf(config));
  for (let i = 0; i < workload.context; i++) plain.step(draw());
  const caches = plain.keys.map((keys, i) => ({
    ...{ keys, values: plain.values[i], indexKeys: plain.indexKeys[i] },
    state: plain.states[i],
  }));
  const memory = imagesOf(weights, caches);
  const token = prompt === undefined ? draw() : prompt[0];
  const none = { checks: [], inPrompt: [], routing: noRouting(), selecting: noSelecting() };
  const numbers: Numbers = { model, memory, plain, token, ...none };
  return { ...numbers, ...(skipped && { skipped }), ...(rounded && { rounded }) };
}

/** The weights that are computed with, as the wafer stores them. */
export function weightsOf({
  model,
  workload,
  weights: named,
}: ResolvedConfig): { weights: Weights } & Pick<Numbers, 'skipped' | 'rounded'> {
  if (named === undefined)
    return { weights: randomWeights(model, seededRandom(`weights ${workload.seed}`)) };
  const read = (checkpoint: Checkpoint) => readWeights(checkpoint, model, named.block);
  const { weights, skipped } = readFrom(named.path, read);
  return { ...asStored(model, weights), skipped };
}

/** Those of the model's layer for the token after the next, a model of its own (model/mtp.ts). */
export function mtpWeightsOf({
  model,
  workload,
  weights: named,
}: ResolvedConfig): ReturnType<typeof weightsOf> {
  const layer = mtpModel(model, false);
  if (named === undefined)
    return { weights: randomWeights(layer, seededRandom(`mtp ${workload.seed}`)) };
  const read = (checkpoint: Checkpoint) => readMtpWeights(checkpoint, model, named.block);
  return asStored(layer, readFrom(named.path, read));
}

function readFrom<T>(path: string, read: (checkpoint: Checkpoint) => T): T {
  const checkpoint = openCheckpoint(path);
  try {
    return read(checkpoint);
  } finally {
    checkpoint.close();
  }
}

function asStored(model: ModelSpec, weights: Weights) {
  const formats = new Set<WeightFormat>();
  const stored = storeWeights(model, weights, formats);
  return { weights: stored, rounded: roundedTo([...formats]) };
}

function roundedTo(formats: readonly WeightFormat[]): NonNullable<Numbers['rounded']> {
  if (formats.length === 0) return {};
  return {
    roundedTo: Math.min(...formats.map(({ type }) => BITS[type])),
    roundedFormats: [...new Set(formats.map(formatText))],
  };
}

/** Whether there is such a token to compute with. */
export function isToken(token: number, { model: { vocab } }: Pick<Numbers, 'model'>): boolean {
  return Number.isInteger(token) && token >= 0 && token < vocab;
}

/** Before a step: the experts that the plain decoder chooses for its token; none of what is no token. */
export function lookAhead(numbers: Numbers): ChosenExperts | undefined {
  const { plain, token, model } = numbers;
  if (!isToken(token, { model })) return undefined;
  const logits = plain.step(token);
  const experts = plain.choices.map((choice) => choice?.experts);
  numbers.ahead = { logits, experts };
  return experts;
}

/**
 * Holds what a place's cores chose against what its program was written for.
 * @param isOver whether all of them have chosen
 * @throws MachineError if the program does not compute what they chose
 */
export function checkLowered(
  { memory, ahead, computes, model, checks, inPrompt }: Numbers,
  place: number,
  isOver: boolean,
): void {
  if (ahead === undefined || computes === undefined) return;
  const { layer, choices } = memory.chosenAt?.(place) ?? {};
  if (layer === undefined || choices === undefined) return;
  const { mlp } = layerOf(model, layer);
  const lowered = ahead.experts[layer];
  if (mlp.kind !== 'experts' || lowered === undefined) return;
  for (const found of choices()) {
    const hasChosen = isOver || followed(found, mlp.count) !== undefined;
    if (!hasChosen || computes(layer, lowered, found)) continue;
    const token = inPrompt.length + checks.length;
    throw new MachineError(
      'other-experts',
      { cycle: 0, cores: [], colors: [] },
      `the router of layer ${layer} chose experts ${found.join(', ')} for token ${token}, where the strips' programs ` +
        `are for ${lowered.join(', ')}, the plain decoder's choice; a near tie is decided otherwise in fewer bits ` +
        '(model.dtype), and placement.experts=sliced computes any choice',
    );
  }
}

/** After a step: compares its logits, and takes the token that was chosen. */
export function checkStep(numbers: Numbers, onLogits: SimulateOptions['onLogits']): void {
  const { logits, chosen, maxRelativeError } = compared(numbers, onLogits);
  numbers.token = chosen;
  numbers.checks.push({ maxRelativeError, largest: firstLargest(logits), chosen });
}

/** After each token of a round: compares its logits; its choice is a step's if the token is accepted. */
export function checkInRound(numbers: Numbers): { chosen: number; logits: ArrayLike<number> } {
  const { logits, chosen, maxRelativeError } = compared(numbers, undefined);
  numbers.checks.push({ maxRelativeError, largest: firstLargest(logits), chosen });
  return { chosen, logits };
}

/** After each token that a draft takes: what it chooses. */
export function checkDrafted(numbers: Numbers): number {
  const { chosen, maxRelativeError } = compared(numbers, undefined);
  numbers.inPrompt.push(maxRelativeError);
  return chosen;
}

/** After the last one: steps of tokens that are not accepted were none, though their logits count. */
export function rejectLast(numbers: Numbers, count: number): void {
  const { checks } = numbers;
  const rejected = checks.splice(checks.length - count);
  const errors = rejected.map(({ maxRelativeError }) => maxRelativeError);
  numbers.rejected = [...(numbers.rejected ?? []), ...errors];
}

/** After a token of the prompt: the same, and the prompt's next one follows whatever was chosen. */
export function checkPromptToken(
  numbers: Numbers,
  next: number,
  onLogits: SimulateOptions['onLogits'],
): void {
  numbers.inPrompt.push(compared(numbers, onLogits).maxRelativeError);
  numbers.token = next;
}

/** What the wafer made of the token, next to what the plain decoder does with the same experts. */
function compared(numbers: Numbers, onLogits: SimulateOptions['onLogits']) {
  const { memory, token, hiddens } = numbers;
  const { logits, chosen, ...chosenFor } = memory.outcome();
  hiddens?.push(memory.hidden!());
  const maxRelativeError = relativeError(logits, follow(numbers, token, chosenFor));
  onLogits?.(logits);
  return { logits, chosen, maxRelativeError };
}

/**
 * The plain decoder's logits after a token that goes through the wafer's experts and attends to the positions that its
 * indexers chose; both choices are checked.
 */
function follow(
  { plain, routing, selecting, model, checks, inPrompt, ahead, hidden }: Numbers,
  token: number,
  { experts = [], positions = [] }: Pick<ReturnType<Memory['outcome']>, 'experts' | 'positions'>,
): Float64Array {
  const taken = () =>
    experts.map((chosen, layer) => {
      const { mlp } = layerOf(model, layer);
      return chosen && mlp.kind === 'experts' ? followed(chosen, mlp.count) : undefined;
    });
  const attended = () =>
    positions.map((chosen, layer) =>
      chosen?.length === indexerOf(layerOf(model, layer).attention)?.topK ? chosen : undefined,
    );
  const logits = ahead?.logits ?? plain.step(token, taken(), attended(), hidden);
  const at = inPrompt.length + checks.length;
  const { dtype } = model;
  for (const [layer, choice] of plain.choices.entries()) {
    const chosen = experts[layer];
    if (choice && chosen) addChoice(routing, dtype, { token: at, layer }, chosen, choice);
  }
  for (const [layer, choice] of plain.selections.entries()) {
    const chosen = positions[layer];
    if (choice && chosen && selecting)
      addSelection(selecting, dtype, { token: at, layer }, chosen, choice);
  }
  return logits;
}
