/** A router alone on a rectangle of cores: from the normed slices in memory to the choice on every core. */
import type { WaferSpec } from '../../src/hardware/wafer.js';
import { rootOf, type TreeForm } from '../../src/kernels/line.js';
import { fillRouter } from '../../src/lowering/expert-images.js';
import type { LayerCore } from '../../src/lowering/layer-core.js';
import { LAYER_LABELS } from '../../src/lowering/layer-core.js';
import { places } from '../../src/lowering/lines.js';
import { rankedBy, routerPlaces } from '../../src/lowering/router-places.js';
import { chooseExperts, prepareRouter } from '../../src/lowering/router.js';
import { addRouter } from '../../src/mapping/experts.js';
import { layerMatrices, matrixBuffers } from '../../src/mapping/matrices.js';
import { bufferList } from '../../src/mapping/buffers.js';
import { layerShape } from '../../src/mapping/shapes.js';
import type { ExpertsSpec } from '../../src/model/mlp-spec.js';
import type { ExpertsWeights } from '../../src/model/model-weights.js';
import { assemble } from '../../src/program/builder.js';
import type { Program } from '../../src/program/program.js';
import { expertLayer } from './expert-models.js';
import { modelOf } from './dense-models.js';

export interface RouterCase {
  spec: ExpertsSpec;
  rows: number;
  columns: number;
  groups: number;
  form: TreeForm;
  /** Elements of the input on a row. */
  dims: number;
}

export interface RouterProgram {
  program: Program;
  /** First cell of the choice on every core. */
  choiceAt: number;
  /** Memory of the cores, for these weights and inputs (`rows * dims` of them). */
  memoryOf: (weights: ExpertsWeights, input: readonly number[]) => Float32Array[];
}

export function routerProgram(of: RouterCase, wafer: WaferSpec): RouterProgram {
  const { spec, rows, columns, groups: each, form, dims } = of;
  const layer = { ...expertLayer(), mlp: spec };
  const model = modelOf([layer], { dim: rows * dims });
  const shape = layerShape(model, layer, 1, rows, columns);
  const matrices = layerMatrices(model, layer, shape);
  const every = <T>(what: T) => ({ column: what, row: what, head: what });
  const groups = { ...every(each), forms: every(form) };
  const inColumn = places('y', rows, groups, 'column', wafer);
  const inRow = places('x', columns, groups, 'row', wafer);
  const router = routerPlaces(rootOf(columns, Math.min(each, columns)), columns, shape.experts!);
  const { program, station } = assemble('router', columns, rows, [...LAYER_LABELS]);
  const ats: Record<string, number>[] = [];
  for (let core = 0; core < rows * columns; core++) {
    const [y, x] = [Math.floor(core / columns), core % columns];
    station(core, `${y} ${x}`, (code) => {
      const list = bufferList();
      list.add('normed', model.dtype, dims, true);
      list.add('choice', model.dtype, 2 * spec.topK);
      const part = router.part(x);
      if (part) {
        list.buffers.push(...matrixBuffers(model, matrices.router!));
        addRouter(list.add, model, spec, { dims, of: shape.experts! }, part);
      }
      for (const { name, ...buffer } of list.buffers) {
        const last = code.buffers.at(-1);
        const at = last === undefined ? 0 : last.at + last.length;
        code.buffers.push({ name, ...buffer, at });
        code.at[name] = at;
      }
      const experts = {
        ...({ kind: 'experts', spec, shape: shape.experts!, rowIndex: y, slots: [] } as const),
        ...{ gather: router.at(x), ranked: x === router.root ? rankedBy(y, rows, spec.count) : [] },
      };
      const own = { model, costs: wafer.costs, spec: layer, shape, matrices };
      const at = { column: inColumn[y], row: inRow[x], mlp: experts };
      prepareRouter(code, matrices, experts);
      chooseExperts(code, { ...own, ...at } as unknown as LayerCore, experts);
      code.routes.push(...inColumn[y].routes, ...inRow[x].routes, ...router.routesAt(x));
      ats[core] = code.at;
    });
  }
  return {
    program,
    choiceAt: dims,
    memoryOf(weights, input) {
      return ats.map((at, core) => {
        const [row, column] = [Math.floor(core / columns), core % columns];
        const { buffers } = program.roles[program.roleOf[core]];
        const last = buffers.at(-1)!;
        const image = new Float32Array(last.at + last.length);
        image.set(input.slice(row * dims, (row + 1) * dims), at.normed);
        fillRouter(
          { image, at, model, costs: wafer.costs, shape, matrices, row, column },
          spec,
          weights,
          router,
        );
        return image;
      });
    },
  };
}
