/**
 * One decode step as stages, in the order of a token's way: the embedding, every layer, the head. Each
 * stage is one program (stage.ts); the last one's chosen token goes back to the first.
 */
import type { WaferSpec } from '../hardware/wafer.js';
import type { ModelSpec } from '../model/model.js';
import type { Placement, Region } from '../placement/placement.js';
import { layOut } from './core-code.js';
import { layerBuffers, layerShape, tableBuffers, tableShape } from '../placement/shapes.js';
import { rootOf } from './line.js';
import { HandOffColors } from './hand-off-colors.js';
import { layerCode, tableCode, type Groups, type RegionCode, type Step } from './region.js';
import { writeStage, type Source, type Stage } from './stage.js';

export interface StagePlan {
  name: string;
  /** Index of the stage's region in the placement, and of the region that sends. */
  region: number;
  from: number;
  /** Equal keys mean equal programs: everything the program depends on, apart from where it lies. */
  key: string;
  write(): Stage;
}

/** Where the head leaves the chosen token: the wafer's core and the cell. */
export interface Chosen {
  x: number;
  y: number;
  cell: number;
}

/** Groups of each kind of region's trees. */
export type GroupsOf = (region: Region) => Groups;

/** Stages of a step; throws CapacityError if there are not enough colours for the hand-offs. */
export function planToken(
  model: ModelSpec,
  wafer: WaferSpec,
  placement: Placement,
  groupsOf: GroupsOf,
  step: Step,
): StagePlan[] {
  const { regions } = placement;
  const headIndex = headOf(placement);
  const chosen = chosenBy(model, placement, groupsOf);
  const order = [...regions.keys()];
  if (headIndex === 0) order.push(0);
  const colors = new HandOffColors(wafer);
  return order.map((index, i) => {
    const region = regions[index];
    const from = i === 0 ? headIndex : order[i - 1];
    const isHead = i === order.length - 1;
    const source: Source =
      i === 0
        ? { kind: 'token', core: chosen, cell: chosen.cell }
        : rowsSource(model, regions[from], step);
    const groups = groupsOf(region);
    const code = (): RegionCode =>
      region.kind === 'layer'
        ? layerCode(model, wafer, region, groups, step)
        : tableCode(model, wafer, region, groups, isHead ? 'head' : 'embedding');
    const use = region.kind === 'layer' ? 'layer' : isHead ? 'head' : 'embedding';
    const channels = colors.assign(source, region);
    const name = region.kind === 'layer' ? region.name : use;
    return {
      name,
      region: index,
      from,
      key: JSON.stringify([use, relative(source, region), groups, step, channels]),
      write: () => writeStage(name, source, region, code(), channels),
    };
  });
}

/** Index of the region that holds the head: the last one, or the first if the table is tied. */
export function headOf({ regions }: Placement): number {
  return regions[0].kind === 'embedding+head' ? 0 : regions.length - 1;
}

/** The head's root core, and the cell of its choice (see table.ts). */
export function chosenBy(model: ModelSpec, placement: Placement, groupsOf: GroupsOf): Chosen {
  const head = placement.regions[headOf(placement)];
  if (head.kind === 'layer') throw new TypeError('the last region is no head');
  const groups = groupsOf(head);
  const shape = tableShape(model, head.height, head.width);
  const { at } = layOut(tableBuffers(model, shape, head.kind));
  return {
    x: head.x + rootOf(head.width, Math.min(groups.row, head.width)),
    y: head.y + rootOf(head.height, Math.min(groups.column, head.height)),
    cell: at.best + 1,
  };
}

function rowsSource(model: ModelSpec, region: Region, step: Step): Source {
  const { width, height, kind } = region;
  const shapes =
    kind === 'layer'
      ? layerBuffers(model, layerShape(model, step.maxPositions, height, width), true)
      : tableBuffers(model, tableShape(model, height, width), kind);
  const cell = layOut(shapes).at.x;
  return { kind: 'rows', region, cell, type: model.dtype, length: Math.ceil(model.dim / height) };
}

/** Source and region as far as the program depends on them: relative positions and sizes. */
function relative(source: Source, region: Region): unknown {
  const { width, height, kind } = region;
  const { x, y } = source.kind === 'token' ? source.core : source.region;
  const size = source.kind === 'token' ? [] : [source.region.width, source.region.height];
  return [width, height, kind, x - region.x, y - region.y, size, source.cell];
}
