/**
 * How the simulated machine fails, the same for every engine: what can be seen of a program before it
 * runs, and the errors that name the cores, the colours and the cycle (machine-model section 4, rule 6).
 */
import { PORT_NAMES, RAMP, neighbour } from '../hardware/mesh.js';
import type { WaferSpec } from '../hardware/wafer.js';
import { firstUnwrittenRead } from '../program/memory-use.js';
import {
  MOST_SETTINGS,
  colorsOf,
  isFabric,
  selectsOf,
  settingsOf,
  sramBytesOf,
} from '../program/program.js';
import type { Operation, Program, Role, Route } from '../program/program.js';
import { LAST_CYCLE, LimitError, MachineError, type MachineErrorCode } from './engine.js';
import type { RunInput, Standing } from './engine.js';
import type { IndexFault } from './indexed.js';

/** One core's part in a failure: the colour, if it is about one, and what is wrong. */
export interface Failure {
  code: MachineErrorCode;
  core: number;
  color?: number;
  detail: string;
  /** Said once of all failures that have it, instead of their cores and details. */
  sentence?: string;
}

/** A core that waits for a wavelet of a colour, or for a slot to send one. */
export interface Waiter {
  core: number;
  color: number;
  for: 'input' | 'output';
  label: number;
}

/** A core at which wavelets of a colour wait, in its router or its own queue. */
export interface Waiting {
  core: number;
  color: number;
}

/** Of failures in one cycle the first of these is reported. */
const ORDER: MachineErrorCode[] = [
  'two-inputs',
  'bad-route',
  'bad-operation',
  'does-not-fit',
  'unwritten',
  'bad-index',
  'route-change',
];

/** How many cores a message describes; the error itself names them all. */
const EXAMPLES = 4;

/**
 * Checks what is wrong before the first cycle: initial routes and switches, operations, memory.
 * @throws MachineError 'two-inputs', 'bad-route', 'bad-operation' or 'does-not-fit', at cycle 0
 */
export function checkProgram(program: Program, wafer: WaferSpec): void {
  const failures: Failure[] = [];
  const ofRole = program.roles.map((role) => [
    ...role.operations.flatMap((op) => [...checkColors(op, wafer), ...checkForm(op)]),
    ...checkSwitches(role),
    ...checkMemory(role, wafer),
  ]);
  for (let core = 0; core < program.roleOf.length; core++) {
    const role = program.roleOf[core];
    for (const route of program.roles[role].routes)
      for (const setting of settingsOf(route))
        failures.push(...checkRoute(program, wafer, core, { color: route.color, ...setting }));
    for (const failure of ofRole[role]) failures.push({ ...failure, core });
  }
  if (failures.length > 0) throw machineError(program, 0, sumUpColors(program, wafer, failures));
}

/** Gives failures that use colours the fabric does not have one sentence, which says what would do. */
function sumUpColors(program: Program, wafer: WaferSpec, failures: Failure[]): Failure[] {
  const isMissing = ({ color }: Failure) => color !== undefined && !exists(color, wafer);
  const missing = failures.filter(isMissing);
  if (missing.length === 0) return failures;
  const { colors } = wafer.fabric;
  const most = missing.reduce((max, { color }) => Math.max(max, color!), -1);
  if (most < 0) return failures;
  const first = missing.reduce((least, { core }) => Math.min(least, core), Infinity);
  const sentence =
    `the program uses colour ${most} and the fabric has ${colors}, 0 to ${colors - 1} ` +
    `(first at core ${nameOf(program, first)}); hardware.fabric.colors=${most + 1} would do, or a smaller program`;
  return failures.map((failure) => (isMissing(failure) ? { ...failure, sentence } : failure));
}

/** What is wrong with a route that a core has or changes to; usually nothing. */
export function checkRoute(
  program: Program,
  wafer: WaferSpec,
  core: number,
  { color, inputs, outputs }: Route,
): Failure[] {
  const failures: Failure[] = [];
  const bad = (code: MachineErrorCode, detail: string) =>
    failures.push({ code, core, color, detail });
  if ((inputs & (inputs - 1)) !== 0) bad('two-inputs', `receives from ${portNames(inputs)}`);
  if (!exists(color, wafer)) bad('bad-route', `routes a colour of ${wafer.fabric.colors}`);
  for (let port = 0; port < RAMP; port++)
    if ((outputs & (1 << port)) !== 0 && neighbour(core, port, program.width, program.height) < 0)
      bad('bad-route', `sends ${PORT_NAMES[port]}, out of the rectangle`);
  return failures;
}

function exists(color: number, wafer: WaferSpec): boolean {
  return color >= 0 && color < wafer.fabric.colors;
}

function portNames(mask: number): string {
  return PORT_NAMES.filter((_, port) => (mask & (1 << port)) !== 0).join(' and ');
}

type RoleFailure = Omit<Failure, 'core'>;

/** Colours that an operation sends on or receives and the fabric does not have. */
function checkColors(op: Operation, wafer: WaferSpec): RoleFailure[] {
  return colorsOf(op)
    .filter((color) => !exists(color, wafer))
    .map((color) => ({
      code: 'bad-route',
      color,
      detail: `uses a colour that the fabric does not have (${wafer.fabric.colors})`,
    }));
}

const NONE: RoleFailure[] = [];

/**
 * What is wrong with an operation whatever the wafer: a task that nothing activates, a mark on nothing, a choice
 * among no tables, the rank of a cell among others.
 */
export function checkForm(op: Operation): RoleFailure[] {
  if (op.kind === 'rank' && !op.atLeast && !(op.own >= op.at && op.own < op.at + op.length))
    return [{ code: 'bad-operation', detail: 'ranks a cell that is not among those it ranks' }];
  if (!selectsOf(op).every(({ count }) => Number.isInteger(count) && count > 0))
    return [{ code: 'bad-operation', detail: 'selects one of no tables' }];
  if (op.kind !== 'vector' || (op.by === undefined && !op.advance)) return NONE;
  const details: string[] = [];
  if (op.by === 'task' && ![op.a, op.b, op.c].some(isFabric))
    details.push('has a task that no wavelet activates');
  if (op.advance && !(isFabric(op.dst) && op.length > 0))
    details.push('marks the last wavelet of an operation that sends none');
  return details.map((detail) => ({ code: 'bad-operation', detail }));
}

/** Switches with more settings than there can be, and changes of the route of a switch. */
export function checkSwitches({ routes, operations }: Role): RoleFailure[] {
  const switches = routes.filter((route) => settingsOf(route).length > 1);
  if (switches.length === 0) return [];
  const changed = new Set(operations.flatMap((op) => (op.kind === 'route' ? [op.color] : [])));
  const failures: RoleFailure[] = [];
  for (const route of switches) {
    const { color } = route;
    const count = settingsOf(route).length;
    const bad = (detail: string) => failures.push({ code: 'bad-route', color, detail });
    if (count > MOST_SETTINGS)
      bad(`has a switch of ${count} positions, of at most ${MOST_SETTINGS}`);
    if (changed.has(color)) bad('changes a route that has switch positions');
  }
  return failures;
}

function checkMemory(role: Role, wafer: WaferSpec): RoleFailure[] {
  const asked = sramBytesOf(role);
  const there = wafer.core.sramBytes;
  if (asked <= there) return [];
  return [{ code: 'does-not-fit', detail: `asks for ${asked} bytes of SRAM and has ${there}` }];
}

/** The operation of a role that first reads memory never written, or undefined. */
export function firstUnwritten(role: Role): { operation: number; detail: string } | undefined {
  const read = firstUnwrittenRead(role);
  if (read === undefined) return undefined;
  const buffer = role.buffers.find((b) => b.at <= read.cell && read.cell < b.at + b.length);
  const where = buffer === undefined ? 'outside its buffers' : `of '${buffer.name}'`;
  const detail = `reads cell ${read.cell} ${where}, never written, in operation ${read.operation}`;
  return { operation: read.operation, detail };
}

/** The failure of a core whose operation takes a wrong index. */
export function indexFailure(program: Program, { core, operation, detail }: IndexFault): Failure {
  const { label } = program.roles[program.roleOf[core]].operations[operation];
  const where = `in operation ${operation} of '${program.labels[label]}'`;
  return { code: 'bad-index', core, detail: `${detail}, ${where}` };
}

/** The error for what failed in one cycle: all cores and colours of the gravest kind. */
export function machineError(program: Program, cycle: number, failures: Failure[]): MachineError {
  const code = ORDER.find((kind) => failures.some((failure) => failure.code === kind))!;
  const named = failures.filter((failure) => failure.code === code).sort(byCore);
  return errorOf(code, cycle, code === 'does-not-fit' ? named.slice(0, 1) : named, (failure) => {
    if (failure.sentence !== undefined) return failure.sentence;
    const about = failure.color === undefined ? '' : ` (colour ${failure.color})`;
    return `core ${nameOf(program, failure.core)} ${failure.detail}${about}`;
  });
}

/** The error for cores that will never be done; `cycle` is the first in which nothing moves. */
export function deadlock(program: Program, cycle: number, waiters: Waiter[]): MachineError {
  return errorOf('deadlock', cycle, waiters.toSorted(byCore), (waiter) => waits(program, waiter));
}

function waits(program: Program, { core, color, label, ...waiter }: Waiter): string {
  const need = waiter.for === 'input' ? 'input on' : 'room to send on';
  const operator = program.labels[label];
  return `core ${nameOf(program, core)} waits for ${need} colour ${color} in '${operator}'`;
}

/** The error for a program that is not over by cycle `maxCycles`. */
export function notOver({ program, name, maxCycles }: RunInput, standing: Standing[]): LimitError {
  const what = `'${name ?? program.name}' is not over in cycle ${maxCycles}, its limit`;
  return new LimitError(`${what}: ${standingText(program, standing)}`, maxCycles);
}

/** Which core waits for which: the first cores that are in a stream, or else some that are busy. */
export function standingText(program: Program, standing: Standing[]): string {
  const waiters = standing.flatMap(({ core, label, receives, sends }): Waiter[] => [
    ...receives.map((color) => ({ core, label, color, for: 'input' as const })),
    ...sends.map((color) => ({ core, label, color, for: 'output' as const })),
  ]);
  if (waiters.length > 0) return linesOf(waiters.map((waiter) => waits(program, waiter)));
  const busy = standing.map(({ core, label }) => {
    return `core ${nameOf(program, core)} is busy in '${program.labels[label]}'`;
  });
  return busy.length > 0 ? `no core waits, ${linesOf(busy)}` : 'no core waits or is busy';
}

/** The error for a run whose times can no longer be counted. */
export function tooLong(program: Program): MachineError {
  const message = `too-long: '${program.name}' runs beyond cycle ${LAST_CYCLE} (2^53 - 1), the last that can be counted exactly`;
  return new MachineError('too-long', { cycle: LAST_CYCLE, cores: [], colors: [] }, message);
}

/** The error for wavelets that no core took; each core and colour where some wait. */
export function leftOver(program: Program, cycle: number, waiting: Waiting[]): MachineError {
  return errorOf('left-over', cycle, waiting.toSorted(byCore), ({ core, color }) => {
    return `wavelets of colour ${color} wait at core ${nameOf(program, core)}`;
  });
}

interface Named {
  core: number;
  color?: number;
}

function byCore(a: Named, b: Named): number {
  return a.core - b.core || (a.color ?? -1) - (b.color ?? -1);
}

function errorOf<T extends Named>(
  code: MachineErrorCode,
  cycle: number,
  named: T[],
  describe: (of: T) => string,
): MachineError {
  const cores = rising(named.map(({ core }) => core));
  const colors = rising(named.flatMap(({ color }) => (color === undefined ? [] : [color])));
  const message = `${code} in cycle ${cycle}: ${linesOf(named.map(describe))}`;
  return new MachineError(code, { cycle, cores, colors }, message);
}

/** The first of some lines, each said once. */
function linesOf(all: string[]): string {
  const lines = [...new Set(all)];
  const more = lines.length > EXAMPLES ? `; and ${lines.length - EXAMPLES} more` : '';
  return `${lines.slice(0, EXAMPLES).join('; ')}${more}`;
}

function rising(numbers: number[]): number[] {
  return [...new Set(numbers)].sort((a, b) => a - b);
}

function nameOf(program: Program, core: number): string {
  return `(${core % program.width},${Math.floor(core / program.width)})`;
}
