/**
 * A model and its draft on wafers. They share wafers where both fit: the model keeps the upper rows of each and the
 * draft the lower ones, so that no path of the one leads through the other's cores. Otherwise, or where the
 * configuration asks for it, the draft has wafers of its own, which are counted after the model's.
 *
 * The model's own layer for the token after the next has regions as high as the model's, whose rows bring it their
 * slices of hidden states.
 */
import type { ResolvedConfig } from '../../config.js';
import type { WaferSpec } from '../../hardware/wafer.js';
import { wafersNeeded } from '../../placement/capacity.js';
import { leastThat, modelBytes } from '../../placement/budget.js';
import { CapacityError, type Placement, type SizedRequest } from '../../placement/placement.js';
import { place, type Placing } from '../../placement/place.js';

type RequestOf = (config: ResolvedConfig) => SizedRequest;

/** @throws CapacityError if the model does not fit its wafers, or the draft any */
export function placeWithDraft(
  config: ResolvedConfig,
  draft: ResolvedConfig,
  requestOf: RequestOf,
  search: Placing = {},
): Placement {
  const asked = ownWafers(config);
  if (draft.model.kinds.some(({ joins }) => joins))
    return placeWithLayer(config, draft, requestOf, search);
  const shared = asked === undefined ? sharing(config, draft, requestOf, search) : undefined;
  if (shared !== undefined) return shared;
  const { model, wafer } = config;
  const placement = place(model, wafer, requestOf(config), search);
  return { ...placement, ...onItsOwn(placement, draft, asked, requestOf) };
}

function placeWithLayer(
  config: ResolvedConfig,
  draft: ResolvedConfig,
  requestOf: RequestOf,
  search: Placing,
): Placement {
  const { model, wafer } = config;
  const alone = place(model, wafer, requestOf(config), search);
  const rows = alone.regions[0].height;
  const asHigh = (of: ResolvedConfig) => ({ ...of, placement: { ...of.placement, rows } });
  const layer = asHigh(draft);
  if (wafer.defects === undefined) {
    const left = onWhatIsLeft(alone, layer, requestOf);
    if (left) return { ...alone, ...left };
    const { wafers } = alone;
    const held = asHigh({ ...config, wafer: { ...wafer, wafers } });
    const shared = shareRows(held, layer, requestOf, search, { rows, wafers });
    if (shared) return shared;
  }
  return { ...alone, ...onItsOwn(alone, layer, undefined, requestOf) };
}

/** On the rows below the model's on its last wafer; undefined if the draft does not fit there. */
function onWhatIsLeft(
  { regions, wafers }: Placement,
  draft: ResolvedConfig,
  requestOf: RequestOf,
): Pick<Placement, 'draft' | 'wafers'> | undefined {
  const last = Math.max(...regions.map(({ wafer }) => wafer));
  const ends = regions.filter(({ wafer }) => wafer === last).map(({ y, height }) => y + height);
  const used = Math.max(...ends);
  const lower = { ...draft.wafer, height: draft.wafer.height - used, wafers: 1 };
  if (lower.height < 1) return undefined;
  const placement = placedBelow(used, draft, lower, requestOf);
  if (placement === undefined) return undefined;
  const there = placement.regions.map((one) => ({ ...one, wafer: last }));
  const own = { ...placement, regions: there };
  return { wafers, draft: { model: draft.model, shared: true, placement: own } };
}

function ownWafers({ workload: { speculation } }: ResolvedConfig): number | undefined {
  const draft = speculation?.draft;
  return draft?.kind === 'model' ? draft.wafers : undefined;
}

function onItsOwn(
  { wafers }: Placement,
  draft: ResolvedConfig,
  asked: number | undefined,
  requestOf: RequestOf,
): Pick<Placement, 'draft' | 'wafers'> {
  const wafer: WaferSpec = { ...draft.wafer, wafers: asked ?? 'auto' };
  const placement = placeDraft(draft, wafer, requestOf);
  const all = wafers + placement.wafers;
  const regions = placement.regions.map((one) => ({ ...one, wafer: one.wafer + wafers }));
  const own = { ...placement, regions };
  return { wafers: all, draft: { model: draft.model, shared: false, placement: own } };
}

/** A refusal says that it is the draft that does not fit. */
function placeDraft(draft: ResolvedConfig, wafer: WaferSpec, requestOf: RequestOf): Placement {
  try {
    return place(draft.model, wafer, requestOf(draft));
  } catch (error) {
    if (!(error instanceof CapacityError)) throw error;
    throw new CapacityError(`workload.speculation.draft: ${error.message}`);
  }
}

/** Both on the wafers that the model takes alone; undefined where they do not fit. */
function sharing(
  config: ResolvedConfig,
  draft: ResolvedConfig,
  requestOf: RequestOf,
  { random, onProgress }: Placing,
): Placement | undefined {
  const { wafer } = config;
  // Which cores are dead is drawn for whole wafers.
  if (wafer.defects !== undefined) return undefined;
  const wafers =
    wafer.wafers === 'auto' ? wafersNeeded(config.model, wafer, requestOf(config)) : wafer.wafers;
  if (!(wafers < Infinity)) return undefined;
  const split = (rows: number) => ({
    upper: { ...wafer, height: wafer.height - rows, wafers },
    lower: { ...wafer, height: rows, wafers },
  });
  const holdsDraft = (rows: number) => fits(draft, split(rows).lower, requestOf);
  const holdsModel = (rows: number) => fits(config, split(rows).upper, requestOf);
  const rows = rowsFor(config, draft, requestOf, holdsDraft, holdsModel);
  if (rows === undefined) return undefined;
  return shareRows(config, draft, requestOf, { random, onProgress }, { rows, wafers });
}

/** The model on the upper rows of so many wafers, and the draft on as many lower ones; undefined if one does not fit. */
function shareRows(
  { model, wafer, ...config }: ResolvedConfig,
  draft: ResolvedConfig,
  requestOf: RequestOf,
  { random, onProgress }: Placing,
  { rows, wafers }: { rows: number; wafers: number },
): Placement | undefined {
  const upper = { ...wafer, height: wafer.height - rows, wafers };
  const lower = { ...wafer, height: rows, wafers };
  if (upper.height < 1) return undefined;
  const request = requestOf({ ...config, model, wafer });
  const placement = fitting(() => place(model, upper, request, { random, onProgress }));
  const below = placement && placedBelow(upper.height, draft, lower, requestOf);
  if (below === undefined) return undefined;
  const drafting = { model: draft.model, shared: true, placement: below };
  return { ...placement!, wafers: Math.max(placement!.wafers, below.wafers), draft: drafting };
}

/** The draft below so many rows, on wafers of the rest; undefined if it does not fit. */
function placedBelow(
  rows: number,
  draft: ResolvedConfig,
  rest: WaferSpec,
  requestOf: RequestOf,
): Placement | undefined {
  const placement = fitting(() => place(draft.model, rest, requestOf(draft)));
  const regions = placement?.regions.map((one) => ({ ...one, y: one.y + rows }));
  return placement && regions && { ...placement, regions };
}

/** Undefined where something does not fit: regions of an asked size fit no shorter wafer. */
function fitting<T>(find: () => T): T | undefined {
  try {
    return find();
  } catch (error) {
    if (error instanceof CapacityError) return undefined;
    throw error;
  }
}

function fits(config: ResolvedConfig, wafer: WaferSpec, requestOf: RequestOf): boolean {
  return wafersNeeded(config.model, wafer, requestOf(config)) <= Number(wafer.wafers);
}

/** Rows of each wafer for the draft: its share of the bytes if both fit so, or else the fewest that it fits in. */
function rowsFor(
  config: ResolvedConfig,
  draft: ResolvedConfig,
  requestOf: RequestOf,
  holdsDraft: (rows: number) => boolean,
  holdsModel: (rows: number) => boolean,
): number | undefined {
  const { height } = config.wafer;
  const bytes = ({ model }: ResolvedConfig, { maxPositions }: SizedRequest) => {
    const { weights, cache } = modelBytes(model, maxPositions);
    return weights + cache;
  };
  const [own, drafts] = [config, draft].map((of) => bytes(of, requestOf(of)));
  const share = Math.round((height * drafts) / (own + drafts));
  const even = Math.min(height - 1, Math.max(1, share));
  if (holdsDraft(even) && holdsModel(even)) return even;
  const least = leastThat(holdsDraft, 1, height - 1);
  return least !== undefined && holdsModel(least) ? least : undefined;
}
