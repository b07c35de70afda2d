/**
 * The published decode kernel (WaferLLM, OSDI 2025; machine-model section 5): one layer on a square of
 * cores, which a token passes once per layer of the model; no embedding and no head on the wafer.
 */
import { widenedTypesOf } from '../model/formats.js';
import { denseOf } from '../model/model.js';
import type { Asked, Cut, Line, Mapping, Refusal, Rule } from './mapping.js';
import { positionsPerRow, waferllmBuffers, waferllmOptions } from './waferllm-shape.js';
import { waferllmShape } from './waferllm-shape.js';

/** The source of this mapping's rules. */
export const WAFERLLM = 'WaferLLM (OSDI 2025) and its published kernel';

/** Groups of the published runs, by cores along a side. */
const PUBLISHED_GROUPS: Record<number, number> = {
  240: 15,
  256: 16,
  300: 15,
  360: 18,
  420: 20,
  480: 20,
  512: 32,
  540: 20,
  600: 24,
  660: 22,
  720: 24,
};

export const waferllm: Mapping = {
  computes: ['window', 'chunk'],
  takes: {
    exact: true,
    search: false,
    groupsByLine: false,
    split: false,
    replicas: false,
    strips: false,
    speculation: false,
  },
  refuse,
  square: true,
  regions: () => [{ name: 'layer 0', kind: 'layer', layer: 0, layerKind: 0 }],
  // Nothing is handed over: its layers follow each other on the same cores.
  received: (_, { model, rows }) => ({ words: Math.ceil(model.dim / rows), type: model.dtype }),
  // All heads share one row of scores, as published, whether or not a run is exact.
  buffers: (_, cut) => waferllmBuffers(optionsOf({ ...cut, exact: false })),
  reductions(_, cut) {
    const o = optionsOf(cut);
    const s = waferllmShape(o);
    const on = (line: Line, words: number, type = o.dtype) => ({ line, cores: o.P, words, type });
    const norm = on('column', 1, s.scalarType);
    const perScores = on('column', s.scoreRows, s.scalarType);
    return [
      norm,
      on('column', 3 * s.attention),
      on('row', s.scoreRows * positionsPerRow(o)),
      perScores,
      perScores,
      on('column', s.attention),
      on('row', s.dims),
      norm,
      on('column', 2 * s.inner),
      on('row', s.dims),
    ];
  },
  published: {
    groups: PUBLISHED_GROUPS,
    vectors({ model, rows }) {
      const { dim, dtype: type } = model;
      const { inner } = denseOf(model.kinds[0]);
      const [d, f] = [Math.ceil(dim / rows), Math.ceil(inner / rows)];
      return [1, 3 * d, d, 2 * f].map((words) => ({ words, type }));
    },
  },
  rules,
};

/** The kernel of the last step that a region has room for. */
function optionsOf({ model, rows: P, positions, users, exact = false }: Cut) {
  const context = positions - 1;
  return waferllmOptions(model, { context, maxPositions: positions, users, P, groups: 1, exact });
}

/** The published mapping: one user, one square of whole cores, a layer of Llama with 16-bit weights. */
function refuse(asked: Asked): Refusal | undefined {
  const { model, wafer, workload, placement, positions, exact, use } = asked;
  const { layerColumns } = placement;
  const than = 'with mapping: waferllm';
  const gqa = (why: string) => ['mapping', `gqa, as waferllm ${why}`, 'waferllm'] as const;
  const served = use === 'serving' || workload.kind === 'serving';
  const wide = model.dtype === 'f16' ? 16 : 32;
  const square = `none ${than}, whose region is a square of placement.rows`;
  const inexact = 'true with workload.data, as waferllm as published does not compute exactly';
  const all: [boolean, ...Refusal][] = [
    [served, ...gqa('serves one user, without embedding and head')],
    [model.kinds.length > 1, ...gqa(`has layers of one kind only`)],
    [
      model.kinds.some(({ attention: of }) => of.kind === 'gqa' && of.qkNorm !== 'none'),
      ...gqa(`does not normalise queries and keys, as ${model.name} does`),
    ],
    [
      leastSpan(model) < positions,
      ...gqa(
        `attends to all of ${positions} positions, and ${model.name} to ${leastSpan(model)} (${spanField(model)})`,
      ),
    ],
    [widenedTypesOf(model).length > 0, 'model.weightBits', `${wide} ${than}`, storedAs(model)],
    [workload.batch > 1, 'workload.batch', `1 ${than}, which serves one user`, workload.batch],
    [workload.data && !exact, 'exact', inexact, exact],
    [wafer.defects !== undefined, 'hardware.defects', `none ${than}`, 'some'],
    [
      layerColumns !== undefined,
      'placement.layerColumns',
      square,
      typeof layerColumns === 'object' ? Object.values(layerColumns).join(', ') : layerColumns,
    ],
  ];
  return all.find(([wrong]) => wrong)?.slice(1) as Refusal | undefined;
}

/** The shortest window or chunk of the layers; Infinity where all attend to all positions. */
function leastSpan({ kinds }: Asked['model']): number {
  const sizes = kinds.map(({ attention: of }) =>
    of.kind === 'gqa' && of.span.kind !== 'full' ? of.span.size : Infinity,
  );
  return Math.min(...sizes);
}

/** The field that asks for it. */
function spanField({ published }: Asked['model']): string {
  return published?.fields.window ?? published?.fields.chunk ?? 'sliding_window';
}

function storedAs({ weightBits, stored }: Asked['model']): string {
  return stored === undefined ? `${weightBits}` : `${weightBits}, as ${stored} in the model's file`;
}

function rules({ exact }: Pick<Asked, 'exact'>): Rule[] {
  return [
    [
      'One layer on a square of cores, full-width keys and values, ten all-reduces; a token takes this layer as often as the model has layers, without embedding, head and hand-offs.',
      'A',
      WAFERLLM,
    ],
    [
      exact
        ? 'exp and SiLU are done in full, not as the published kernel does.'
        : 'exp and SiLU are timed as the published kernel does them: scalar code, SiLU over part of the elements only. It does not compute the right answer.',
      'A',
      WAFERLLM,
    ],
  ];
}
