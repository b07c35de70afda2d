/**
 * Models of 2 to 8 layers on wafers of 24 to 64 cores on either side, with the default strategy:
 *
 *     npm run fuzz:colors -- --step 1
 *
 * Where a model's memory fits, its hand-offs have to find colours, no two the same at one router. Ends with exit
 * code 1 and the shapes where they do not.
 */
import { parseArgs } from 'node:util';
import {
  DENSE,
  LAYERS,
  WAYS,
  placed,
  planned,
  sidesBy,
  wafersOf,
  wrongColors,
} from '../helpers/colored.js';
import { resized } from '../helpers/small-model.js';
import { CapacityError, type SizedRequest } from '../../src/placement/placement.js';
import type { ModelSpec } from '../../src/model/model.js';
import type { WaferSpec } from '../../src/hardware/wafer.js';

function main(): void {
  const { values } = parseArgs({ options: { step: { type: 'string', default: '1' } } });
  const step = Number(values.step);
  if (!(Number.isInteger(step) && step >= 1 && step <= 40))
    throw new RangeError(`--step: expected a whole number from 1 to 40, found ${values.step}`);
  const wafers = wafersOf(sidesBy(step));
  for (const [i, dense] of DENSE.entries())
    for (const { wafers: on, sizes } of WAYS) {
      const counts = { fit: 0, shared: 0 };
      const way = `model ${i}, ${JSON.stringify(sizes)}, wafers ${on}`;
      for (const layers of LAYERS)
        for (const one of wafers) {
          const wafer = { ...one, wafers: on };
          const problem = problemOf(resized(dense, { layers }), wafer, sizes, counts);
          if (problem === undefined) continue;
          const at = `${way}, ${layers} layers on ${wafer.width}x${wafer.height}`;
          process.stdout.write(`${at}: ${problem}\n`);
          process.exitCode = 1;
        }
      const of = `of ${LAYERS.length * wafers.length} programs ${counts.fit} fit`;
      process.stdout.write(`${way}: ${of}, ${counts.shared} of them with shared streams\n`);
    }
}

function problemOf(
  model: ModelSpec,
  wafer: WaferSpec,
  sizes: Partial<SizedRequest>,
  counts: { fit: number; shared: number },
): string | undefined {
  const placement = placed(model, wafer, sizes);
  if (placement === undefined) return undefined;
  counts.fit++;
  try {
    const plan = planned(model, wafer, placement);
    if (plan.stages.some(({ source }) => source?.kind === 'rows' && source.shares)) counts.shared++;
    return wrongColors(plan, wafer)[0];
  } catch (error) {
    if (error instanceof CapacityError) return error.message;
    throw error;
  }
}

main();
