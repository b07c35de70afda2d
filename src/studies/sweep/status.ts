/** What a store says of its sweep, without the configuration that it is of. */
import { ConfigError } from '../../config/errors.js';
import { parsed } from '../../config/json.js';
import type { SweepStore } from '../../store/sweep-store.js';
import { join } from 'node:path';
import type { SweepDocument } from './document.js';
import { readPlan } from './plan.js';
import type { FrozenPoint } from './point.js';
import { resultOf } from './results.js';
import { documentOf } from './sweep.js';

/** @throws ConfigError if there is no store, or its plan is damaged */
export function statusOf(store: SweepStore): SweepDocument {
  const text = store.read('plan.ndjson');
  if (text === undefined)
    throw new ConfigError(
      `${store.folder}: expected the store of a sweep, found no plan.ndjson in it`,
    );
  const plan = readPlan(join(store.folder, 'plan.yaml'));
  const points = text
    .trimEnd()
    .split('\n')
    .map((line, i) => {
      const point = parsed(line) as FrozenPoint | undefined;
      if (typeof point?.key === 'string' && point.axes !== undefined) return point;
      throw new ConfigError(
        `${join(store.folder, 'plan.ndjson')}:${i + 1}:1: expected a point, found a damaged line`,
      );
    });
  return documentOf(plan, points, (point) => resultOf(store, point));
}
