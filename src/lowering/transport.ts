/**
 * Some words that one core sends to another, of the same wafer or of another: drafted tokens to the core that has
 * them verified, and what was accepted back. Between wafers they take the path of a chosen token, by a port. So they
 * do to the host and back.
 */
import { linkHopsOf, repairOf } from '../hardware/defects.js';
import type { WaferSpec } from '../hardware/wafer.js';
import type { FloatType } from '../numeric/types.js';
import { waveletsOf } from '../program/exchange.js';
import { colorHandOffs, type HandOffTo } from './hand-off-colors.js';
import type { StagePlan, StepPlan } from './lowering.js';
import { crossingCycles, portCode, type Place } from './places.js';
import { writeStage } from './stage.js';

/** The operator of these programs. */
export const TRANSPORT = 'transport';

/** A core of a wafer. */
export interface CoreAt {
  wafer: number;
  x: number;
  y: number;
}

/** A number of a token, and a count, are exact in it. */
const TYPE: FloatType = 'f32';

/**
 * Words of one core to another.
 * @param others hand-offs whose colours are taken where they pass
 * @throws CapacityError if there is no colour left on the path
 */
export function planTransport(
  wafer: WaferSpec,
  from: CoreAt,
  to: CoreAt,
  words: number,
  others: readonly HandOffTo[] = [],
): StepPlan {
  const isFar = from.wafer !== to.wafer;
  return planPath(wafer, { from, to, isFar }, [words, words], others);
}

/** Words of a core to the host, and its answer; the way there and back is the crossing of the second stage. */
export function planHostTrip(
  wafer: WaferSpec,
  core: CoreAt,
  words: { asked: number; answered: number },
  others: readonly HandOffTo[] = [],
): StepPlan {
  const path = { from: core, to: core, isFar: true };
  const plan = planPath(wafer, path, [words.asked, words.answered], others);
  const [out, back] = plan.stages;
  const there = crossingCycles(wafer, bitsOf(words.asked));
  return { ...plan, stages: [out, { ...back, crossing: there + back.crossing }] };
}

/**
 * Each row's slice of a region to the same row of another one as high, all of whose columns take it.
 * @param sent what each row has at a cell
 * @param others as of `planTransport`
 */
export function planRows(
  wafer: WaferSpec,
  from: Place,
  to: Place,
  sent: { cell: number; type: FloatType; length: number },
  others: readonly HandOffTo[] = [],
): StepPlan {
  const { cell, type, length } = sent;
  const isFar = from.wafer !== to.wafer;
  const { y, height } = to;
  const exit = { x: -1, y, width: 1, height, wafer: to.wafer };
  const port: Place = { ...from, x: wafer.width, width: 1, exit };
  const places = isFar ? [from, port, to] : [from, to];
  const handOffs = places.slice(1).map((place, i): HandOffTo => {
    const region = places[i].exit ?? places[i];
    return { source: { kind: 'rows', region, cell: i === 0 ? cell : 0, type, length }, place };
  });
  return planOf(wafer, places, handOffs, others);
}

function bitsOf(words: number): number {
  return 32 * waveletsOf(TYPE, { length: words });
}

function planPath(
  wafer: WaferSpec,
  { from, to, isFar }: { from: CoreAt; to: CoreAt; isFar: boolean },
  words: readonly [number, number],
  others: readonly HandOffTo[],
): StepPlan {
  const core = { width: 1, height: 1 };
  const begin: Place = { name: TRANSPORT, ...from, ...core };
  const end: Place = { name: TRANSPORT, ...to, ...core };
  const exit = { x: -1, y: to.y, ...core, wafer: to.wafer };
  const port: Place = { ...begin, x: wafer.width, exit, isForToken: true };
  const places = isFar ? [begin, port, end] : [begin, end];
  const sent = places.slice(1).map((place, i): HandOffTo => {
    const { x, y } = places[i].exit ?? places[i];
    const length = words[i];
    return { source: { kind: 'token', core: { x, y }, cell: 0, type: TYPE, length }, place };
  });
  return planOf(wafer, places, sent, others);
}

/** What is sent from each place to the next. */
function planOf(
  wafer: WaferSpec,
  places: Place[],
  sent: readonly HandOffTo[],
  others: readonly HandOffTo[],
): StepPlan {
  const colored = colorHandOffs(wafer, [...others, ...sent]).slice(others.length);
  const stages = colored.map(({ source, place, colors }, i): StagePlan => {
    const repair = repairOf(wafer, place.wafer);
    const { type, length, cell } = source;
    const { width, height } = place;
    const from = source.kind === 'token' ? { ...source.core, width: 1 } : source.region;
    const path = [from.x - place.x, from.y - place.y, from.width, width, height];
    const what = [type, length, cell, source.kind === 'rows' && source.shares];
    const code = { ...portCode(height, type, length, width), labels: [TRANSPORT] };
    const rows = source.kind === 'rows' ? height : 1;
    const bits = 32 * rows * waveletsOf(type, { length });
    return {
      name: TRANSPORT,
      kind: 'port',
      to: i + 1,
      from: i,
      source,
      colors,
      crossing: places[i].exit ? crossingCycles(wafer, bits) : 0,
      key: JSON.stringify([
        ...[TRANSPORT, path, what, colors],
        repair && [place.wafer, place.x, place.y],
      ]),
      write: () =>
        writeStage(
          TRANSPORT,
          source,
          place,
          code,
          colors,
          repair && ((box) => linkHopsOf(repair, wafer, box)),
        ),
    };
  });
  return { together: false, places, stages };
}
