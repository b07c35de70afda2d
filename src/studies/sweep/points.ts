/** The points of a plan: every combination of its axes but those excluded, each resolved and keyed. */
import { sha256Of } from '../../config/json.js';
import { textOfSetting, type Setting } from '../../config/tree.js';
import { ConfigError } from '../../config/errors.js';
import { familyOf } from '../../decode/sharing.js';
import { isEqual, type Plan } from './plan.js';
import { loadPoint, type AxisValue, type FrozenPoint } from './point.js';

interface Combination {
  axes: Record<string, AxisValue>;
  settings: Setting[];
}

/** A point, and the numbers of what it has in common with others: hardware, model, all but places. */
export interface PlannedPoint extends FrozenPoint {
  neighbours: readonly [hardware: number, model: number, family: number];
}

/**
 * Resolves all points of a plan, in its order.
 * @param pause lets others in between two points, and throws to give up
 * @throws ConfigError one line on the first problem, with its file and line
 */
export async function pointsOf(
  plan: Plan,
  pause: (done: number, total: number) => Promise<void>,
): Promise<PlannedPoint[]> {
  const all = combinationsOf(plan);
  const numbers = [numbering(), numbering(), numbering()];
  const points: PlannedPoint[] = [];
  for (const [index, { axes, settings }] of all.entries()) {
    await pause(index, all.length);
    const { config, key, version, files } = loadPoint(plan.base, settings);
    const common = [config.wafer, config.model, familyOf(config, config.placement.groups)];
    const [hardware, model, family] = common.map((of, i) => numbers[i](sha256Of(of)));
    points.push({
      ...{ index, key, version, axes },
      settings: settings.map(textOfSetting),
      files,
      neighbours: [hardware, model, family],
    });
  }
  return points;
}

/** What plan.ndjson holds of a point. */
export function frozen({ neighbours: _, ...point }: PlannedPoint): FrozenPoint {
  return point;
}

/** Points with a key of their own, the first of each, neighbours next to each other. */
export function inOrder(points: readonly PlannedPoint[]): PlannedPoint[] {
  const first = new Map(points.toReversed().map((point) => [point.key, point]));
  return [...first.values()].sort((a, b) => {
    const at = a.neighbours.findIndex((of, i) => of !== b.neighbours[i]);
    return at < 0 ? a.index - b.index : a.neighbours[at] - b.neighbours[at];
  });
}

function combinationsOf({ axes, set, exclude, excludedAt }: Plan): Combination[] {
  const all = axes.reduce<Combination[]>(
    (before, { paths, steps, settings }) =>
      before.flatMap((point) =>
        steps.map((values, step) => ({
          axes: { ...point.axes, ...Object.fromEntries(paths.map((path, i) => [path, values[i]])) },
          settings: [...point.settings, ...settings[step]],
        })),
      ),
    [{ axes: {}, settings: set }],
  );
  const left = all.filter(
    (point) =>
      !exclude.some((entry) =>
        Object.entries(entry).every(([path, value]) => isEqual(point.axes[path], value)),
      ),
  );
  if (left.length === 0)
    throw new ConfigError(
      `${excludedAt}: exclude: expected to leave a point, found all ${all.length} of them excluded`,
    );
  return left;
}

/** Numbers things in the order in which they come. */
function numbering(): (of: string) => number {
  const known = new Map<string, number>();
  return (of) => {
    const number = known.get(of) ?? known.size;
    known.set(of, number);
    return number;
  };
}
