/**
 * The metrics of a run, of a served scenario and of a kernel, each defined once: text, HTML, compare,
 * bench and its exports read them here. The lists say which of them an output shows, and in which order.
 */
import type { CyclesByCause, KernelDocument, RegionResult, RunDocument } from './document.js';
import { bytes, count, fixed } from './numbers.js';
import type { CostParts } from '../serving/cost.js';
import type { AnyRun, ServingResult } from './serving-document.js';
import { speculativeSpeed } from './speculation-text.js';

export interface Metric<Of> {
  /** What a table calls it. */
  title: string;
  /** Of the bare number, as benchmarks state it. */
  unit: string;
  better: 'lower' | 'higher';
  /** The number; undefined where a document has none, null or NaN where it is that of no request. */
  of: (document: Of) => number | null | undefined;
  /** The number as a table shows it, with its unit unless that stands in the title. */
  text: (value: number) => string;
}

const lower = metrics('lower');
const higher = metrics('higher');

/** Of a run: its last decode step, its placement and its fabric. */
export const METRICS = {
  cyclesPerToken: lower('cycles per token', 'cycles', count, (run) => run.decode.cyclesPerToken),
  tokensPerSecondPerUser: higher(
    'tokens/s per user',
    'tokens/s',
    digits(1),
    (run) => run.decode.tokensPerSecondPerUser,
  ),
  tokensPerSecond: higher(
    'tokens/s, all users',
    'tokens/s',
    digits(1),
    (run) => run.decode.tokensPerSecond,
  ),
  tpotMs: lower(
    'TPOT',
    'ms',
    (ms) => `${fixed(ms, 3)} ms`,
    (run) => run.decode.tpotMs,
  ),
  // Links between each region and the next of a token's path, the path back included.
  handOffHops: lower('hand-off hops', 'hops', count, (run) => handOffHops(run.placement.regions)),
  // What the breakdown gives to hand-offs, and to the chosen token's path back.
  handOffCycles: lower('hand-off cycles', 'cycles', count, (run) => cyclesOf(run, 'hand-off')),
  tokenCycles: lower('path back, cycles', 'cycles', count, (run) => cyclesOf(run, 'token')),
  waveletHops: lower('wavelet-hops', 'wavelet-hops', count, (run) => run.fabric.waveletHops),
  peakLinkUtilization: lower(
    'busiest link',
    'share',
    (share) => `${fixed(100 * share, 3)} %`,
    (run) => run.fabric.peakLinkUtilization,
  ),
  sramPeakBytesPerCore: lower(
    'SRAM, fullest core',
    'B',
    bytes,
    (run) => run.placement.sramPeakBytesPerCore,
  ),
  sramUsedBytes: lower('SRAM, all cores', 'B', bytes, (run) => run.placement.sramUsedBytes),
  coresUsed: lower('cores used', 'cores', count, (run) => run.placement.coresUsed),
  wafers: lower('wafers', 'wafers', count, ({ placement: { wafers, regions } }) => {
    return wafers ?? 1 + Math.max(...regions.map(({ wafer }) => wafer));
  }),
  // With drafted tokens; how many of them are right may be assumed.
  cyclesPerRound: lower(
    'cycles per round',
    'cycles',
    count,
    (run) => run.decode.speculation?.cyclesPerRound,
  ),
  speculativeTokensPerSecondPerUser: higher(
    'tokens/s per user, speculative',
    'tokens/s',
    digits(1),
    ({ decode: { speculation } }) => speculation && speculativeSpeed(speculation),
  ),
  // Where prices are given, of what is served or decoded: a million output tokens, on systems of one's own or rented.
  ownedUsdPerMillionTokens: lower('USD per million tokens, owned', 'USD', digits(3), (run) =>
    costOf(run, 'owned'),
  ),
  rentedUsdPerMillionTokens: lower('USD per million tokens, rented', 'USD', digits(3), (run) =>
    costOf(run, 'rented'),
  ),
  // Not the error, whose last bits may differ where those of exp and pow do.
  checkPassed: higher('check passed', '1 if yes', count, ({ check }) => {
    return check && (check.passed === false ? 0 : 1);
  }),
} satisfies Record<string, Metric<RunDocument>>;

export type MetricKey = keyof typeof METRICS;

/** Speeds of a step by itself: next to what was served they would be taken for that. */
export const SPEEDS = ['tokensPerSecondPerUser', 'tokensPerSecond'] as const;

/** What a run begins with, as text and as a page; in lines, what stands before the value and after it. */
export const HEADLINE: readonly [MetricKey, before: string, after: string][] = [
  ['tokensPerSecondPerUser', 'per user', ' tokens/s'],
  ['tokensPerSecond', 'throughput', ' tokens/s, all users together'],
  ['tpotMs', 'TPOT', ''],
  ['cyclesPerToken', 'per token', ' cycles'],
];

/** What tables call the causes of core-cycles, in their order. */
export const CAUSES: [keyof CyclesByCause, title: string][] = [
  ['compute', 'compute'],
  ['setup', 'set-up'],
  ['waitInput', 'wait for input'],
  ['waitOutput', 'wait for output'],
  ['idle', 'idle'],
];

/** Each a row of a comparison and a field of its document. */
export const COMPARED = [
  'cyclesPerToken',
  ...SPEEDS,
  'handOffHops',
  'handOffCycles',
  'tokenCycles',
  'waveletHops',
  'peakLinkUtilization',
  'sramPeakBytesPerCore',
  'sramUsedBytes',
  'coresUsed',
  'wafers',
] as const satisfies readonly MetricKey[];

/** In benchmarks, after the cycles per token and the speeds. */
export const BENCHED = [
  'waveletHops',
  'sramPeakBytesPerCore',
  'wafers',
  'cyclesPerRound',
  'speculativeTokensPerSecondPerUser',
  'checkPassed',
] as const satisfies readonly MetricKey[];

/** Of a scenario that was served. */
export const SERVED = {
  outputSpeedP50: higher(
    'tokens/s per user, p50',
    'tokens/s',
    digits(1),
    (served) => served.outputSpeed.p50,
  ),
  outputThroughput: higher(
    'tokens/s, all users',
    'tokens/s',
    digits(1),
    (served) => served.outputThroughput,
  ),
  requestGoodput: higher(
    'goodput, requests/s',
    'requests/s',
    digits(2),
    (served) => served.requestGoodput,
  ),
  ttftP50Ms: lower('TTFT p50, ms', 'ms', digits(2), (served) => served.ttftMs.p50),
  ttftP99Ms: lower('TTFT p99, ms', 'ms', digits(2), (served) => served.ttftMs.p99),
  tpotP50Ms: lower('TPOT p50, ms', 'ms', digits(3), (served) => served.tpotMs.p50),
  tpotP99Ms: lower('TPOT p99, ms', 'ms', digits(3), (served) => served.tpotMs.p99),
  e2elP50Ms: lower('E2EL p50, ms', 'ms', digits(2), (served) => served.e2elMs.p50),
  e2elP99Ms: lower('E2EL p99, ms', 'ms', digits(2), (served) => served.e2elMs.p99),
  joulesPerOutputToken: lower(
    'J per output token',
    'J',
    digits(3),
    (served) => served.energy.joulesPerOutputToken,
  ),
} satisfies Record<string, Metric<ServingResult>>;

/** In benchmarks of what is served, in place of a step's own speeds. */
export const BENCHED_SERVED = [
  'outputSpeedP50',
  'outputThroughput',
  'ttftP99Ms',
  'tpotP99Ms',
] as const satisfies readonly (keyof typeof SERVED)[];

/** Of a kernel, all of them in benchmarks. */
export const KERNEL_METRICS = {
  cycles: lower('cycles', 'cycles', count, (kernel) => kernel.cycles),
  waveletHops: lower('wavelet-hops', 'wavelet-hops', count, (kernel) => kernel.fabric.waveletHops),
} satisfies Record<string, Metric<KernelDocument>>;

/** Units of metrics that are whole numbers. */
const WHOLE = new Set(['cycles', 'hops', 'wavelet-hops', 'B', 'cores', 'wafers', '1 if yes']);

/** What the numbers of a metric are, in files of results. */
export function metricType({ unit }: Pick<Metric<never>, 'unit'>): 'integer' | 'number' {
  return WHOLE.has(unit) ? 'integer' : 'number';
}

/** A metric of a document as a table shows it; `-` where there is none. */
export function textOf<Of>({ of, text }: Metric<Of>, document: Of): string {
  const value = of(document) ?? NaN;
  return Number.isFinite(value) ? text(value) : '-';
}

function metrics(better: 'lower' | 'higher') {
  return <Of>(
    title: string,
    unit: string,
    text: Metric<Of>['text'],
    of: Metric<Of>['of'],
  ): Metric<Of> => ({ title, unit, better, of, text });
}

function digits(many: 1 | 2 | 3) {
  return (value: number) => fixed(value, many);
}

function costOf({ cost, serving }: AnyRun, part: keyof CostParts): number | undefined {
  return (serving?.cost ?? cost)?.usdPerMillionOutputTokens[part];
}

function cyclesOf({ decode }: RunDocument, operator: string): number {
  return decode.breakdown[operator]?.cycles ?? 0;
}

/** Links between the nearest cores of each region and the next, and of the last and the first. */
export function handOffHops(regions: RegionResult[]): number {
  if (regions.length < 2) return 0;
  return regions.reduce((sum, region, i) => {
    const next = regions[(i + 1) % regions.length];
    return sum + (region.wafer === next.wafer ? linksBetween(region, next) : 0);
  }, 0);
}

function linksBetween(a: RegionResult, b: RegionResult): number {
  const gap = (a0: number, aSize: number, b0: number, bSize: number) =>
    Math.max(0, b0 - (a0 + aSize - 1), a0 - (b0 + bSize - 1));
  return gap(a.x, a.width, b.x, b.width) + gap(a.y, a.height, b.y, b.height);
}
