/** What a player says in words: a cycle, a core and its queues. Screen readers have all of it, and no picture. */
import { PORT_NAMES, RAMP } from '../../hardware/mesh.js';
import { CORE_QUEUE, IDLE, STATES, type Recording } from '../../recording/recording.js';
import type { Moment } from '../../recording/replay.js';

type State = (typeof STATES)[number];

/** Of one core, and of several. */
const DOES: Record<State, [one: string, several: string]> = {
  setup: ['sets up', 'set up'],
  compute: ['computes', 'compute'],
  waitInput: ['waits for a wavelet', 'wait for a wavelet'],
  waitOutput: ['waits for a slot to send', 'wait for a slot to send'],
  idle: ['is idle', 'are idle'],
};

export const STATE_TITLES: Record<State, string> = {
  compute: 'computes',
  setup: 'sets up',
  waitInput: 'waits for a wavelet',
  waitOutput: 'waits for a slot',
  idle: 'idle',
};

const NUMBER = new Intl.NumberFormat('en-US');
export const number = (value: number): string => NUMBER.format(value);

/** All cores in a cycle, and what is on the links. */
export function cycleText({ cycle, state, held }: Moment): string {
  const counts = STATES.map(() => 0);
  for (const of of state) counts[of]++;
  const cores = STATES.flatMap((name, of) => {
    if (counts[of] === 0) return [];
    return [`${number(counts[of])} ${DOES[name][counts[of] === 1 ? 0 : 1]}`];
  });
  let flying = 0;
  for (const { port, ready } of held)
    if (port < RAMP) flying += ready.filter((at) => at > cycle).length;
  const wavelets = flying === 1 ? '1 wavelet' : `${number(flying)} wavelets`;
  return `Cycle ${number(cycle)}: of ${number(state.length)} cores ${cores.join(', ')}; ${wavelets} on links.`;
}

export function nameOfCore({ width }: Recording, core: number): string {
  return `Core ${core % width}, ${Math.floor(core / width)}`;
}

/** The operation that a core is at, with its number; or that it has none. */
export function operationText(recording: Recording, { operation, state }: Moment, core: number) {
  const list = listOf(recording, core);
  const at = operation[core];
  if (list.length === 0) return 'no program';
  if (at === list.length) return 'its program is over';
  if (at === 0 && state[core] === IDLE) return 'its program has not begun';
  return `operation ${at}: ${list[at]}`;
}

/** The operations of a core's program. */
export function listOf({ roles, roleOf, lists }: Recording, core: number): string[] {
  return lists[roles[roleOf[core]].list];
}

/** What a queue is called at its router. */
export function queueName(port: number): string {
  if (port === CORE_QUEUE) return 'to the core';
  return PORT_NAMES[port] === 'ramp' ? 'from the core' : `from the ${PORT_NAMES[port]}`;
}

/** A queue of a core that holds something. */
export interface Fill {
  port: number;
  color: number;
  /** Wavelets that stand in it, and that are on their way to it: each has a slot of the queue. */
  stands: number;
  comes: number;
}

/** The queues of a core that hold something, by port and colour. */
export function fillsOf({ cycle, held }: Moment, core: number): Fill[] {
  return held.flatMap(({ core: of, port, color, ready }) => {
    if (of !== core) return [];
    const stands = ready.filter((at) => at <= cycle).length;
    return [{ port, color, stands, comes: ready.length - stands }];
  });
}

function fillText({ queueDepth }: Recording, { port, color, stands, comes }: Fill): string {
  const coming = comes === 0 ? '' : ` and ${comes} on the way`;
  return `${queueName(port)} colour ${color}: ${stands} of ${queueDepth}${coming}`;
}

export function fillsText(recording: Recording, fills: readonly Fill[]): string {
  if (fills.length === 0) return 'queues empty';
  return fills.map((fill) => fillText(recording, fill)).join('; ');
}

/** What a core does, in a line. */
export function coreText(recording: Recording, moment: Moment, core: number): string {
  const [does] = DOES[STATES[moment.state[core]]];
  const queues = fillsText(recording, fillsOf(moment, core));
  return `${nameOfCore(recording, core)} ${does} · ${operationText(recording, moment, core)} · ${queues}`;
}

export const CORE_HEAD = ['core', 'state', 'operation', 'queues'];

/** A row for each core, as of CORE_HEAD. */
export function coreRows(recording: Recording, moment: Moment): string[][] {
  return Array.from(moment.state, (state, core) => [
    nameOfCore(recording, core).slice('Core '.length),
    STATE_TITLES[STATES[state]],
    operationText(recording, moment, core),
    fillsText(recording, fillsOf(moment, core)),
  ]);
}

/** What is missing of a recording, if something is. */
export function cutText({ cut, to, from }: Recording): string {
  if (cut === undefined) return '';
  const why = cut === 'cycles' ? 'as many cycles as are kept' : 'as many bytes as are kept';
  return `Recorded are its first ${number(to - from)} cycles, ${why}; the program goes on after that.`;
}

/** One stretch of the critical path: what it is spent on, from `from` up to `to`. */
export interface PathStep {
  operator: string;
  what: string;
  x: number;
  y: number;
  from: number;
  to: number;
}

export function stepText({ operator, what, x, y, from, to }: PathStep): string {
  return `${what} of ${operator} at core ${x}, ${y}, cycles ${number(from)} to ${number(to - 1)}`;
}
