/**
 * The embedding and the head. A table of rows (one per vocabulary entry) is cut by entries over the
 * columns and by dimensions over the rows, stored [dimension][entry]; a tied model has one table.
 * Embedding: the column that holds the token's entry contributes it, the others zeros, and the row
 * adds them up. Head: final norm, product with the table, logits added up on one row, whose cores take
 * their largest logit; then two one-word reductions choose the largest of all and its lowest entry.
 */
import type { CostTable } from '../hardware/wafer.js';
import type { ModelSpec } from '../model/model.js';
import { tableMatrix } from '../mapping/matrices.js';
import type { TableShape } from '../mapping/shapes.js';
import { allReduce, reduce, type LinePlace } from '../kernels/collectives.js';
import { append, appendOnce, cell, chosen, fill, vector } from '../program/builder.js';
import type { CoreCode, Written } from '../program/builder.js';
import { bringsCount, type InFlight } from './in-flight.js';
import { rmsNorm } from './norm.js';
import { lookUp, product, startProduct } from './product.js';
import { cheapest } from './special.js';

export interface TableCore {
  model: ModelSpec;
  /** What operations cost, where there is more than one way to write something. */
  costs: CostTable;
  shape: TableShape;
  /** Number of this core's column, which decides which entries it holds. */
  columnIndex: number;
  column: LinePlace;
  row: LinePlace;
  /** The token's place in its round, if it has several. */
  inFlight?: InFlight | undefined;
  /** What hangs on the place on the column alone, or on that on the row, by that. */
  written: Written;
}

export const EMBEDDING_LABELS = ['token', 'rollback', 'embedding'] as const;
export const HEAD_LABELS = [
  ...(['prepare head', 'hand-off', 'final norm'] as const),
  ...(['head', 'logit cap', 'choice', 'verify'] as const),
];

/** Beyond every entry, and exact in 32 bits. */
const NO_ENTRY = 2 ** 24;

/** From the token's number in `token` to this row's slice of its embedding in `x`, on every column. */
export function embed(core: CoreCode, table: TableCore): void {
  const { model, shape, columnIndex, row } = table;
  const { at } = core;
  core.label = EMBEDDING_LABELS.indexOf('rollback');
  // What layers hand on has the model's type.
  if (bringsCount(table.inFlight))
    vector(core, 'move', model.dtype, 1, cell(at.accepted), cell(at.token + 1));
  core.label = EMBEDDING_LABELS.indexOf('embedding');
  const first = columnIndex * shape.entries;
  lookUp(core, table, tableMatrix(model, shape), { id: at.token, first, to: at.x });
  const x = cell(at.x);
  allReduce(core, row, 'add', model.dtype, at.x, shape.dims);
  if (model.embeddingScale !== 1)
    vector(core, 'mul', model.dtype, shape.dims, x, x, { constant: model.embeddingScale });
}

/** What a head's core can do before its token arrives. */
export function prepareHead(core: CoreCode, table: TableCore): void {
  appendOnce(core, table.written, 'prepare', () => writePreparation(core, table));
}

function writePreparation(core: CoreCode, table: TableCore): void {
  const { model, shape } = table;
  const { at } = core;
  core.label = HEAD_LABELS.indexOf('prepare head');
  fill(core, 'f32', at.square, 1, 0);
  startProduct(core, tableMatrix(model, shape), { out: at.logits });
  fill(core, 'f32', at.best, 1, -3.4e38);
  fill(core, 'f32', at.best + 1, 1, NO_ENTRY);
}

/** From the residual stream in `x` to the chosen token's number in the row root's `best[1]`. */
export function head(core: CoreCode, table: TableCore): void {
  const { column, row, written } = table;
  appendOnce(core, written, column, () => logits(core, table));
  if (!column.station.root) return;
  largestOfColumn(core, table);
  appendOnce(core, written, row, () => choose(core, table));
}

/** The norm, and the logits of the column's entries on its root. */
function logits(core: CoreCode, table: TableCore): void {
  const { model, costs, shape, column } = table;
  const { at } = core;
  const type = model.dtype;
  core.label = HEAD_LABELS.indexOf('final norm');
  const { dim, normEpsilon: epsilon } = model;
  const norm = { type, length: shape.dims, dim, epsilon, of: [at.x], square: at.square };
  rmsNorm(core, costs, column, norm, [{ x: at.x, weight: at.norm, normed: at.normed }]);
  core.label = HEAD_LABELS.indexOf('head');
  product(core, table, tableMatrix(model, shape), { x: at.normed, out: at.logits });
  reduce(core, column, 'add', type, at.logits, shape.entries);
  if (!column.station.root) return;
  if (model.logitCap !== undefined) capLogits(core, table, model.logitCap);
  core.label = HEAD_LABELS.indexOf('choice');
}

/** The largest logit of the column's own entries. */
function largestOfColumn(core: CoreCode, { model, shape, columnIndex }: TableCore): void {
  const { logits: at, best: value } = core.at;
  const first = columnIndex * shape.entries;
  const length = Math.max(0, Math.min(shape.entries, model.vocab - first));
  if (length === 0) return;
  append(core, { kind: 'argmax', type: model.dtype, at, length, first, value, id: value + 1 });
}

/** The largest of all columns, and its lowest entry. */
function choose(core: CoreCode, table: TableCore): void {
  const { row } = table;
  const { best: value } = core.at;
  const [id, largest] = [value + 1, value + 2];
  vector(core, 'move', 'f32', 1, cell(largest), cell(value));
  allReduce(core, row, 'max', 'f32', largest, 1);
  append(core, { kind: 'keepIfEqual', a: value, b: largest, at: id, otherwise: NO_ENTRY });
  reduce(core, row, 'min', 'f32', id, 1);
  if (row.station.root && table.inFlight) verify(core, table.inFlight, id);
}

/**
 * Keeps what was chosen after the token. After the last one of a round, how many drafted tokens are those that were
 * chosen where they were guessed, up to the first that is not; and what was chosen there is the next certain token.
 */
function verify(core: CoreCode, { index, of, tokens = of, drafts }: InFlight, id: number): void {
  const { at } = core;
  core.label = HEAD_LABELS.indexOf('verify');
  vector(core, 'move', 'f32', 1, cell(at.choices + index), cell(id));
  if (drafts || index < tokens - 1) return;
  const [token, accepted] = [at.next, at.next + 1];
  fill(core, 'f32', accepted, 1, tokens - 1);
  for (let i = tokens - 2; i >= 0; i--)
    append(core, {
      ...({ kind: 'keepIfEqual', at: accepted, otherwise: i } as const),
      ...{ a: at.choices + i, b: at.drafts + i },
    });
  const select = { cell: accepted, step: 1, count: of };
  vector(core, 'move', 'f32', 1, cell(token), chosen(at.choices, select));
}

/** The choice is made among capped logits, as in the published code: near the cap they may be equal. */
function capLogits(core: CoreCode, { model, costs, shape }: TableCore, cap: number): void {
  const { at } = core;
  const { dtype: type } = model;
  const logits = cell(at.logits);
  core.label = HEAD_LABELS.indexOf('logit cap');
  vector(core, 'mul', type, shape.entries, logits, logits, { constant: 1 / cap });
  cheapest(core, costs, 'tanh', type, at.logits, shape.entries);
  vector(core, 'mul', type, shape.entries, logits, logits, { constant: cap });
}
