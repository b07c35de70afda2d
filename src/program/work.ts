/** Sums over roles' operations, by the cost table. */
import type { CostTable } from '../hardware/wafer.js';
import type { Operation, Program, Role } from './program.js';
import { timeOf } from './timing.js';

/**
 * Longest time in cycles that a core of the program works before it first waits for the fabric: its
 * start, and everything up to the set-up of its first operation that sends or receives.
 */
export function preparationOf({ roles }: Program, costs: CostTable): number {
  return [...operationsOf(roles)].reduce((most, list) => Math.max(most, before(list, costs)), 0);
}

function before(list: Operation[], costs: CostTable): number {
  let cycles = costs.programStart;
  for (const op of list) {
    const time = timeOf(op, costs);
    cycles += time.setup + time.cycles;
    if (time.source >= 0 || time.destination >= 0) break;
  }
  return cycles;
}

/** Core-cycles that all cores spend in special functions (exp, SiLU, roots, reciprocals). */
export function specialCyclesOf({ roles, roleOf }: Program, costs: CostTable): number {
  const byList = new Map<Operation[], number>();
  for (const list of operationsOf(roles)) byList.set(list, special(list, costs));
  const byRole = roles.map((role) => byList.get(role.operations)!);
  let sum = 0;
  for (const role of roleOf) sum += byRole[role];
  return sum;
}

function special(list: Operation[], costs: CostTable): number {
  return list.reduce(
    (sum, op) => (op.kind === 'special' ? sum + timeOf(op, costs).cycles : sum),
    0,
  );
}

/** The distinct lists of operations: roles often share theirs and differ in routes. */
export function operationsOf(roles: Role[]): Set<Operation[]> {
  return new Set(roles.map((role) => role.operations));
}
