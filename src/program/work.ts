/** Sums over a role's operations, by the cost table. */
import type { CostTable } from '../hardware/wafer.js';
import type { Program, Role } from './program.js';
import { timeOf } from './timing.js';

/**
 * Longest time in cycles that a core of the program works before it first waits for the fabric: its
 * start, and everything up to the set-up of its first operation that sends or receives.
 */
export function preparationOf(program: Program, costs: CostTable): number {
  return Math.max(0, ...distinct(program.roles).map((role) => roleWork(role, costs).before));
}

/** Core-cycles that all cores spend in special functions (exp, SiLU, roots, reciprocals). */
export function specialCyclesOf(program: Program, costs: CostTable): number {
  const byOperations = new Map(
    distinct(program.roles).map((r) => [r.operations, roleWork(r, costs).special]),
  );
  const special = program.roles.map((role) => byOperations.get(role.operations)!);
  return program.roleOf.reduce((sum, role) => sum + special[role], 0);
}

/** Roles often share their operations and differ in routes. */
function distinct(roles: Role[]): Role[] {
  return [...new Map(roles.map((role) => [role.operations, role])).values()];
}

function roleWork(role: Role, costs: CostTable): { before: number; special: number } {
  let before = costs.programStart;
  let special = 0;
  let waited = false;
  for (const op of role.operations) {
    const time = timeOf(op, costs);
    if (!waited) before += time.setup + time.cycles;
    waited ||= time.source >= 0 || time.destination >= 0;
    if (op.kind === 'special') special += time.cycles;
  }
  return { before, special };
}
