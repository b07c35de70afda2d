/**
 * Some words that one core sends to another, of the same wafer or of another: drafted tokens to the core that has
 * them verified, and what was accepted back. Between wafers they take the path of a chosen token, by a port. So they
 * do to the host and back.
 */
import { linkHopsOf, repairOf } from '../hardware/defects.js';
import type { WaferSpec } from '../hardware/wafer.js';
import type { FloatType } from '../numeric/types.js';
import { waveletsOf } from '../program/exchange.js';
import type { Source } from './core-writer.js';
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
  const colored = colorHandOffs(wafer, [...others, ...sent]).slice(others.length);
  const stages = colored.map(({ source, place, colors }, i): StagePlan => {
    const repair = repairOf(wafer, place.wafer);
    const { core: sender } = source as Source & { kind: 'token' };
    const path = [sender.x - place.x, sender.y - place.y];
    const code = { ...portCode(1, TYPE, words[i]), labels: [TRANSPORT] };
    return {
      name: TRANSPORT,
      kind: 'port',
      to: i + 1,
      from: i,
      source,
      colors,
      crossing: places[i].exit ? crossingCycles(wafer, bitsOf(words[i])) : 0,
      key: JSON.stringify([TRANSPORT, path, words[i], repair && [place.wafer, place.x, place.y]]),
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
