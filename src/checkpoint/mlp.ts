/** The weights of a layer's MLP or experts out of a checkpoint. */
import type { ExpertsSpec, MlpSpec } from '../model/mlp-spec.js';
import type { DenseWeights, ExpertsWeights, MlpWeights } from '../model/model-weights.js';
import type { Names } from './names.js';
import { columnsOf, everyOf, rowsOf, rowsWhere } from './parts.js';
import type { Tensors } from './tensors.js';

/** @param layer beginning of the layer's names */
export function mlpOf(
  tensors: Tensors,
  layer: string,
  spec: MlpSpec,
  names: Names,
  dim: number,
): MlpWeights {
  if (spec.kind === 'experts') return expertsOf(tensors, layer, spec, names, dim);
  const { inner, bias } = spec;
  if (names.gateUp === undefined) return dense(tensors, `${layer}${names.mlp}.`, inner, dim, bias);
  const both = tensors.matrix(`${layer}${names.gateUp}.weight`, 2 * inner, dim);
  return {
    kind: 'dense',
    gate: rowsOf(both, dim, 0, inner),
    up: rowsOf(both, dim, inner, 2 * inner),
    down: tensors.matrix(`${layer}${names.mlp}.down_proj.weight`, dim, inner),
  };
}

function dense(
  tensors: Tensors,
  own: string,
  inner: number,
  dim: number,
  bias = false,
  names: Names['expert'] = { gate: 'gate_proj', up: 'up_proj', down: 'down_proj' },
): DenseWeights {
  const { gate, up, down } = names;
  const vector = (name: string, length: number) => tensors.vector(`${own}${name}.bias`, length);
  return {
    kind: 'dense',
    gate: tensors.matrix(`${own}${gate}.weight`, inner, dim),
    up: tensors.matrix(`${own}${up}.weight`, inner, dim),
    down: tensors.matrix(`${own}${down}.weight`, dim, inner),
    ...(bias && {
      gateBias: vector(gate, inner),
      upBias: vector(up, inner),
      downBias: vector(down, dim),
    }),
  };
}

function expertsOf(
  tensors: Tensors,
  layer: string,
  spec: ExpertsSpec,
  names: Names,
  dim: number,
): ExpertsWeights {
  const { count, router, shared, parallel } = spec;
  const own = `${layer}${names.router}`;
  const routerBias = router.bias === 'choice' ? `${own}.e_score_correction_bias` : `${own}.bias`;
  return {
    kind: 'experts',
    router: tensors.matrix(`${own}.weight`, count, dim),
    ...(router.bias !== 'none' && { routerBias: tensors.vector(routerBias, count) }),
    ...(router.ownNorm && { routerScale: tensors.vector(`${layer}router.scale`, dim) }),
    ...(router.perExpertScale && {
      perExpertScale: tensors.vector(`${layer}router.per_expert_scale`, count),
    }),
    experts: eachOf(tensors, layer, spec, names, dim),
    ...(shared && { shared: dense(tensors, `${layer}${names.shared}.`, shared.inner, dim) }),
    ...(shared?.gate && {
      sharedGate: tensors.matrix(`${layer}${names.shared}_gate.weight`, 1, dim),
    }),
    ...(parallel && {
      parallel: {
        mlp: dense(tensors, `${layer}${names.mlp}.`, parallel.inner, dim),
        outNorm: tensors.vector(`${layer}post_feedforward_layernorm_1.weight`, dim),
        expertsNorm: tensors.vector(`${layer}pre_feedforward_layernorm_2.weight`, dim),
        expertsOutNorm: tensors.vector(`${layer}post_feedforward_layernorm_2.weight`, dim),
      },
    }),
  };
}

function eachOf(
  tensors: Tensors,
  layer: string,
  spec: ExpertsSpec,
  names: Names,
  dim: number,
): DenseWeights[] {
  const { count, inner, parallel } = spec;
  const own = `${layer}${parallel ? '' : `${names.mlp}.`}experts.`;
  if (tensors.has(`${own}gate_up_proj_blocks`)) return blocksOf(tensors, own, spec, dim);
  if (tensors.has(`${own}gate_up_proj`)) {
    if (names.fused === 'rows') return fusedRows(tensors, own, spec, dim);
    return fusedColumns(tensors, own, spec, dim, names.fused);
  }
  return Array.from({ length: count }, (_, expert) =>
    dense(tensors, `${own}${expert}.`, inner, dim, false, names.expert),
  );
}

/** [experts][gates, then ups][dim] and [experts][dim][inner]. */
function fusedRows(tensors: Tensors, own: string, { count, inner }: ExpertsSpec, dim: number) {
  const both = tensors.take(`${own}gate_up_proj`, [count, 2 * inner, dim]);
  const downs = tensors.take(`${own}down_proj`, [count, dim, inner]);
  const [gates, down] = [
    { values: both, scale: 1 },
    { values: downs, scale: 1 },
  ];
  return Array.from({ length: count }, (_, expert): DenseWeights => {
    const first = 2 * inner * expert;
    return {
      kind: 'dense',
      gate: rowsOf(gates, dim, first, first + inner),
      up: rowsOf(gates, dim, first + inner, first + 2 * inner),
      down: rowsOf(down, inner, dim * expert, dim * (expert + 1)),
    };
  });
}

/** [experts][dim][gates and ups] and [experts][inner][dim]: inputs come first. */
function fusedColumns(
  tensors: Tensors,
  own: string,
  spec: ExpertsSpec,
  dim: number,
  fused: 'columns' | 'interleaved',
): DenseWeights[] {
  const { count, inner } = spec;
  const both = tensors.take(`${own}gate_up_proj`, [count, dim, 2 * inner]);
  const downs = tensors.take(`${own}down_proj`, [count, inner, dim]);
  const biases = biasesOf(tensors, own, spec, dim);
  const step = fused === 'interleaved' ? 2 : 1;
  const up = fused === 'interleaved' ? 1 : inner;
  return Array.from({ length: count }, (_, expert): DenseWeights => {
    const own = both.subarray(2 * inner * dim * expert, 2 * inner * dim * (expert + 1));
    const down = downs.subarray(inner * dim * expert, inner * dim * (expert + 1));
    return {
      kind: 'dense',
      gate: columnsOf(own, 2 * inner, { first: 0, step, count: inner }),
      up: columnsOf(own, 2 * inner, { first: up, step, count: inner }),
      down: columnsOf(down, dim, { first: 0, step: 1, count: dim }),
      ...biases[expert],
    };
  });
}

/** MXFP4, outputs first: [experts][gates and ups in turn][dim] and [experts][dim][inner]. */
function blocksOf(tensors: Tensors, own: string, spec: ExpertsSpec, dim: number): DenseWeights[] {
  const { count, inner } = spec;
  const both = tensors.mxfp4(`${own}gate_up_proj`, [count, 2 * inner, dim]);
  const downs = tensors.mxfp4(`${own}down_proj`, [count, dim, inner]);
  const biases = biasesOf(tensors, own, spec, dim);
  return Array.from({ length: count }, (_, expert): DenseWeights => {
    const rows = rowsOf(both, dim, 2 * inner * expert, 2 * inner * (expert + 1));
    const isUp = (row: number) => row % 2 === 1;
    return {
      kind: 'dense',
      gate: rowsWhere(rows, dim, (row) => !isUp(row)),
      up: rowsWhere(rows, dim, isUp),
      down: rowsOf(downs, inner, dim * expert, dim * (expert + 1)),
      ...biases[expert],
    };
  });
}

type Biases = Required<Pick<DenseWeights, 'gateBias' | 'upBias' | 'downBias'>>;

/** By expert, gates and ups in turn; none where experts have no biases. */
function biasesOf(
  tensors: Tensors,
  own: string,
  { count, inner, bias }: ExpertsSpec,
  dim: number,
): (Biases | undefined)[] {
  if (!bias) return [];
  const both = tensors.take(`${own}gate_up_proj_bias`, [count, 2 * inner]);
  const downs = tensors.take(`${own}down_proj_bias`, [count, dim]);
  return Array.from({ length: count }, (_, expert) => ({
    gateBias: everyOf(both, { first: 2 * inner * expert, step: 2, count: inner }),
    upBias: everyOf(both, { first: 2 * inner * expert + 1, step: 2, count: inner }),
    downBias: everyOf(downs, { first: dim * expert, step: 1, count: dim }),
  }));
}
