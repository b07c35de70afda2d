/** The product of a stored matrix alone: chosen among several, in every format, by rows of inputs or of outputs. */
import { describe, expect, it } from 'vitest';
import { executeOperation } from '../src/engine/execute.js';
import type { CostTable } from '../src/hardware/wafer.js';
import { formOf, lookUp, product, startProduct } from '../src/lowering/product.js';
import { fillSlice } from '../src/lowering/stored.js';
import { buffersOf, matrixBuffers, slicesIn, type MatrixSlice } from '../src/mapping/matrices.js';
import { quantiseBlocks, unblocked } from '../src/model/blocks.js';
import { MXFP4, int4Of, type WeightFormat } from '../src/model/formats.js';
import type { Matrix } from '../src/model/model-weights.js';
import { quantise } from '../src/model/stored.js';
import { multiply } from '../src/model/plain/vectors.js';
import { layOut } from '../src/program/builder.js';
import { firstUnwrittenRead } from '../src/program/memory-use.js';
import { timeOf } from '../src/program/timing.js';
import { seededRandom } from '../src/numeric/random.js';
import { layerWith, modelOf } from './helpers/dense-models.js';
import { role } from './helpers/programs.js';
import { wse3 } from './placement-helpers.js';

const [OUTPUTS, WIDTH, COUNT] = [9, 70, 3];
/** The slice: inputs 41 to 51 (in two blocks of 32) of two matrices, and one that is padded. */
const INPUTS = [...Array.from({ length: 11 }, (_, i) => 41 + i), -1];
const HELD = [7, 2, 5];

const { costs } = wse3();
/** Costs by which products are by rows of outputs, or of inputs. */
const favouring = (form: 'axpy' | 'dot'): CostTable => {
  const { elementsPerCycle } = costs;
  const slow = { f16: 0.01, f32: 0.01 };
  const other = form === 'dot' ? { fma: slow } : { dot: slow };
  return { ...costs, elementsPerCycle: { ...elementsPerCycle, ...other } };
};

function drawn(format: WeightFormat, random: () => number): Matrix {
  // Rows and blocks of very different size, so that another one's scale shows.
  const size = (i: number) => 8 ** (Math.floor(i / 16) % 4);
  const values = Float32Array.from(
    { length: OUTPUTS * WIDTH },
    (_, i) => size(i) * (random() - 0.5),
  );
  if ('block' in format) return quantiseBlocks(values, WIDTH, format);
  return format.type === 'i8' ? quantise(values, 'f32') : { values, scale: 1 };
}

const FORMATS: [string, WeightFormat][] = [
  ['32-bit floats', { type: 'f32' }],
  ['8-bit integers', { type: 'i8' }],
  ['MXFP4', MXFP4],
  ['int4 in groups of 5', int4Of(5)],
  ['FP8 in blocks of 3 x 7', { type: 'fp8', block: [3, 7] }],
];

function prepared(format: WeightFormat, form: 'axpy' | 'dot') {
  const random = seededRandom(`product ${format.type}`);
  const model = modelOf([layerWith()], {
    formats: { experts: format, rest: format, tables: format },
  });
  const of = { name: 'w', inputs: INPUTS.length, outputs: 2 * HELD.length };
  const runs = { length: 11, of: WIDTH, step: 1 };
  const outputs = { length: 1, of: OUTPUTS, runs: 2 * HELD.length };
  const slice: MatrixSlice = slicesIn(model, 'experts')(
    { ...of, parts: 'mixed' },
    runs,
    outputs,
    COUNT,
  );
  const table = favouring(form);
  expect(formOf(table, slice)).toBe(form);
  const core = layOut([
    ...matrixBuffers(model, slice),
    { name: 'x', type: 'f32', length: INPUTS.length, preloaded: true },
    { name: 'choice', type: 'f32', length: 1, preloaded: true },
    { name: 'out', type: 'f32', length: 2 * HELD.length, preloaded: false },
    { name: 'found', type: 'f32', length: INPUTS.length, preloaded: false },
  ]);
  const last = core.buffers.at(-1)!;
  const image = new Float32Array(last.at + last.length);
  const experts = Array.from({ length: COUNT }, () => [
    drawn(format, random),
    drawn(format, random),
  ]);
  for (const [number, pair] of experts.entries())
    fillSlice(
      { image, at: core.at, model, costs: table },
      slice,
      {
        ...{ width: WIDTH, inputs: INPUTS },
        outputs: HELD.flatMap((output) => pair.map((matrix) => ({ of: matrix, output }))),
      },
      number,
    );
  const x = INPUTS.map(() => random() - 0.5);
  image.set(x, core.at['x']);
  return { core, slice, image, experts, x, table };
}

describe.each(['axpy', 'dot'] as const)('a product by %s', (form) => {
  it.each(FORMATS)('in %s is that of the chosen matrices', (_, format) => {
    const { core, slice, image, experts, x, table } = prepared(format, form);
    const { at, operations } = core;
    startProduct(core, slice, { out: at['out'] });
    product(core, { costs: table }, slice, { x: at['x'], out: at['out'], number: at['choice'] });
    const of = role('product', { operations, buffers: core.buffers });
    expect(firstUnwrittenRead(of)).toBeUndefined();
    for (let number = 0; number < COUNT; number++) {
      image[at['choice']] = number;
      for (const op of operations) executeOperation(op, image);
      const whole = Float64Array.from({ length: WIDTH }, (_, i) => x[INPUTS.indexOf(i)] ?? 0);
      const [first, second] = experts[number].map((matrix) => multiply(matrix, whole));
      const expected = HELD.flatMap((output) => [first[output], second[output]]);
      const most = Math.max(...expected.map(Math.abs));
      expected.forEach((sum, i) => {
        expect(Math.abs(image[at['out'] + i] - sum)).toBeLessThan(1e-5 * most);
      });
    }
  });

  it.each(FORMATS.slice(2))('in %s looks up the numbers of one output', (_, format) => {
    const { core, slice, image, experts, table } = prepared(format, form);
    const { at } = core;
    lookUp(core, { costs: table }, slice, { id: at['choice'], first: 10, to: at['found'] });
    image[at['choice']] = 12;
    for (const op of core.operations) executeOperation(op, image);
    const { values } = unblocked(experts[0][0]);
    expect([...image.slice(at['found'], at['found'] + 11)]).toEqual(
      Array.from({ length: 11 }, (_, i) => Math.fround(values[HELD[1] * WIDTH + 41 + i])),
    );
  });

  it('reads the scales and the blocks of its inputs', () => {
    const { core, slice } = prepared(MXFP4, form);
    const { at } = core;
    startProduct(core, slice, { out: at['out'] });
    product(core, { costs: favouring(form) }, slice, {
      x: at['x'],
      out: at['out'],
      number: at['choice'],
    });
    for (const name of [buffersOf(slice).scales, buffersOf(slice).inputBlocks]) {
      const buffers = core.buffers.map((b) => (b.name === name ? { ...b, preloaded: false } : b));
      const missing = firstUnwrittenRead(role('product', { operations: core.operations, buffers }));
      expect(missing).toMatchObject({ operation: 1, cell: at[name] });
    }
  });
});

it('takes the time of its sizes and format, wherever its slice begins', () => {
  const { core, slice, table } = prepared(MXFP4, 'axpy');
  product(core, { costs: table }, slice, { x: 0, out: 0, number: core.at['choice'] });
  const { setup, cycles } = timeOf(core.operations[0], costs);
  // Two indices are loaded, of the matrix and of its scales; 12 rows of 6 are widened one a cycle.
  expect(setup).toBe(costs.setup.f32 + 2 * costs.scalar.step);
  const row = 6 / costs.elementsPerCycle.fma.f32 + costs.matvec.row.f32 + 6;
  expect(cycles).toBe(Math.ceil(costs.matvec.call + 12 * row));
});
