/**
 * One decode step as stages, in the order of a token's path: the embedding, every layer, the head. Each
 * stage is one program (stage.ts); the last one's chosen token goes back to the first.
 */
import { linkHopsOf, repairOf } from '../hardware/defects.js';
import { hasExperts, type ModelSpec } from '../model/model.js';
import type { Placement, Region } from '../placement/placement.js';
import { layOut } from '../program/builder.js';
import { waveletsOf } from '../program/exchange.js';
import { gqa } from '../mapping/gqa.js';
import type { StripSlots } from '../mapping/experts.js';
import { isOfLayer, isLayerKind, keyOfPart, hasAttention } from '../mapping/mapping.js';
import { tableBuffers } from '../mapping/buffers.js';
import { choiceReceived } from '../mapping/selection.js';
import { tableShape } from '../mapping/shapes.js';
import { rootOf } from '../kernels/line.js';
import { colorOnce } from './hand-off-colors.js';
import { cacheStepOf } from './cache-step.js';
import { keepCode, nextStep, writtenOnce } from './kept-code.js';
import { passing, receivesCount, type InFlight } from './in-flight.js';
import { layerCode, tableCode } from './region.js';
import type { RegionCode, Step } from './region.js';
import { crossingCycles, pathOf, portCode, type Place } from './places.js';
import type { Rectangle } from './hand-off.js';
import type { Source } from './core-writer.js';
import { writeStage } from './stage.js';
import type { GroupsOf, Lowered, StageKind, StagePlan, StepPlan } from './lowering.js';

/** Where the head leaves the chosen token: the wafer's core and the cell; and the cell from which a token is sent. */
export interface Chosen {
  x: number;
  y: number;
  choice: number;
  cell: number;
}

/** Stages of a step; throws CapacityError if there are not enough colours for the hand-offs. */
export function planToken(
  { model, wafer, placement, groupsOf, kept = keepCode() }: Omit<Lowered, 'exact'>,
  { inFlight, ...plain }: Step,
): StepPlan {
  // A round of one token is a plain step.
  const step: Step = inFlight && inFlight.of > 1 ? { ...plain, inFlight } : plain;
  nextStep(kept);
  const head = headOf(placement);
  const chosen = chosenBy(model, placement, groupsOf, step.inFlight);
  const { places, visits } = pathOf(placement, head, chosen, wafer);
  const sent = visits.map(({ from, to }, i) => {
    // What a port takes is for the region that it leads to.
    const last = places[to].region ? i : i + 1;
    const receiver = places[visits[last].to].region!;
    const sender = i === 0 ? undefined : places[from];
    const isHead = last === visits.length - 1;
    const source = sourceOf(model, sender, receiver, isHead, chosen, step);
    return { source, place: places[to], gathers: hasRouter(model, places[to]) };
  });
  const handOffs = colorOnce(wafer, sent, kept.colors);
  const codes = new Map<string, RegionCode>();
  const stages = visits.map(({ from, to }, i): StagePlan => {
    const { source, place, colors } = handOffs[i];
    const isHead = i === visits.length - 1;
    const { region } = place;
    const kind = kindOf(region, isHead);
    const groups = region && groupsOf(region);
    const code = (): RegionCode => {
      if (region === undefined || groups === undefined)
        return portCode(place.height, source.type, source.length);
      // Regions of one size have the same code for data from anywhere.
      const { width, height } = region;
      const slots = slotsIn(region, step);
      const size = JSON.stringify([keyOfPart(region), kind, width, height, groups, slots]);
      let known = codes.get(size);
      if (known === undefined) {
        known = writtenOnce(
          isOfLayer(region)
            ? layerCode(model, wafer, region, groups, step, slots)
            : tableCode(model, wafer, region, groups, isHead ? 'head' : 'embedding', step.inFlight),
          kept,
          size,
        );
        codes.set(size, known);
      }
      return known;
    };
    const repair = repairOf(wafer, place.wafer);
    const name = isLayerKind(kind) || kind === 'port' ? place.name : kind;
    const rows = source.kind === 'rows' ? place.height : 1;
    const bits = 32 * rows * waveletsOf(source.type, source);
    return {
      name,
      kind,
      ...(region && isOfLayer(region) && { layer: region.layer }),
      to,
      from,
      source,
      colors,
      crossing: places[from].exit ? crossingCycles(wafer, bits) : 0,
      key: JSON.stringify([
        kind,
        relative(source, place),
        region && keyOfPart(region),
        groups,
        region && stepKey(model, region, step, isHead),
        orderOf(colors),
        repair && [place.wafer, place.x, place.y],
      ]),
      write: () =>
        writeStage(
          name,
          source,
          place,
          code(),
          colors,
          repair && ((box) => linkHopsOf(repair, wafer, box)),
        ),
    };
  });
  return { together: false, places, stages };
}

export function hasRouter({ kinds }: ModelSpec, { region }: Place): boolean {
  if (region === undefined || !isOfLayer(region)) return false;
  return hasAttention(region.kind) && hasExperts(kinds[region.layerKind]);
}

/** What the programs of a region depend on of a step: those of a window that is full come again and again. */
function stepKey(model: ModelSpec, region: Region, step: Step, isHead: boolean): unknown {
  const { context, slots: _, inFlight, ...room } = step;
  const slots = slotsIn(region, step);
  // No other depends on where the token stands.
  if (!isOfLayer(region) || !hasAttention(region.kind)) {
    const round = isHead ? inFlight : passing(inFlight);
    return (slots || round) && { slots, round };
  }
  const cache = cacheStepOf(model.kinds[region.layerKind], context, inFlight?.of);
  return { ...room, ...(inFlight && { inFlight }), ...cache, ...(slots && { slots }) };
}

/** Which of the chosen experts each strip of a region has; nothing without strips. */
function slotsIn(region: Region, { slots }: Step): StripSlots | undefined {
  return isOfLayer(region) && region.strips !== undefined ? slots?.[region.layer] : undefined;
}

function kindOf(region: Region | undefined, isHead: boolean): StageKind {
  if (region === undefined) return 'port';
  if (isOfLayer(region)) return region.kind;
  return isHead ? 'head' : 'embedding';
}

/** Index of the region that holds the head: the last one, or the first if the table is tied. */
export function headOf({ regions }: Placement): number {
  return regions[0].kind === 'embedding+head' ? 0 : regions.length - 1;
}

/** The head's root core, and the cell of the token that it sends next, of a round that of its place (see table.ts). */
export function chosenBy(
  model: ModelSpec,
  placement: Placement,
  groupsOf: GroupsOf,
  inFlight?: InFlight,
): Chosen {
  const head = placement.regions[headOf(placement)];
  if (isOfLayer(head)) throw new TypeError('the last region is no head');
  const groups = groupsOf(head);
  const shape = tableShape(model, head.height, head.width, inFlight?.of);
  const { at } = layOut(tableBuffers(model, shape, head.kind));
  return {
    x: head.x + rootOf(head.width, Math.min(groups.row, head.width)),
    y: head.y + rootOf(head.height, Math.min(groups.column, head.height)),
    choice: at.best + 1,
    cell: inFlight ? sentAt(at, inFlight) : at.best + 1,
  };
}

/** A draft goes on with what it has just chosen; of the tokens that are verified, the drafted ones are brought. */
function sentAt(at: Record<string, number>, { index, drafts }: InFlight): number {
  if (index === 0) return at.next;
  return (drafts ? at.choices : at.drafts) + index - 1;
}

/**
 * What a stage receives for a region: the chosen token, alone (from no other place) or after a port, or
 * another region's rows.
 */
function sourceOf(
  model: ModelSpec,
  from: Place | undefined,
  receiver: Region,
  isHead: boolean,
  chosen: Chosen,
  step: Step,
): Source {
  const part = isHead ? ({ kind: 'head' } as const) : receiver;
  const { maxPositions: positions, users, inFlight } = step;
  const cutInto = { model, rows: receiver.height, positions };
  const { words, type } = gqa.received(part, cutInto);
  const { kinds } = model;
  const takesChoice =
    isOfLayer(receiver) && choiceReceived(kinds[receiver.layerKind], receiver.kind, cutInto) > 0;
  const hasCount = receivesCount(inFlight, takesChoice);
  const length = hasCount ? words + 1 : words;
  if (from === undefined) return { kind: 'token', core: chosen, cell: chosen.cell, type, length };
  const { exit, region } = from;
  if (exit && from.isForToken) return { kind: 'token', core: exit, cell: 0, type, length };
  const rectangle = exit ?? from;
  if (region === undefined) return { kind: 'rows', region: rectangle, cell: 0, type, length };
  const { width: columns, height: rows } = region;
  const cut = {
    ...{ model, rows, columns, positions },
    ...(users !== undefined && { users }),
    ...(inFlight && { inFlight: inFlight.of }),
  };
  const shapes = gqa.buffers(region, cut);
  const { at } = layOut(shapes);
  const afterChoice = hasCount ? at.accepted : at.x;
  return { kind: 'rows', region, cell: takesChoice ? at.chosen : afterChoice, type, length };
}

/**
 * The order of a stage's own colours. Which ones they are does not matter: all are above those of the
 * region's lines, so routers try them in the same order for all numbers.
 */
function orderOf(colors: number[]): number[] {
  const sorted = colors.toSorted((a, b) => a - b);
  return colors.map((color) => sorted.indexOf(color));
}

/** What the program depends on of source and place: relative positions and sizes, and what a port passes on. */
function relative(source: Source, { x, y, width, height }: Rectangle): unknown {
  const from = source.kind === 'token' ? { ...source.core, width: 1, height: 1 } : source.region;
  const shares = source.kind === 'rows' && source.shares;
  return [
    width,
    height,
    from.x - x,
    from.y - y,
    from.width,
    from.height,
    source.cell,
    shares,
    source.length,
  ];
}
