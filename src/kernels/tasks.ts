/** A collective as a library does it that is called: what takes wavelets is code that each of them activates. */
import { isFabric, type Operation, type Program } from '../program/program.js';

/** The program with a call at the start of every core, and tasks in place of operations that take wavelets. */
export function byTasks(program: Program): Program {
  const call: Operation = { kind: 'call', label: 0 };
  const known = new Map<Operation[], Operation[]>();
  const changed = (operations: Operation[]): Operation[] => {
    const before = known.get(operations);
    if (before !== undefined) return before;
    const after = operations.length === 0 ? [] : [call, ...operations.map(byTask)];
    known.set(operations, after);
    return after;
  };
  const roles = program.roles.map((role) => ({ ...role, operations: changed(role.operations) }));
  return { ...program, roles };
}

function byTask(op: Operation): Operation {
  const takes = op.kind === 'vector' && [op.a, op.b, op.c].some(isFabric);
  return takes ? { ...op, by: 'task' } : op;
}
