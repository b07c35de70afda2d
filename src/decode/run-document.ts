/** Puts a run's document together from what the stages and the timeline counted. */
import type { ResolvedConfig } from '../config.js';
import type { StepTiming } from './timeline.js';
import type { DraftPlacement, Placement } from '../placement/placement.js';
import type { Breakdown, CheckResult, DecodeResult, FabricResult } from '../report/document.js';
import type {
  PlacementResult,
  ReuseResult,
  RoutingResult,
  RunDocument,
} from '../report/document.js';
import type {
  DraftPlacementResult,
  RegionResult,
  SharedLinksResult,
  SpeculationResult,
  StepResult,
} from '../report/document.js';
import type { WaferSpec } from '../hardware/wafer.js';
import { runIdentity } from '../identity.js';
import { fewerWafers } from '../placement/fewer-wafers.js';
import { requestOf } from './place.js';
import type { FoundPath } from './critical-path.js';
import type { Turn } from './ring.js';
import type { StageRunner } from './stages.js';
import { countable } from './countable.js';
import { busiestLink } from './link-counts.js';
import { waitResults } from './waits.js';

/** What was counted while the stages ran. */
export interface Counters extends Pick<
  StageRunner,
  'countedLinks' | 'waveletHops' | 'routeHazards' | 'specialCycles'
> {
  reuse: ReuseResult;
}

/** What simulating gave: timing and counters of the last step, cycles and token of each. */
export interface Simulated {
  timing: StepTiming;
  counters: Counters;
  steps: StepResult[];
  /** Where users share regions (see decode/pipeline.ts). */
  inFlight?: number;
  bottleneck?: string;
  simulatedTokens?: number;
  repeatsAfter?: number;
  sharedLinks?: SharedLinksResult;
  /** Turns that repeat, and the one that the timing is of. */
  turns?: Turn[];
  turn?: Turn;
  /** The critical path of the token that the timing is of, or why there is none. */
  path?: FoundPath;
  /** Where experts lie in strips. */
  routing?: RoutingResult;
  /** With speculation. */
  speculation?: SpeculationResult;
  /** What its programs took of the host. */
  spent?: Pick<RunDocument['host'], 'engineCpuSeconds' | 'lines'>;
  /** Of a run that computes. */
  check?: CheckResult;
  /** What the chosen tokens say, where the model has a tokenizer. */
  text?: string;
  /** Of a run on a checkpoint: tensors that are no part of the model, by kind. */
  skipped?: Partial<Record<string, number>>;
}

/** @param placed fields of `placement` that a caller adds or replaces */
export function runDocument(
  config: ResolvedConfig,
  placement: Placement,
  simulated: Simulated,
  { placed, host }: { placed: Partial<PlacementResult>; host: RunDocument['host'] },
): RunDocument {
  const { counters, timing, steps, check, text, skipped } = simulated;
  return {
    schema: 'wafersim.run/1',
    ...runIdentity(config),
    config: config.resolved,
    decode: countable(decodeOf(config, simulated), 'decode'),
    steps: countable(steps, 'steps'),
    ...(text !== undefined && { text }),
    placement: { ...placementResult(config, placement), ...placed },
    fabric: countable(fabricOf(counters, config.wafer, timing.cycles), 'fabric'),
    reuse: counters.reuse,
    ...(skipped && { skippedTensors: skipped }),
    ...(check && { check }),
    host,
  };
}

function decodeOf({ wafer, workload }: ResolvedConfig, simulated: Simulated): DecodeResult {
  const { counters, timing, inFlight, bottleneck, simulatedTokens, repeatsAfter } = simulated;
  const { sharedLinks, routing, speculation, path, turns, turn } = simulated;
  const { cycles, causes, waits } = timing;
  const breakdown: Breakdown = {};
  for (const [name, { cycles: spent, compute }] of timing.operators)
    breakdown[name] = { cycles: spent, compute, communication: spent - compute };
  const perSecond = wafer.clockHz / cycles;
  const all = Object.values(causes).reduce((sum, cycles) => sum + cycles, 0);
  countable(all, 'the sum of decode.coreCycles');
  return {
    cyclesPerToken: cycles,
    tokensPerSecondPerUser: perSecond,
    tokensPerSecond: perSecond * workload.batch,
    tpotMs: 1000 / perSecond,
    perLayerCycles: perLayer(timing),
    breakdown,
    coreCycles: { ...causes },
    waits: waitResults(waits),
    ...pathFields(path),
    specialShare: counters.specialCycles / causes.compute,
    ...(inFlight !== undefined && { inFlight }),
    ...(bottleneck !== undefined && { bottleneck }),
    ...(simulatedTokens !== undefined && { simulatedTokens }),
    ...(repeatsAfter !== undefined && { repeatsAfter }),
    ...differing(turns, turn),
    ...(sharedLinks !== undefined && { sharedLinks }),
    ...(routing !== undefined && { routing }),
    ...(speculation !== undefined && { speculation }),
  };
}

/** All turns where they are not all alike: no one of them stands for the others. */
export function differing(
  turns: Simulated['turns'] = [],
  described: Simulated['turn'],
): Pick<DecodeResult, 'turns'> {
  const isAlike = turns.every(({ timing }) => timing.cycles === turns[0].timing.cycles);
  if (isAlike) return {};
  return {
    turns: turns.map((turn) => ({
      cycles: turn.timing.cycles,
      waited: turn.timing.waited,
      ...(turn === described && { described: true as const }),
    })),
  };
}

/** A path as a document has it. */
export function pathFields(
  path: FoundPath | undefined,
): Pick<DecodeResult, 'criticalPath' | 'noCriticalPath'> {
  if (path === undefined) return {};
  return typeof path === 'string' ? { noCriticalPath: path } : { criticalPath: path };
}

/** What each layer adds to the token's cycles, in one region or two. */
function perLayer({ stages, stageCycles }: StepTiming): number[] {
  const layers: number[] = [];
  for (const [i, { layer }] of stages.entries())
    if (layer >= 0) layers[layer] = (layers[layer] ?? 0) + stageCycles[i];
  return layers;
}

function coresOf({ regions }: Placement): number {
  return regions.reduce((sum, { width, height }) => sum + width * height, 0);
}

/** What would have to shrink for fewer wafers than these; sizes that a configuration asks for stay. */
export function fewerThan(
  { wafers, layers, latent, draft }: Pick<Placement, 'wafers' | 'layers' | 'latent' | 'draft'>,
  config: ResolvedConfig,
): Pick<PlacementResult, 'fewerWafers'> {
  // What its draft takes of them is not the model's to give up.
  if (wafers === 1 || draft !== undefined) return {};
  const { model, wafer } = config;
  const asked = requestOf(config);
  const request = { ...asked, layers, latent };
  return { fewerWafers: fewerWafers(model, wafer, request, wafers, asked) };
}

function placementResult(config: ResolvedConfig, placement: Placement): PlacementResult {
  const { wafer } = config;
  const { strategy, layers, latent, regions, wafers } = placement;
  return {
    strategy,
    layers,
    ...(latent && { latent }),
    regions: regionResults(regions),
    coresUsed: coresOf(placement),
    sramUsedBytes: regions.reduce((sum, r) => sum + r.width * r.height * r.sramBytesPerCore, 0),
    sramPeakBytesPerCore: Math.max(...regions.map((r) => r.sramBytesPerCore)),
    sramBytesPerCore: wafer.core.sramBytes,
    coresAvailable: wafer.width * wafer.height * wafers,
    ...(placement.defects && { defects: placement.defects }),
    wafers,
    ...(placement.draft && { draft: draftResult(placement.draft) }),
    ...fewerThan(placement, config),
    ...(placement.estimate && { estimate: placement.estimate }),
  };
}

function regionResults(regions: Placement['regions']): RegionResult[] {
  return regions.map(({ name, wafer: on, x, y, width, height, sramBytesPerCore, ...of }) => ({
    name,
    wafer: on,
    x,
    y,
    width,
    height,
    sramBytesPerCore,
    ...('kvReplicas' in of && { kvReplicas: of.kvReplicas }),
    ...('strips' in of && { strips: of.strips }),
  }));
}

function draftResult({ model, shared, placement }: DraftPlacement): DraftPlacementResult {
  const { regions, wafers } = placement;
  return {
    model: model.name,
    shared,
    wafers: shared ? 0 : wafers,
    regions: regionResults(regions),
    coresUsed: coresOf(placement),
    sramPeakBytesPerCore: Math.max(...regions.map((region) => region.sramBytesPerCore)),
  };
}

function fabricOf(counters: Counters, wafer: WaferSpec, cycles: number): FabricResult {
  const { waveletHops, routeHazards, countedLinks } = counters;
  const busiest = busiestLink(countedLinks, wafer);
  return { waveletHops, peakLinkUtilization: busiest / cycles, routeHazards };
}
