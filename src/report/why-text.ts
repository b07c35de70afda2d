/**
 * Why cores wait, in a few lines: what they wait for, the most first, and what the critical path of these operators is
 * spent on. What might help is named by the settings that it takes; none of that is simulated.
 */
import type { DecodeResult, PathEntry, PathKind, WaitResult, WaitsOn } from './document.js';
import { fixed, share } from './format.js';

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
const MOST = 3;

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

type Why = Pick<DecodeResult, 'waits' | 'criticalPath' | 'noCriticalPath'>;

/** The lines, without any of what a document does not say. */
export function whyLines({ waits = [], criticalPath, noCriticalPath }: Why): string[] {
  const outside = waits.filter(({ on }) => on === 'handOff' || on === 'otherToken');
  const inside = waits.filter((wait) => !outside.includes(wait));
  const ranked = inside.toSorted((a, b) => b.coreCycles - a.coreCycles).slice(0, MOST);
  const whole = sumOf(inside);
  const lines = ranked.map((wait) => {
    const { operator, on, coreCycles } = wait;
    const kinds = kindsOf(waitingIn(criticalPath, operator));
    const split = kinds === '' ? '' : `; of its wait on the critical path ${kinds}`;
    return `  ${share(coreCycles, whole).padStart(7)}  ${operator}: for ${WAITS_FOR[on]}${split}`;
  });
  const path =
    criticalPath === undefined
      ? noCriticalPath === undefined
        ? []
        : [`  critical path: none, ${noCriticalPath}`]
      : [`  critical path: ${kindsOf(criticalPath)}`];
  const helps = remedies(waits, ranked, criticalPath);
  return [
    ...outsideLine(outside, sumOf(waits)),
    ...lines,
    ...path,
    ...(helps === '' ? [] : [`  may help, not simulated: ${helps}`]),
  ];
}

function outsideLine(outside: readonly WaitResult[], whole: number): string[] {
  if (outside.length === 0) return [];
  const parts = (['handOff', 'otherToken'] as const).flatMap((on) => {
    const cycles = sumOf(outside.filter((wait) => wait.on === on));
    return cycles === 0 ? [] : [`${share(cycles, whole)} for ${WAITS_FOR[on]}`];
  });
  return [`  ${parts.join(', ')}; of the rest:`];
}

function sumOf(waits: readonly WaitResult[]): number {
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

/** What might help against the longest waits, each once. */
function remedies(
  waits: readonly WaitResult[],
  ranked: readonly WaitResult[],
  path: readonly PathEntry[] | undefined,
): string {
  const longest = waits.toSorted((a, b) => b.coreCycles - a.coreCycles).at(0);
  const kinds = ranked.flatMap(({ operator }) => byKind(waitingIn(path, operator)).slice(0, 1));
  const all = [
    ...(longest?.on === 'handOff' ? [FOR_TOKEN] : []),
    ...(longest?.on === 'otherToken' ? [REMEDIES.otherToken] : []),
    ...kinds.map(([kind]) => REMEDIES[kind]),
  ];
  return [...new Set(all)].slice(0, 2).join('; ');
}
