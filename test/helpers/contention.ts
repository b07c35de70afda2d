/** What happens in generated programs, counted by running them on the reference under observation. */
import type { Operation } from '../../src/program/program.js';
import type { Generated } from './generate.js';
import { observed } from './observe.js';

const KINDS = [
  'blocked wavelet',
  'full queue',
  'multicast',
  'route change',
  'back-pressure',
  'route hazard',
  'turned switch',
  'task',
  'machine error',
] as const;

export type Contention = Record<(typeof KINDS)[number] | 'programs', number>;

export function createContention(): Contention {
  const none = Object.fromEntries(KINDS.map((kind) => [kind, 0]));
  return { ...none, programs: 0 } as Contention;
}

/** Adds one program. What it does is counted up to where it fails, if it does. */
export function observeContention(counts: Contention, given: Generated): void {
  const { program, wafer, startAt } = given;
  const { result, error, blocked, full, turned } = observed({ program, wafer, startAt });
  const holds: Contention = {
    programs: 1,
    'blocked wavelet': Number(blocked > 0),
    'full queue': Number(full > 0),
    multicast: Number((result?.delivered ?? 0) > (result?.sent ?? 0)),
    'route change': Number(result !== undefined && changesRoutes(given)),
    'back-pressure': Number(result?.waitOutput.some((cycles) => cycles > 0) ?? false),
    'route hazard': Number((result?.routeHazards ?? 0) > 0),
    'turned switch': Number(turned),
    task: Number(result !== undefined && hasTasks(given)),
    'machine error': Number(error !== undefined),
  };
  for (const kind of ['programs', ...KINDS] as const) counts[kind] += holds[kind];
}

function changesRoutes({ program }: Generated): boolean {
  return program.roles.some((role) => role.operations.some(({ kind }) => kind === 'route'));
}

function hasTasks({ program }: Generated): boolean {
  const isTask = (op: Operation) => op.kind === 'vector' && op.by === 'task' && op.length > 0;
  return program.roles.some((role) => role.operations.some(isTask));
}

/** `300 programs, among them with a blocked wavelet: 214, ...`. */
export function contentionLine(counts: Contention): string {
  const parts = KINDS.map((kind) => `${kind} ${counts[kind]}`);
  return `${counts.programs} programs, among them with: ${parts.join(', ')}`;
}
