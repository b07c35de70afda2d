/**
 * Why cores wait, in a few lines: what they wait for, the most first, and what the critical path of these operators is
 * spent on. What might help is named by the settings that it takes; none of that is simulated.
 */
import type { DecodeResult, PathEntry, PathKind, WaitResult, WaitsOn } from './document.js';
import { count, fixed, share } from './numbers.js';

export const WAITS_FOR: Record<WaitsOn, string> = {
  line: 'a wavelet',
  credit: 'a slot to send',
  handOff: 'the token to be handed on',
  otherToken: "other users' tokens",
};

export const PATH_KINDS: Record<PathKind, string> = {
  compute: 'compute',
  setup: 'set-up',
  flight: 'flight',
  arbitration: 'arbitration',
  credit: 'credits',
  handOff: 'between wafers',
  otherToken: "other users' tokens",
};

/** How many are told one by one. */
const MOST = 2;

/** The settings that might help, by what is waited for. */
const REMEDIES: Record<PathKind, string> = {
  compute: 'other sizes of regions (placement.growth=search)',
  setup: 'trees of fewer relays (placement.groups)',
  flight: 'shorter lines (placement.rows) or other trees (placement.groups)',
  arbitration: 'another placement (placement.strategy)',
  credit: 'deeper queues (hardware.fabric.queueDepth)',
  handOff: 'fewer wafers (hardware.wafers)',
  otherToken: 'fewer users at once (workload.batch)',
};
const FOR_TOKEN = 'more users, whose tokens fill the wait (workload.batch)';

type Why = Pick<DecodeResult, 'waits' | 'criticalPath' | 'noCriticalPath' | 'turns'>;

/** What a part about it is called: with the share of waiting before stages. */
export function whyTitle({ waits = [] }: Why): string {
  const parts = OUTSIDE.flatMap((on) => {
    const cycles = sumOf(waits.filter((wait) => wait.on === on));
    return cycles === 0 ? [] : [`${share(cycles, sumOf(waits))} for ${WAITS_FOR[on]}`];
  });
  const title = 'Why cores wait';
  return parts.length === 0 ? title : `${title}: ${parts.join(', ')}; of the rest`;
}

/** The lines after that, without any of what a document does not say. */
export function whyLines({ waits = [], criticalPath, noCriticalPath, turns }: Why): string[] {
  const inside = insideOf(waits);
  const whole = sumOf(inside);
  const lines = longestOf(inside).map(({ operator, on, coreCycles }) => {
    const kinds = kindsOf(waitingIn(criticalPath, operator));
    const split = kinds === '' ? '' : `; of its wait on the critical path ${kinds}`;
    return `  ${share(coreCycles, whole).padStart(7)}  ${operator}: for ${WAITS_FOR[on]}${split}`;
  });
  if (criticalPath) lines.push(`  critical path: ${kindsOf(criticalPath)}`);
  else if (noCriticalPath !== undefined) lines.push(`  critical path: none, ${noCriticalPath}`);
  if (turns) lines.push(`  turns differ: ${turnsText(turns)}`);
  return lines;
}

/** How long they are, and which one is described. */
function turnsText(turns: NonNullable<Why['turns']>): string {
  const cycles = turns.map((turn) => turn.cycles);
  const described = turns.findIndex((turn) => turn.described);
  return `${count(Math.min(...cycles))} to ${count(Math.max(...cycles))} cycles; all this is of number ${described + 1} of ${turns.length} (decode.turns)`;
}

/** Before stages, and in them. */
const OUTSIDE = ['handOff', 'otherToken'] as const satisfies WaitsOn[];

function insideOf(waits: readonly WaitResult[]): WaitResult[] {
  return waits.filter(({ on }) => on === 'line' || on === 'credit');
}

function longestOf(waits: readonly WaitResult[]): WaitResult[] {
  return waits.toSorted((a, b) => b.coreCycles - a.coreCycles).slice(0, MOST);
}

export function sumOf(waits: readonly WaitResult[]): number {
  return waits.reduce((sum, { coreCycles }) => sum + coreCycles, 0);
}

/** The part of an operator's path in which nothing is computed. */
function waitingIn(path: readonly PathEntry[] = [], operator: string): PathEntry[] {
  return path.filter((entry) => entry.operator === operator && entry.kind !== 'compute');
}

/** Cycles by kind, the most first. */
function byKind(path: readonly PathEntry[]): [PathKind, number][] {
  const cycles = new Map<PathKind, number>();
  for (const entry of path) cycles.set(entry.kind, (cycles.get(entry.kind) ?? 0) + entry.cycles);
  return [...cycles].toSorted((a, b) => b[1] - a[1]);
}

/** `62 % flight, 38 % set-up`. */
export function kindsOf(path: readonly PathEntry[]): string {
  const all = byKind(path);
  const whole = all.reduce((sum, [, cycles]) => sum + cycles, 0);
  return all
    .map(([kind, cycles]) => `${percentOf(cycles, whole)} % ${PATH_KINDS[kind]}`)
    .join(', ');
}

function percentOf(part: number, whole: number): string {
  const percent = fixed((100 * part) / whole, 0);
  return percent === '0' ? '< 1' : percent;
}

/** What might help against the longest waits, each once; none of it is simulated. */
export function remedyLine({ waits = [], criticalPath }: Why): string {
  const [longest] = waits.toSorted((a, b) => b.coreCycles - a.coreCycles);
  const kinds = longestOf(insideOf(waits)).flatMap(({ operator }) =>
    byKind(waitingIn(criticalPath, operator)).slice(0, 1),
  );
  const all = [
    ...(longest?.on === 'handOff' ? [FOR_TOKEN] : []),
    ...(longest?.on === 'otherToken' ? [REMEDIES.otherToken] : []),
    ...kinds.map(([kind]) => REMEDIES[kind]),
  ];
  return all.length === 0 ? '' : `may help, not simulated: ${[...new Set(all)].join('; ')}`;
}
