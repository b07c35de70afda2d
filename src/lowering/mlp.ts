/**
 * Gated MLP of one token: gate and up reduced along y as one vector, silu(gate) * up on the columns'
 * slices, and this column's part of the down projection, which the row adds up.
 */
import { allReduce } from '../kernels/collectives.js';
import { cell, matvec, special, vector, type CoreCode } from '../program/builder.js';
import { layerLabel, type LayerCore } from './layer-core.js';

export function mlp(core: CoreCode, { model, shape, column }: LayerCore): void {
  const { at } = core;
  const type = model.dtype;
  const widen = model.weightBits === 8;
  const n = shape.inner;
  const gate = cell(at.gateUp);
  const up = cell(at.gateUp + n);
  core.label = layerLabel('gate up');
  const gateUp = { matrix: at.wGateUp, rows: shape.dims, length: 2 * n };
  matvec(core, 'axpy', type, { ...gateUp, x: at.normed, out: at.gateUp, widen });
  if (widen) {
    vector(core, 'mul', type, n, gate, gate, cell(at.mlpScale, 0));
    vector(core, 'mul', type, n, up, up, cell(at.mlpScale + 1, 0));
  }
  allReduce(core, column, 'add', type, at.gateUp, 2 * n);
  core.label = layerLabel('silu');
  special(core, 'silu', 'vector', type, at.gateUp, n, at.activated);
  vector(core, 'mul', type, n, cell(at.activated), cell(at.activated), up);
  core.label = layerLabel('down');
  const out = cell(at.mlpOut);
  const down = { matrix: at.wDown, rows: n, length: shape.dims };
  matvec(core, 'axpy', type, { ...down, x: at.activated, out: out.at, widen });
  if (widen) vector(core, 'mul', type, shape.dims, out, out, cell(at.mlpScale + 2, 0));
}
