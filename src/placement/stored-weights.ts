/** What a placed model's matrices take on the wafers, padding and copies included, and in other formats. */
import { bytesOf as bytesOfType } from '../numeric/types.js';
import type { WaferSpec } from '../hardware/wafer.js';
import { hasAttention, hasMlp, isOfLayer } from '../mapping/mapping.js';
import { latentSlices } from '../mapping/latent-buffers.js';
import { layerMatrices, matrixBuffers, tableMatrix } from '../mapping/matrices.js';
import type { LayerMatrices, MatrixSlice } from '../mapping/matrices.js';
import { layerShape, tableShape, type LayerShape } from '../mapping/shapes.js';
import { formatNamed, nameOf, type FormatName } from '../model/formats.js';
import { hasExperts, latentOf, type LayerSpec, type ModelSpec } from '../model/model.js';
import { operatorsOf } from '../model/operators.js';
import { wafersNeeded } from './capacity.js';
import type { Placement, Region, SizedRequest } from './placement.js';

/** Bytes of all matrices: as the model has them, and as the cores keep them, both with scales. */
export interface StoredWeights {
  published: number;
  stored: number;
  /** What is stored beyond that: zeros of the last slices, scales of blocks that several cores touch, copies. */
  padding: number;
}

/** Of the default mapping. */
export function storedWeights(model: ModelSpec, { regions }: Placement): StoredWeights {
  const published = operatorsOf(model).reduce(
    (sum, o) => sum + (o.outputs > 1 ? o.count * o.weightBytes : 0),
    0,
  );
  const stored = regions.reduce((sum, region) => sum + regionWeights(model, region), 0);
  return { published, stored, padding: stored - published };
}

/** Bytes of the matrices in all cores of a region. */
function regionWeights(model: ModelSpec, region: Region): number {
  const { width, height } = region;
  const bytesOf = (slice: MatrixSlice) =>
    matrixBuffers(model, slice).reduce((sum, b) => sum + bytesOfType(b.type, b.length), 0);
  if (!isOfLayer(region))
    return width * height * bytesOf(tableMatrix(model, tableShape(model, height, width)));
  const layer = model.kinds[region.layerKind];
  const shape = layerShape(model, layer, 1, height, width, 1, region);
  const matrices = layerMatrices(model, layer, shape);
  return slicesOn(region, layer, matrices, shape).reduce(
    (sum, [columns, slice]) => sum + height * columns * bytesOf(slice),
    0,
  );
}

/** The slices of attention on a column with heads, or on one without. */
function attentionSlices(
  layer: LayerSpec,
  matrices: LayerMatrices,
  shape: LayerShape,
  hasHeads: boolean,
): MatrixSlice[] {
  if (shape.kind === 'latent') return latentSlices(latentOf(layer), shape, matrices, hasHeads);
  return hasHeads ? [matrices.qkv, matrices.o] : [];
}

/** How many columns keep which slice: attention lies on whole groups of them, a router on a few. */
function slicesOn(
  { kind, width }: Region,
  layer: LayerSpec,
  matrices: LayerMatrices,
  shape: LayerShape,
): [columns: number, slice: MatrixSlice][] {
  const { gateUp, down, router, shared, parallel, join } = matrices;
  const { attentionColumns, experts } = shape;
  const found: [number, MatrixSlice][] = [];
  if (hasAttention(kind)) {
    for (const slice of attentionSlices(layer, matrices, shape, true))
      found.push([attentionColumns, slice]);
    for (const slice of attentionSlices(layer, matrices, shape, false))
      found.push([width - attentionColumns, slice]);
    if (join) found.push([width, join]);
    if (router && experts) found.push([experts.routerColumns, router]);
  }
  if (hasMlp(kind)) {
    const columns = experts ? experts.strips * experts.stripColumns : width;
    found.push([columns, gateUp], [columns, down]);
    for (const of of [shared, parallel]) if (of) found.push([width, of.gateUp], [width, of.down]);
  }
  return found;
}

/** A choice of formats, and the wafers that it takes; none hold it if a region is larger than one. */
export interface WafersInFormat {
  /** As `model.bits` has it. */
  bits: { experts?: number | string; rest: number | string };
  wafers: number | null;
}

const OTHERS: readonly FormatName[] = [8, 'fp8', 'mxfp4', 'int4/32', 'int4/128'];

/** The wafers that the model takes with all matrices in each format, and with the experts alone in it. */
export function wafersByFormat(
  model: ModelSpec,
  wafer: WaferSpec,
  request: SizedRequest,
): WafersInFormat[] {
  const own = { type: model.dtype } as const;
  const sparse = model.kinds.some(hasExperts);
  const all = [own, ...OTHERS.map((name) => formatNamed(name))];
  const choices = [
    ...all.map((format) => ({ experts: format, rest: format })),
    ...(sparse ? all.slice(1).map((format) => ({ experts: format, rest: own })) : []),
  ];
  return choices.map(({ experts, rest }) => {
    const formats = { experts, rest, tables: rest };
    const wafers = wafersNeeded({ ...model, formats }, wafer, request);
    const named = { ...(sparse && { experts: nameOf(experts) }), rest: nameOf(rest) };
    return { bits: named, wafers: Number.isFinite(wafers) ? wafers : null };
  });
}
