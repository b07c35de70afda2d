/**
 * The code of every core of one region: a layer, its attention or its MLP, the embedding or the head.
 * Rows and columns fall into few classes by what their cores do on the lines and by what their row's cache
 * holds; all cores of a row class and a column class have the same code. Routes differ more often (a core
 * passes on streams of others without any code for it), so they have classes of their own.
 */
import type { WaferSpec } from '../hardware/wafer.js';
import type { FloatType } from '../numeric/types.js';
import {
  deltaOf,
  gqaOf,
  hasExperts,
  latentOf,
  type LayerSpec,
  type ModelSpec,
} from '../model/model.js';
import { codeBytesOf } from '../placement/budget.js';
import type { Region } from '../placement/placement.js';
import { layerMatrices } from '../mapping/matrices.js';
import { gqa } from '../mapping/gqa.js';
import { allSlots, stripOf, type StripSlots } from '../mapping/experts.js';
import { hasAttention, hasMlp, isLayerKind } from '../mapping/mapping.js';
import type { LayerPart, LayerRegionKind } from '../mapping/mapping.js';
import { layerBuffers, tableBuffers } from '../mapping/buffers.js';
import { choiceReceived } from '../mapping/selection.js';
import { layerShape, tableShape } from '../mapping/shapes.js';
import type { LayerShape } from '../mapping/shapes.js';
import type { Buffer, Operation, Route } from '../program/program.js';
import type { LinePlace } from '../kernels/collectives.js';
import { layOut, type CoreCode, type Written } from '../program/builder.js';
import { cacheStepOf, leftOutOf, maskedOfRow, positionsOfRow } from './cache-step.js';
import { bringsCount, passing, receivesCount, type InFlight } from './in-flight.js';
import { LAYER_LABELS, type CacheOfRow, type LayerCore } from './layer-core.js';
import { decoderLayer, prepareLayer } from './layer.js';
import { apart, classes, codeOf, kindsIn, places, type Groups, type Kinds } from './lines.js';
import { rankedBy, routerPlaces, type RouterPlaces } from './router-places.js';
import { EMBEDDING_LABELS, HEAD_LABELS, embed, head, prepareHead } from './table.js';
import type { TableCore } from './table.js';

/** Code of one core around the reception of its token's data. */
export interface CoreProgram {
  name: string;
  buffers: Buffer[];
  codeBytes: number;
  /** Operations before the token arrives; they do not touch the fabric. */
  prepare: Operation[];
  main: Operation[];
  /** Both around receptions that were asked for, by what these are. */
  around: Map<string, Operation[]>;
}

export interface RegionCode {
  width: number;
  height: number;
  labels: readonly string[];
  /** What a core receives, and where it goes. */
  receive: {
    label: number;
    type: FloatType;
    length: number;
    at: (program: CoreProgram) => number;
  };
  /** Cores with equal numbers have equal code, and equal routes. */
  codeClass(row: number, column: number): number;
  /** What the code depends on in regions of one size and use, in any step. */
  codeKey(row: number, column: number): string;
  routeClass(row: number, column: number): number;
  /** Cores of equal kinds are of one class of both. */
  kinds: Kinds;
  write(row: number, column: number): CoreProgram;
  routesAt(row: number, column: number): Route[];
}

/** What one decode step asks of a region. */
export interface Step {
  /** Tokens in the cache before this step. */
  context: number;
  /** Tokens of each user that the caches have room for. */
  maxPositions: number;
  /** Users whose caches the cores hold; 1 if not given. The step is that of one of them. */
  users?: number;
  /** By layer: where experts lie in strips, which of the chosen each strip has. */
  slots?: readonly (StripSlots | undefined)[] | undefined;
  /** The token's place in a round of several of its user, whose positions follow each other. */
  inFlight?: InFlight | undefined;
}

/** What a column of a region without heads has none of. */
const WITHOUT = { layer: 'attention', attention: 'heads' } as const;

/**
 * The code of a layer, or of its attention or its MLP.
 * @param slots which of the chosen experts each strip has; without strips every core computes all
 */
export function layerCode(
  model: ModelSpec,
  wafer: WaferSpec,
  region: Pick<Region, 'width' | 'height'> & LayerPart,
  groups: Groups,
  step: Step,
  slots?: StripSlots,
): RegionCode {
  const { width, height, kind } = region;
  const spec = model.kinds[region.layerKind];
  const attends = hasAttention(kind);
  const { users, maxPositions, inFlight } = step;
  const of = inFlight?.of;
  const shape = layerShape(model, spec, maxPositions, height, width, users, region, of);
  const slotsOf = slotsByColumn(spec, shape, kind, slots);
  const matrices = layerMatrices(model, spec, shape);
  const cacheStep = cacheStepOf(spec, step.context, of);
  const columns = places('y', height, groups, 'column', wafer);
  const rows = places('x', width, groups, 'row', wafer);
  const router =
    shape.experts && attends ? routerPlaces(rootOfRow(rows), width, shape.experts) : undefined;
  const heads = places('x', shape.groupWidth, groups, 'head', wafer);
  const headAt = (x: number) =>
    attends && x < shape.attentionColumns ? heads[x % shape.groupWidth] : undefined;
  const received = { model, rows: height, positions: maxPositions };
  const { words, type } = gqa.received(region, received);
  const hasChoice = choiceReceived(spec, kind, received) > 0;
  const hasCount = receivesCount(inFlight, hasChoice);
  const length = hasCount ? words + 1 : words;
  const afterChoice = hasCount ? 'accepted' : 'x';
  const first = hasChoice ? 'chosen' : afterChoice;
  const leftOut = cacheStep && leftOutOf(spec, cacheStep.attended);
  const masked = (row: number) => maskedOfRow(cacheStep?.masked ?? [], row, height);
  const cacheOf = (row: number) =>
    cacheStep && {
      positions: positionsOfRow(cacheStep.attended, row, height),
      appendAt: cacheStep.slot % height === row ? Math.floor(cacheStep.slot / height) : -1,
      temperature: cacheStep.temperature,
      ...(leftOut && { leftOut }),
      ...(cacheStep.masked && { masked: masked(row) }),
    };
  const codeClass = apart(
    router?.root,
    height,
    width,
    classes(
      height,
      width,
      (row) => [codeOf(columns[row]), attends && cacheOf(row)],
      (x) => [codeOf(rows[x]), codeOf(headAt(x)), router?.at(x), slotsOf(x)],
    ),
  );
  // All else that `write` below takes from the step.
  const ofStep = JSON.stringify([maxPositions, users, attends ? inFlight : passing(inFlight)]);
  const laidOut = new Map<string, LaidOut>();
  const routeClass = classes(
    height,
    width,
    (row) => columns[row].routes,
    (x) => [rows[x].routes, headAt(x)?.routes, router?.at(x)?.routes],
  );
  /** By class: several stages have them. */
  const routesOf = new Map<number, Route[]>();
  return {
    width,
    height,
    labels: LAYER_LABELS,
    receive: {
      label: LAYER_LABELS.indexOf('hand-off'),
      type,
      length,
      at: (program) => bufferAt(program, first),
    },
    codeClass,
    codeKey: (row, x) => `${ofStep} ${codeClass.key(row, x)}`,
    routeClass,
    kinds: kindsIn(codeClass, routeClass, router && { apartColumn: router.root }),
    routesAt(row, x) {
      const number = routeClass(row, x);
      let routes = routesOf.get(number);
      if (routes === undefined) {
        const lines = columns[row].routes.concat(rows[x].routes, headAt(x)?.routes ?? []);
        routesOf.set(number, (routes = lines.concat(router?.routesAt(x) ?? [])));
      }
      return routes;
    },
    write(row, x) {
      const has = { heads: headAt(x) !== undefined, router: router?.part(x) };
      const parts = `${has.heads} ${has.router}`;
      let laid = laidOut.get(parts);
      if (laid === undefined) {
        const core = layOut(layerBuffers(model, spec, shape, kind, has));
        laidOut.set(parts, (laid = { core, rows: [], columns: [] }));
      }
      const { core } = laid;
      const common = {
        model,
        costs: wafer.costs,
        part: kind,
        spec,
        mlp: mlpOf(spec, shape, router, { row, x, slots: slotsOf(x) }),
        matrices,
        column: columns[row],
        row: rows[x],
        group: headAt(x),
        inFlight,
        written: {
          ofRow: (laid.rows[codeClass.rows[row]] ??= new Map()),
          ofColumn: (laid.columns[codeClass.columns[x]] ??= new Map()),
        },
      };
      const layer = mixing(common, spec, shape, cacheOf(row));
      return writeCore(
        layer.group || kind === 'mlp' ? kind : `${kind} without ${WITHOUT[kind]}`,
        core,
        codeBytesOf(kind, wafer.core.codeBytes, hasExperts(spec)),
        (core) => prepareLayer(core, layer),
        (core) => decoderLayer(core, layer),
      );
    },
  };
}

/** Memory of cores, and what was written for those of them of the same class of rows, and of columns. */
interface LaidOut {
  core: CoreCode;
  rows: Written[];
  columns: Written[];
}

/** With what depends on the layer's attention; the cache of a layer that attends to positions. */
function mixing(
  common: Omit<LayerCore, 'mixer' | 'attention' | 'shape'>,
  spec: LayerSpec,
  shape: LayerShape,
  cache: CacheOfRow | undefined,
): LayerCore {
  switch (shape.kind) {
    case 'gqa':
      return { ...common, mixer: 'gqa', attention: gqaOf(spec), shape, ...cache! };
    case 'latent':
      return { ...common, mixer: 'latent', attention: latentOf(spec), shape, ...cache! };
    case 'delta':
      return { ...common, mixer: 'delta', attention: deltaOf(spec), shape };
  }
}

function rootOfRow(rows: readonly LinePlace[]): number {
  return rows.findIndex(({ station }) => station.root);
}

/** The MLP of a layer's core: what of the experts' choice is done there. */
function mlpOf(
  { mlp }: LayerSpec,
  { experts, rows }: LayerShape,
  router: RouterPlaces | undefined,
  { row: rowIndex, x, slots }: { row: number; x: number; slots: readonly number[] },
): LayerCore['mlp'] {
  if (mlp.kind === 'dense') return mlp;
  const ranked = x === router?.root ? rankedBy(rowIndex, rows, mlp.count) : [];
  const of = { spec: mlp, shape: experts!, gather: router?.at(x), rowIndex, ranked, slots };
  return { kind: 'experts', ...of };
}

const NONE: readonly number[] = [];

/** Which of the chosen experts the columns of a region compute. */
function slotsByColumn(
  { mlp }: LayerSpec,
  { experts }: LayerShape,
  kind: LayerRegionKind,
  given: StripSlots | undefined,
): (column: number) => readonly number[] {
  if (mlp.kind === 'dense' || experts === undefined || !hasMlp(kind)) return () => NONE;
  const slots = experts.strips === 1 ? allSlots(mlp) : given;
  if (slots?.length !== experts.strips)
    throw new TypeError(`expected the slots of ${experts.strips} strips, found ${slots?.length}`);
  return (column) => slots[stripOf(experts, column).strip] ?? NONE;
}

/** The embedding or the head; `kind` says what the region's memory holds, `use` what runs. */
export function tableCode(
  model: ModelSpec,
  wafer: WaferSpec,
  region: Pick<Region, 'width' | 'height' | 'kind'>,
  groups: Groups,
  use: 'embedding' | 'head',
  inFlight?: InFlight,
): RegionCode {
  const { width, height, kind } = region;
  if (isLayerKind(kind)) throw new TypeError('a layer region holds no table');
  const shape = tableShape(model, height, width, inFlight?.of);
  const isHead = use === 'head';
  const { words, type } = gqa.received({ kind: use }, { model, rows: height });
  const hasCount = bringsCount(inFlight);
  const length = hasCount ? words + 1 : words;
  const headFirst = hasCount ? 'accepted' : 'x';
  const columns = places('y', height, groups, 'column', wafer);
  const rows = places('x', width, groups, 'row', wafer);
  const stations = classes(
    height,
    width,
    (row) => isHead && codeOf(columns[row]),
    (x) => (isHead ? 0 : x),
  );
  // In the head only the cores of the roots' row choose, each among its own column's entries.
  const apartRow = isHead ? columns.findIndex(({ station }) => station.root) : -1;
  const codeClass = (row: number, x: number) =>
    row === apartRow ? height * width + x : stations(row, x);
  const routeClass = classes(
    height,
    width,
    (y) => (isHead ? columns[y].routes : 0),
    (x) => rows[x].routes,
  );
  const laidOut = layOut(tableBuffers(model, shape, kind));
  const written: Written = new Map();
  return {
    width,
    height,
    labels: isHead ? HEAD_LABELS : EMBEDDING_LABELS,
    receive: {
      label: isHead ? HEAD_LABELS.indexOf('hand-off') : EMBEDDING_LABELS.indexOf('token'),
      type,
      length,
      at: (program) => bufferAt(program, isHead ? headFirst : 'token'),
    },
    codeClass,
    codeKey: (y, x) => `${JSON.stringify(inFlight)} ${codeClass(y, x)}`,
    routeClass,
    kinds: kindsIn(stations, routeClass, { apartRow }),
    routesAt: (y, x) => (isHead ? columns[y].routes.concat(rows[x].routes) : rows[x].routes),
    write(y, x) {
      const table: TableCore = {
        model,
        costs: wafer.costs,
        shape,
        columnIndex: x,
        column: columns[y],
        row: rows[x],
        inFlight,
        written,
      };
      const nothing = () => {};
      return writeCore(
        use,
        laidOut,
        codeBytesOf(kind, wafer.core.codeBytes),
        isHead ? (core) => prepareHead(core, table) : nothing,
        (core) => (isHead ? head(core, table) : embed(core, table)),
      );
    },
  };
}

/** First cell of a buffer of a core's program. */
export function bufferAt(program: { buffers: Buffer[] }, name: string): number {
  const buffer = program.buffers.find((b) => b.name === name);
  if (buffer === undefined) throw new RangeError(`no buffer "${name}"`);
  return buffer.at;
}

function writeCore(
  name: string,
  laidOut: CoreCode,
  codeBytes: number,
  prepare: (core: CoreCode) => void,
  main: (core: CoreCode) => void,
): CoreProgram {
  const before: CoreCode = { ...laidOut, operations: [], label: 0 };
  const after: CoreCode = { ...laidOut, operations: [], label: 0 };
  prepare(before);
  main(after);
  const { buffers } = laidOut;
  const [first, last] = [before.operations, after.operations];
  return { name, buffers, codeBytes, prepare: first, main: last, around: new Map() };
}
