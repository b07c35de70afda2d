/**
 * What a model needs and what would fit: the least number of wafers, the longest context, and the
 * one-line refusal made of them. Every number is found by trying the placement itself.
 */
import type { WaferSpec } from '../hardware/wafer.js';
import type { PartKind } from '../mapping/mapping.js';
import { MAPPINGS } from '../mapping/mappings.js';
import { BITS, formatsOf, narrowed } from '../model/formats.js';
import { hasExperts, type ModelSpec } from '../model/model.js';
import { codeBytesOf, leastBytes, modelBytes, mostThat, replicasOf } from './budget.js';
import { CapacityError, formsOf, partKindsOf, partsOf, widthsOf } from './placement.js';
import type { Form, Formed, SizedRequest } from './placement.js';
import { everyHeight, triedHeights } from './heights.js';
import { CUTS, cut, shareOut, type Cutting } from './pack.js';
import { coresOf, leastSizes } from './sizes.js';

/** Regions one after the other, as wafers are filled if their number is left open. */
export const IN_ORDER: readonly Cutting[] = [cut];

/**
 * The fewest wafers that hold the model, in whichever form of layers takes the fewest; Infinity if some
 * region is too large for a whole wafer.
 * @param cuts how regions may be shared out among wafers; one after the other, if not given
 */
export function wafersNeeded(
  model: ModelSpec,
  wafer: WaferSpec,
  request: SizedRequest,
  cuts: readonly Cutting[] = IN_ORDER,
): number {
  return Math.min(...formsOf(request).map((formed) => wafersIn(model, wafer, formed, cuts)));
}

/**
 * The request with one form of the cache of latent attention: expanded, if that takes no more wafers than latent
 * vectors.
 */
export function settled<T extends SizedRequest>(
  model: ModelSpec,
  wafer: WaferSpec,
  request: T,
): T & Pick<Form, 'latent'> {
  const { latent } = request;
  if (latent !== 'auto') return { ...request, latent };
  const [expanded, folded] = (['expanded', 'latent'] as const).map((form) =>
    wafersNeeded(model, wafer, { ...request, latent: form }),
  );
  return { ...request, latent: expanded <= folded ? 'expanded' : 'latent' };
}

function wafersIn(
  model: ModelSpec,
  wafer: WaferSpec,
  request: Formed,
  cuts: readonly Cutting[],
): number {
  const parts = partsOf(model, request);
  let fewest = Infinity;
  for (const sizes of leastSizes(model, wafer, request, triedHeights(model, wafer))) {
    const widths = widthsOf(parts, sizes);
    for (const cutting of cuts) {
      const fewer = Math.min(parts.length, fewest - 1);
      const counts = cutting(widths, sizes.rows, wafer, fewer);
      if (counts !== undefined) fewest = counts.length;
    }
  }
  return fewest;
}

/** Longest context, at most the one asked, that the wafers hold for every user; or undefined. */
export function longestContext(
  model: ModelSpec,
  wafer: WaferSpec,
  request: SizedRequest,
  wafers: number,
  cuts = IN_ORDER,
): number | undefined {
  return mostThat(
    (maxPositions) => {
      const needed = wafersNeeded(model, wafer, { ...request, maxPositions }, cuts);
      return needed <= wafers && needed < Infinity;
    },
    1,
    request.maxPositions,
  );
}

/** Wafers that hold the model with so many bytes of stack and code, the same in every core; each found once. */
export function neededWithCode(
  model: ModelSpec,
  wafer: WaferSpec,
  request: SizedRequest,
): (bytes: number) => number {
  const none = { runtime: 0, attention: 0, mlp: 0, router: 0, experts: 0, embedding: 0, head: 0 };
  const known = new Map<number, number>();
  return (stack) => {
    const core = { ...wafer.core, codeBytes: { ...none, stack } };
    const needed = known.get(stack) ?? wafersNeeded(model, { ...wafer, core }, request, CUTS);
    known.set(stack, needed);
    return needed;
  };
}

/**
 * Most bytes of stack and code, the same in every core, with which the wafers hold the model, up to
 * those of a layer's core as it is; undefined if not even without any.
 */
export function mostCodeBytes(
  model: ModelSpec,
  wafer: WaferSpec,
  request: SizedRequest,
  wafers: number,
  needed = neededWithCode(model, wafer, request),
): number | undefined {
  const now = Math.max(...formsOf(request).map((formed) => layerCodeBytes(model, wafer, formed)));
  return mostThat((bytes) => needed(bytes) <= wafers, 0, now);
}

/** Bytes of stack and code in a core of a layer, in the fullest of its regions. */
export function layerCodeBytes(
  { kinds }: ModelSpec,
  wafer: WaferSpec,
  { layers }: Pick<Formed, 'layers'>,
): number {
  const parts = layers === 'whole' ? (['layer'] as const) : (['attention', 'mlp'] as const);
  const experts = kinds.some(hasExperts);
  return Math.max(...parts.map((part) => codeBytesOf(part, wafer.core.codeBytes, experts)));
}

/** Of the forms of layers that a request leaves open the one that comes nearest to fitting. */
export function nearest(model: ModelSpec, wafer: WaferSpec, request: SizedRequest): Formed {
  const forms = formsOf(request);
  const needed = forms.map((formed) => wafersIn(model, wafer, formed, CUTS));
  const fewest = Math.min(...needed);
  // If none fits on any number of wafers, that of the smallest regions.
  return forms.at(fewest < Infinity ? needed.indexOf(fewest) : -1)!;
}

/** The refusal of a request: what was asked, what there is, what would fit; one line. */
export function doesNotFit(
  model: ModelSpec,
  wafer: WaferSpec,
  request: SizedRequest,
): CapacityError {
  const formed = nearest(model, wafer, request);
  const sizes = leastSizes(model, wafer, formed, everyHeight(wafer));
  const cores = Math.min(...sizes.map((of) => coresOf(partsOf(model, formed), of)));
  const bytes = modelBytes(model, request.maxPositions, request.batch, formed.latent);
  const asked =
    `${model.name} needs ${decimal(bytes.weights)} of weights in ${bitsOf(model)} bits + ` +
    `${decimal(bytes.cache)} of KV cache (context ${request.maxPositions}, batch ${request.batch})` +
    (sizes.length > 0 ? `, at least ${plural(cores, 'core')} with padding` : '');
  const hints = wouldFit(model, wafer, request);
  const advice =
    hints.length > 0 ? `it would fit ${hints.join(', or ')}` : whyNot(model, wafer, formed);
  const verb = wafer.wafers === 'auto' || wafer.wafers === 1 ? 'is' : 'are';
  return new CapacityError(`${asked}; there ${verb} ${supply(model, wafer, formed)}; ${advice}`);
}

/** `16`, or of several formats `4 to 16`. */
function bitsOf(model: ModelSpec): string {
  const bits = formatsOf(model).map(({ format }) => BITS[format.type]);
  const [least, most] = [Math.min(...bits), Math.max(...bits)];
  return least === most ? `${least}` : `${least} to ${most}`;
}

/** What the wafers have for data, a layer's code taken off. */
function supply(model: ModelSpec, wafer: WaferSpec, formed: Formed): string {
  const usable = Math.max(0, wafer.core.sramBytes - layerCodeBytes(model, wafer, formed));
  const wafers = wafer.wafers === 'auto' ? 1 : wafer.wafers;
  const cores = wafer.width * wafer.height;
  return (
    (wafer.wafers === 'auto' ? 'per wafer' : `${plural(wafers, 'wafer')} of`) +
    ` ${plural(cores, 'core')} x ${(usable / 1024).toFixed(1)} KiB usable = ` +
    decimal(wafers * cores * usable)
  );
}

/** Changes of one thing each with which the model fits. */
function wouldFit(model: ModelSpec, wafer: WaferSpec, request: SizedRequest): string[] {
  const wafers = wafer.wafers === 'auto' ? Infinity : wafer.wafers;
  const free: SizedRequest = { ...request, rows: undefined, layerColumns: undefined };
  const need = (of: ModelSpec) => wafersNeeded(of, wafer, free, CUTS);
  const needs = (of: SizedRequest) => wafersNeeded(model, wafer, of, CUTS);
  const fits = (of: SizedRequest) => {
    const needed = needs(of);
    return needed <= wafers && needed < Infinity;
  };
  const hints: string[] = [];
  const asIs = need(model);
  if (asIs <= wafers && asIs < Infinity)
    hints.push('without the sizes asked for (rows, layerColumns)');
  const context = longestContext(model, wafer, free, wafers, CUTS);
  if (context !== undefined && context < request.maxPositions)
    hints.push(`with a context of at most ${context}`);
  if (asIs > wafers && asIs < Infinity) hints.push(`on ${plural(asIs, 'wafer')}`);
  if (asIs > wafers) {
    const code = mostCodeBytes(model, wafer, free, wafers);
    const now = layerCodeBytes(model, wafer, nearest(model, wafer, free));
    if (code !== undefined)
      hints.push(
        `with at most ${count(code)} bytes of stack and code in every core ` +
          `(${count(now)} in a layer's now)`,
      );
  }
  const { kvReplicas = 1 } = request;
  if (typeof kvReplicas === 'number' && kvReplicas > 1) {
    const fewer = Array.from({ length: kvReplicas - 1 }, (_, i) => i + 1).findLast((count) => {
      const isShared = model.kinds.every((layer) => replicasOf(layer).includes(count));
      return isShared && fits({ ...request, kvReplicas: count });
    });
    if (fewer !== undefined) hints.push(`with placement.kvReplicas=${fewer}`);
  }
  for (const { setting, needed } of inFewerBits(model, asIs, need))
    hints.push(`with ${setting} on ${plural(needed, 'wafer')}`);
  const rows = heightThatFits(model, wafer, request, wafers);
  if (rows !== undefined) hints.push(`with placement.rows=${rows}`);
  if (request.latent === 'expanded') {
    const needed = needs({ ...free, latent: 'latent' });
    if (needed < asIs) hints.push(`with mapping.latent=latent on ${plural(needed, 'wafer')}`);
  }
  for (const layers of otherForms(request)) {
    const needed = needs({ ...free, layers });
    if (needed < asIs) hints.push(`with placement.layers=${layers} on ${plural(needed, 'wafer')}`);
  }
  if (mayHaveStrips(model, request)) {
    const needed = needs({ ...free, strips: 'auto' });
    if (needed < asIs) hints.push(`with placement.experts=strips on ${plural(needed, 'wafer')}`);
  }
  return hints;
}

/** The height nearest to the one asked for, or else the tallest, on which the model fits so many wafers as it is. */
function heightThatFits(
  model: ModelSpec,
  wafer: WaferSpec,
  request: SizedRequest,
  wafers: number,
): number | undefined {
  const { rows: asked = wafer.height } = request;
  const far = (rows: number) => Math.abs(rows - asked);
  const nearestFirst = everyHeight(wafer).sort((a, b) => far(a) - far(b));
  const heights = formsOf({ ...request, rows: undefined }).flatMap((formed) => {
    const parts = partsOf(model, formed);
    const most = Math.min(wafers, parts.length);
    const rows = nearestFirst.find((height) =>
      leastSizes(model, wafer, formed, [height]).some((of) =>
        shareOut(widthsOf(parts, of), of.rows, wafer, most),
      ),
    );
    return rows ?? [];
  });
  if (heights.length === 0) return undefined;
  return heights.reduce((a, b) => (far(b) < far(a) ? b : a));
}

/** Forms of layers that a request excludes. */
export function otherForms(request: SizedRequest) {
  const asked = formsOf(request).map(({ layers }) => layers);
  const all = MAPPINGS[request.mapping].takes.split ? (['whole', 'split'] as const) : [];
  return all.filter((layers) => !asked.includes(layers));
}

/** Whether experts lie in no strips now, but could. */
export function mayHaveStrips(
  { kinds }: ModelSpec,
  { strips = 1, mapping }: SizedRequest,
): boolean {
  return strips === 1 && MAPPINGS[mapping].takes.strips && kinds.some(hasExperts);
}

/** Formats of fewer bits that need fewer wafers, each fewer than the one before. */
export function inFewerBits(model: ModelSpec, asIs: number, need: (of: ModelSpec) => number) {
  let least = asIs;
  return narrowed(model).flatMap(({ setting, model: narrow }) => {
    const needed = need(narrow);
    if (needed >= least) return [];
    least = needed;
    return [{ setting, needed, model: narrow }];
  });
}

/** No number of wafers is enough: names the region that a whole wafer cannot hold. */
function whyNot(model: ModelSpec, wafer: WaferSpec, request: Formed): string {
  const { width, height } = wafer;
  const bytesOf = (part: PartKind) => leastBytes(part, model, wafer, request, height, width);
  const parts = partKindsOf(partsOf(model, request));
  const part = parts.reduce((a, b) => (bytesOf(b) > bytesOf(a) ? b : a));
  if (bytesOf(part) <= wafer.core.sramBytes)
    return (
      'no rectangle between the dead cores of hardware.defects holds a region; ' +
      'it may fit with repair: spares, or with fewer dead cores'
    );
  return (
    `no number of such wafers holds it: one region (${part.kind}) on all ${width}x${height} cores ` +
    `needs ${count(bytesOf(part))} bytes per core of ${count(wafer.core.sramBytes)}`
  );
}

function decimal(bytes: number): string {
  if (bytes < 1e5) return plural(Math.round(bytes), 'byte');
  return bytes < 1e8 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

function plural(n: number, what: string): string {
  return `${count(n)} ${what}${n === 1 ? '' : 's'}`;
}

function count(n: number): string {
  return n.toLocaleString('en-US');
}
