/**
 * The SRAM budget of a core (machine-model section 1): 48 KiB less stack and code is what is left for
 * weights, cache and buffers. The sizes come from the mapping, which lowering asks too.
 */
import { bytesOf as bytesOfType } from '../numeric/types.js';
import type { CodeBytes, WaferSpec } from '../hardware/wafer.js';
import { MOST_IN_A_GROUP, formatOf, formatsOf, isBlocked } from '../model/formats.js';
import type { MatrixClass, WeightFormat } from '../model/formats.js';
import { hasExperts, type LayerSpec, type ModelSpec } from '../model/model.js';
import { cacheBytes, weightBytes } from '../model/operators.js';
import { hasAttention, hasMlp, isOfLayer, keyOfPart } from '../mapping/mapping.js';
import type { BufferShape, Cut, PartKind, RegionKind } from '../mapping/mapping.js';
import { MAPPINGS } from '../mapping/mappings.js';
import type { Form, SizedRequest } from './placement.js';

/**
 * Bytes of stack and code in a core of a region of this kind.
 * @param experts whether a layer has experts
 */
export function codeBytesOf(kind: RegionKind, code: CodeBytes, experts = false): number {
  const common = code.stack + code.runtime;
  switch (kind) {
    case 'layer':
      return common + code.attention + code.mlp + (experts ? code.router + code.experts : 0);
    case 'attention':
      return common + code.attention + (experts ? code.router : 0);
    case 'mlp':
      return common + code.mlp + (experts ? code.experts : 0);
    case 'embedding':
      return common + code.embedding;
    case 'head':
      return common + code.head;
    case 'embedding+head':
      return common + code.embedding + code.head;
  }
}

/** What the memory of a core depends on of a request. */
export type Kept = Pick<SizedRequest, 'mapping' | 'maxPositions' | 'batch' | 'inFlight' | Replicas>;
type Replicas = 'kvReplicas' | 'headGroups' | 'strips';

/** A part of a model over so many cores, with the caches that are asked for. */
export function cutOf(model: ModelSpec, asked: Kept, rows: number, columns: number): Cut {
  const { maxPositions: positions, batch: users, inFlight } = asked;
  return { model, rows, columns, positions, users, ...(inFlight && { inFlight }) };
}

/**
 * Bytes of SRAM that the fullest core of a region of `rows` x `columns` cores needs, code included.
 * Every user's positions are dealt to the rows from row 0 on, so that row holds the most.
 */
export function regionBytes(
  part: PartKind,
  model: ModelSpec,
  wafer: WaferSpec,
  asked: Kept,
  rows: number,
  columns: number,
): number {
  return codeOfPart(part, model, wafer) + dataBytes(part, model, asked, rows, columns);
}

function codeOfPart(part: PartKind, { kinds }: ModelSpec, { core }: WaferSpec): number {
  return codeBytesOf(
    part.kind,
    core.codeBytes,
    isOfLayer(part) && hasExperts(kinds[part.layerKind]),
  );
}

/** By model and region: whoever looks for what would fit asks for the same regions with many sizes of code. */
const known = new WeakMap<ModelSpec, Map<string, number>>();

/** A number of a region, found once. */
function once(
  part: PartKind,
  model: ModelSpec,
  { mapping, maxPositions, batch, inFlight = 1 }: Kept,
  rest: string,
  find: () => number,
): number {
  let ofModel = known.get(model);
  if (ofModel === undefined) known.set(model, (ofModel = new Map()));
  const key = `${mapping} ${keyOfPart(part)} ${maxPositions} ${batch} ${inFlight} ${rest}`;
  let found = ofModel.get(key);
  if (found === undefined) ofModel.set(key, (found = find()));
  return found;
}

function dataBytes(
  part: PartKind,
  model: ModelSpec,
  asked: Kept,
  rows: number,
  columns: number,
): number {
  return once(part, model, asked, `${rows} ${columns}`, () =>
    bytesOf(MAPPINGS[asked.mapping].buffers(part, cutOf(model, asked, rows, columns))),
  );
}

/**
 * The part with each number of KV replicas that a request leaves open on so many columns, the fewest first: those
 * that divide the query heads of a KV head, with a column for each KV group. A part without attention has none.
 */
function replicated(
  part: PartKind,
  { kinds }: Pick<ModelSpec, 'kinds'>,
  { kvReplicas = 1, headGroups = 1 }: Pick<SizedRequest, Replicas>,
  columns = Infinity,
): PartKind[] {
  if (!isOfLayer(part) || !hasAttention(part.kind)) return [part];
  const { attention } = kinds[part.layerKind];
  const isLatent = part.latent === 'latent';
  if (attention.kind !== 'gqa' && !isLatent) return [part];
  if (kvReplicas !== 'auto') return [kvReplicas === 1 ? part : { ...part, kvReplicas }];
  const kvHeads = attention.kind === 'gqa' ? attention.kvHeads : 1;
  return replicasOf(kinds[part.layerKind])
    .filter((count) => count === 1 || Math.floor(columns / (kvHeads * count)) >= headGroups)
    .map((count) => (count === 1 ? part : { ...part, kvReplicas: count }));
}

/**
 * The part in each form that a request leaves open on so many columns: numbers of KV replicas, and of strips of
 * experts, the fewest first: those that divide the number of experts, each with a column at least.
 */
export function variantsOf(
  part: PartKind,
  model: Pick<ModelSpec, 'kinds'>,
  asked: Pick<SizedRequest, Replicas>,
  columns = Infinity,
): PartKind[] {
  return replicated(part, model, asked, columns).flatMap((of) =>
    stripsOf(of, model, asked, columns).map((strips) => (strips === 1 ? of : { ...of, strips })),
  );
}

function stripsOf(
  part: PartKind,
  { kinds }: Pick<ModelSpec, 'kinds'>,
  { strips = 1 }: Pick<SizedRequest, 'strips'>,
  columns: number,
): number[] {
  if (!isOfLayer(part) || !hasMlp(part.kind)) return [1];
  const { mlp } = kinds[part.layerKind];
  if (mlp.kind !== 'experts') return [1];
  if (strips !== 'auto') return [strips];
  return divisorsOf(mlp.count).filter((count) => count <= Math.max(1, columns));
}

function divisorsOf(n: number): number[] {
  const found: number[] = [];
  for (let count = 1; count <= n; count++) if (n % count === 0) found.push(count);
  return found;
}

/**
 * KV groups that each KV head of a layer may have: those that share its query heads out evenly. Latent attention
 * has one, if its cache has latent vectors.
 */
export function replicasOf({ attention }: Pick<LayerSpec, 'attention'>): number[] {
  if (attention.kind === 'delta') return [1];
  return divisorsOf(attention.heads / (attention.kind === 'gqa' ? attention.kvHeads : 1));
}

/** Bytes of SRAM that the fullest core needs with the replicas and strips that need the fewest. */
export function leastBytes(
  part: PartKind,
  model: ModelSpec,
  wafer: WaferSpec,
  asked: Kept,
  rows: number,
  columns: number,
): number {
  const { kvReplicas, headGroups, strips } = asked;
  const form = `least ${kvReplicas} ${headGroups} ${strips}`;
  const data = once(part, model, asked, `${form} ${rows} ${columns}`, () => {
    const all = variantsOf(part, model, asked, columns);
    return Math.min(...all.map((of) => dataBytes(of, model, asked, rows, columns)));
  });
  return codeOfPart(part, model, wafer) + data;
}

export function bytesOf(buffers: BufferShape[]): number {
  return buffers.reduce((sum, b) => sum + bytesOfType(b.type, b.length), 0);
}

/**
 * Fewest columns with which a region of `rows` rows fits its cores' memory; undefined if no width of the wafer is
 * enough. Slices shrink or stay as columns grow, hence bisection; but one that comes to lie across two blocks keeps
 * the scales of both, so that in formats with blocks it only finds where to begin.
 * @param guess about how many they are
 */
export function leastColumns(
  part: PartKind,
  model: ModelSpec,
  wafer: WaferSpec,
  asked: Kept,
  rows: number,
  guess?: number,
): number | undefined {
  const fits = (of: ModelSpec, columns: number) => holds(part, of, wafer, asked, rows, columns);
  const bound = withLargeBlocks(model);
  // With experts slices may grow by a few words, and what is found depends on where it is looked for.
  let columns =
    guess === undefined || model.kinds.some(hasExperts)
      ? leastThat((at) => fits(bound, at), 1, wafer.width)
      : leastNear((at) => fits(bound, at), 1, wafer.width, guess);
  if (bound === model || columns === undefined) return columns;
  while (columns <= wafer.width && !fits(model, columns)) columns++;
  return columns <= wafer.width ? columns : undefined;
}

/** Whether a core of a region of so many rows and columns has the memory that its part needs. */
export function holds(
  part: PartKind,
  model: ModelSpec,
  wafer: WaferSpec,
  asked: Kept,
  rows: number,
  columns: number,
): boolean {
  const room = wafer.core.sramBytes - codeOfPart(part, model, wafer);
  const all = variantsOf(part, model, asked, columns);
  return all.some((of) => dataBytes(of, model, asked, rows, columns) <= room);
}

/**
 * Whether the memory that a part needs may rise with its columns: in formats with blocks, and by a few words where
 * experts are shared out among the columns of a router.
 */
export function mayRise(model: ModelSpec): boolean {
  return model.kinds.some(hasExperts) || withLargeBlocks(model) !== model;
}

const bounds = new WeakMap<ModelSpec, ModelSpec>();

/**
 * The model with one block for each matrix, or for each output: its slices need no more than those of the model,
 * and fewer columns never make them smaller. The model itself if it has no blocks.
 */
function withLargeBlocks(model: ModelSpec): ModelSpec {
  let found = bounds.get(model);
  if (found !== undefined) return found;
  found = model;
  if (formatsOf(model).some(({ format }) => isBlocked(format))) {
    const of = (name: MatrixClass) => withLargeBlock(formatOf(model, name));
    const formats = { experts: of('experts'), attention: of('attention'), rest: of('rest') };
    found = { ...model, formats: { ...formats, tables: of('tables') } };
  }
  bounds.set(model, found);
  return found;
}

function withLargeBlock(format: WeightFormat): WeightFormat {
  if (!isBlocked(format)) return format;
  const [high] = format.block;
  return { ...format, block: [high === 1 ? 1 : MOST_IN_A_GROUP, MOST_IN_A_GROUP] };
}

/** Smallest integer of [low, high] with `holds`, which must stay true once it is; or undefined. */
export function leastThat(
  holds: (n: number) => boolean,
  low: number,
  high: number,
): number | undefined {
  if (high < low || !holds(high)) return undefined;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The same, looked for from a guess of [low, high] on in steps that double, and then between the last two. */
function leastNear(
  holds: (n: number) => boolean,
  low: number,
  high: number,
  guess: number,
): number | undefined {
  const down = holds(guess);
  let [below, above] = down ? [low - 1, guess] : [guess, high + 1];
  for (let step = 1; above - below > 1; step *= 2) {
    const at = down ? Math.max(above - step, low) : Math.min(below + step, high);
    const found = holds(at);
    if (found) above = at;
    else below = at;
    if (found !== down) break;
  }
  while (above - below > 1) {
    const middle = Math.floor((below + above) / 2);
    if (holds(middle)) above = middle;
    else below = middle;
  }
  return above <= high ? above : undefined;
}

/** Largest integer of [low, high] with `holds`, which must stay false once it is; or undefined. */
export function mostThat(
  holds: (n: number) => boolean,
  low: number,
  high: number,
): number | undefined {
  const first = leastThat((n) => !holds(n), low, high) ?? high + 1;
  return first > low ? first - 1 : undefined;
}

/**
 * Bytes of the model itself, without padding, code and buffers, and of its caches for `users` users; `latent` says
 * what those of latent attention have.
 */
export function modelBytes(
  model: ModelSpec,
  positions: number,
  users = 1,
  latent?: Form['latent'],
): { weights: number; cache: number } {
  const cache = cacheBytes(model, positions, latent === 'expanded');
  return { weights: weightBytes(model), cache: users * cache };
}
