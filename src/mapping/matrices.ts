/**
 * The slices of weight matrices that a core keeps: how many inputs and outputs, in what type, with which
 * scales. The one source of a slice's buffers, of the operations that multiply it (lowering/product.ts) and
 * of the numbers in it (lowering/stored.ts).
 */
import type { DataType } from '../numeric/types.js';
import type { LayerSpec, ModelSpec } from '../model/model.js';
import type { ExpertsShape } from './experts.js';
import type { BufferShape } from './mapping.js';
import type { LayerShape, TableShape } from './shapes.js';

/** A core's slice of the matrices that multiply the same inputs: their outputs lie side by side. */
export interface MatrixSlice {
  /** Its buffer; that of its scales is called `scalesOf` it. */
  name: string;
  inputs: number;
  outputs: number;
  /** Outputs of each matrix in turn; `mixed` where they alternate, so that each output keeps a scale. */
  parts: readonly number[] | 'mixed';
  type: DataType;
  /** Such slices one after the other: one for each expert. */
  count: number;
}

/** The buffer of a slice's scales. */
export function scalesOf({ name }: Pick<MatrixSlice, 'name'>): string {
  return `${name}Scale`;
}

/** Scales of one slice of integers: one for each matrix, or where these alternate for each output. */
export function scaleCount({ type, parts, outputs }: MatrixSlice): number {
  if (type !== 'i8') return 0;
  return parts === 'mixed' ? outputs : parts.length;
}

/** The buffers of a slice, its scales after it. */
export function matrixBuffers({ dtype }: Pick<ModelSpec, 'dtype'>, of: MatrixSlice): BufferShape[] {
  const { name, type, inputs, outputs, count } = of;
  const scales = count * scaleCount(of);
  return [
    { name, type, length: count * inputs * outputs, preloaded: true },
    ...(scales > 0 ? [{ name: scalesOf(of), type: dtype, length: scales, preloaded: true }] : []),
  ];
}

/** Queries, keys and values; the output projection; gate and up; down. */
export interface LayerMatrices extends MlpMatrices {
  qkv: MatrixSlice;
  o: MatrixSlice;
  /** Experts of one column of the router, on columns that have some. */
  router?: MatrixSlice;
  /** The expert that every token goes through. */
  shared?: MlpMatrices;
}

/** Of one gated MLP, or of all experts. */
export interface MlpMatrices {
  gateUp: MatrixSlice;
  down: MatrixSlice;
}

export function layerMatrices(model: ModelSpec, layer: LayerSpec, s: LayerShape): LayerMatrices {
  const of = { type: weightType(model), count: 1 };
  const { dims, inner, queryDims, keyDims } = s;
  const qkv = { inputs: dims, outputs: queryDims + 2 * keyDims };
  return {
    qkv: { name: 'wQkv', ...qkv, parts: 'mixed', ...of },
    o: { name: 'wO', inputs: queryDims, outputs: dims, parts: [dims], ...of },
    ...(s.experts
      ? expertMatrices(layer, s, s.experts, of)
      : {
          gateUp: {
            name: 'wGateUp',
            inputs: dims,
            outputs: 2 * inner,
            parts: [inner, inner],
            ...of,
          },
          down: { name: 'wDown', inputs: inner, outputs: dims, parts: [dims], ...of },
        }),
  };
}

/**
 * Gate and up of an expert's units alternate: one operation over the units of all chosen experts takes its
 * gates, or its ups, by steps of two.
 */
function expertMatrices(
  { mlp }: LayerSpec,
  { dims, inner }: LayerShape,
  { scores, sharedInner }: ExpertsShape,
  of: Pick<MatrixSlice, 'type' | 'count'>,
): Pick<LayerMatrices, 'gateUp' | 'down' | 'router' | 'shared'> {
  const gated = (name: string, units: number, count: number): MlpMatrices => ({
    gateUp: {
      ...of,
      name: `w${name}GateUp`,
      inputs: dims,
      outputs: 2 * units,
      parts: 'mixed',
      count,
    },
    down: { ...of, name: `w${name}Down`, inputs: units, outputs: dims, parts: [dims], count },
  });
  return {
    ...gated('Expert', inner, mlp.kind === 'experts' ? mlp.count : 0),
    router: { ...of, name: 'wRouter', inputs: dims, outputs: scores, parts: [scores] },
    ...(sharedInner > 0 && { shared: gated('Shared', sharedInner, 1) }),
  };
}

/** The vocabulary's table. */
export function tableMatrix(model: ModelSpec, { dims, entries }: TableShape): MatrixSlice {
  const slice = { name: 'table', inputs: dims, outputs: entries, parts: [entries] };
  return { ...slice, type: weightType(model), count: 1 };
}

function weightType(model: ModelSpec): DataType {
  if (model.weightBits === 8) return 'i8';
  return model.weightBits === 16 ? 'f16' : 'f32';
}
