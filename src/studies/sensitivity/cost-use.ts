/**
 * Which costs of the hardware a decode step consults: those of the operations of its stages, and of the
 * lines tried for them. What none of them consults cannot change its cycles.
 */
import type { ResolvedConfig } from '../../config.js';
import type { CostTable } from '../../hardware/wafer.js';
import type { Placement } from '../../placement/placement.js';
import { timeOf, operationsOf, preparationOf } from '../../program/timing.js';
import { valueAt } from '../../report/format.js';
import type { KnownSteps } from '../../decode/known-steps.js';
import { loweredOf } from '../../decode/lowered.js';
import { draftedBeyond, inFlightOf } from '../../decode/positions.js';
import type { Runner } from '../../decode/runner.js';
import { draftConfigOf } from '../../decode/speculation/draft.js';
import type { InFlight } from '../../lowering/in-flight.js';

/**
 * Paths of the costs, `setup.f16`, that a step with `context` tokens in the cache consults.
 * @param steps where those that are lowered for that are kept
 */
export async function costsOfStep(
  config: ResolvedConfig,
  placement: Placement,
  context: number,
  runner: Runner,
  steps?: KnownSteps,
): Promise<Set<string>> {
  const { wafer } = config;
  const read = new Set<string>();
  const watched = { ...wafer, costs: watch(wafer.costs, '', read) };
  const maxPositions = context + 1 + draftedBeyond(config.workload);
  const of = inFlightOf(config);
  const planned = async (
    model: ResolvedConfig,
    on: Placement,
    inFlights: (InFlight | undefined)[],
  ) => {
    const lowered = await loweredOf({ ...model, wafer: watched }, on, maxPositions, runner, {
      ...(steps && { steps }),
    });
    return inFlights.flatMap(
      (inFlight) => lowered.plan({ context, maxPositions, ...(inFlight && { inFlight }) }).stages,
    );
  };
  const ends = of === 1 ? [] : [0, of - 1].map((index) => ({ index, of }));
  const drafting = draftConfigOf(config);
  const stages = [
    ...(await planned(config, placement, [undefined, ...ends])),
    ...(drafting && placement.draft
      ? await planned(
          drafting,
          placement.draft.placement,
          ends.map((end) => ({ ...end, drafts: true })),
        )
      : []),
  ];
  const distinct = new Map(stages.map((stage) => [stage.key, stage]));
  for (const stage of distinct.values()) {
    await runner.pause();
    const { program } = stage.write();
    preparationOf(program, watched.costs);
    for (const list of operationsOf(program.roles))
      for (const op of list) timeOf(op, watched.costs);
  }
  return read;
}

/** The costs at these paths. */
export function costsAt(costs: CostTable, paths: Iterable<string>): Record<string, unknown> {
  return Object.fromEntries([...paths].toSorted().map((path) => [path, valueAt(costs, path)]));
}

/** The same values, writing down which numbers are looked at. */
function watch<T extends object>(values: T, prefix: string, read: Set<string>): T {
  return new Proxy(values, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key);
      const path = `${prefix}${String(key)}`;
      if (typeof value === 'object' && value !== null) return watch(value, `${path}.`, read);
      read.add(path);
      return value;
    },
  });
}
