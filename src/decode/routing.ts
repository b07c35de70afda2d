/**
 * The experts of a run's tokens where they lie in strips, whose times depend on the choice: who chooses, which
 * experts lie where, and what that is for the code of a step.
 */
import type { ResolvedConfig } from '../config.js';
import type { ExpertOrders } from '../lowering/lowering.js';
import { balancedLoads, slotsFor, type StripSlots } from '../mapping/experts.js';
import { hasMlp, isOfLayer } from '../mapping/mapping.js';
import type { ExpertsSpec } from '../model/mlp-spec.js';
import { layerOf } from '../model/model.js';
import type { ChosenExperts } from '../model/plain/decoder.js';
import { drawRouting, type RoutingSource } from '../model/routing-draws.js';
import { expertOrder } from '../placement/expert-order.js';
import type { Placement } from '../placement/placement.js';
import type { RoutingResult, Spread } from '../report/document.js';

/** By layer; nothing for layers without strips. */
export type LayerSlots = (StripSlots | undefined)[];

export interface Routing {
  source: RoutingResult['source'];
  orders: ExpertOrders;
  /** Choices of tokens that are only timed; none where the plain decoder chooses. */
  drawn: readonly ChosenExperts[];
  /** Of a choice: which slots each strip has. */
  slotsOf: (choice: ChosenExperts) => LayerSlots;
  /**
   * The same of a step that is only timed, which depends on the number of a strip's slots alone: that of a drawn
   * token, the first again after the last; balanced where none are drawn.
   */
  slotsOfStep: (step: number) => LayerSlots;
  /** As many of the chosen in each strip as can be. */
  balanced: () => LayerSlots;
  /** The largest number of a choice's experts in a strip, of each layer that has strips. */
  largestLoadsOf: (choice: ChosenExperts) => number[];
  /** Whether a layer's code for one choice computes another: the same experts, and each strip in the same slots. */
  computes: (layer: number, lowered: readonly number[], found: readonly number[]) => boolean;
}

/** Who chooses the experts of a run: by default the plain decoder where it computes. */
export function routingOf({
  workload: { routing, routingSkew: ratio, data },
  routingTrace,
}: Pick<ResolvedConfig, 'workload' | 'routingTrace'>): RoutingSource | { kind: 'reference' } {
  if (data) return { kind: 'reference' };
  if (routingTrace) return { kind: 'trace', tokens: routingTrace };
  return routing === 'skewed' ? { kind: 'skewed', ratio } : { kind: 'uniform' };
}

/** A layer whose experts lie in strips. */
interface Striped {
  strips: number;
  spec: ExpertsSpec;
  /** Experts strip after strip, and the strip of each. */
  order: readonly number[];
  stripOf: (expert: number) => number;
}

/** What a placement's strips ask for; undefined if it has none. */
export function createRouting(
  config: ResolvedConfig,
  { regions }: Pick<Placement, 'regions'>,
): Routing | undefined {
  const { model, workload } = config;
  const { expertOrder: named } = config.placement;
  const counts = new Map<number, number>();
  for (const region of regions)
    if (isOfLayer(region) && hasMlp(region.kind) && region.strips !== undefined)
      counts.set(region.layer, region.strips);
  if (counts.size === 0) return undefined;
  const source = routingOf(config);
  const learns = named === 'popular' || named === 'apart';
  const asked = { seed: workload.seed, count: workload.routingDraws, learns };
  const draws = source.kind === 'reference' ? undefined : drawRouting(model, source, asked);
  const history = learns ? (draws?.history() ?? []) : [];
  const layers = model.layers.map((_, layer): Striped | undefined => {
    const strips = counts.get(layer);
    const { mlp: spec } = layerOf(model, layer);
    if (strips === undefined || spec.kind !== 'experts') return undefined;
    const known = history.flatMap((token) => (token[layer] ? [token[layer]] : []));
    const order = expertOrder(named, spec.count, strips, known);
    const held = spec.count / strips;
    const places = new Map(order.map((expert, place) => [expert, place]));
    return { strips, spec, order, stripOf: (of) => Math.floor(places.get(of)! / held) };
  });
  const each = (of: (layer: Striped, number: number) => StripSlots | undefined): LayerSlots =>
    layers.map((layer, number) => layer && of(layer, number));
  const slotsOf = (choice: ChosenExperts) =>
    each((layer, number) => choice[number] && slotsIn(layer, choice[number]));
  const loadsOf = (choice: ChosenExperts) =>
    slotsOf(choice).map((slots) => slots?.map(({ length }) => length));
  const balanced = () => each(({ spec, strips }) => slotsFor(balancedLoads(spec, strips)));
  const drawn = draws?.tokens ?? [];
  return {
    source: source.kind,
    orders: layers.map((layer) => layer?.order),
    drawn,
    slotsOf,
    slotsOfStep(step) {
      if (drawn.length === 0) return balanced();
      return loadsOf(drawn[step % drawn.length]).map((loads) => loads && slotsFor(loads));
    },
    balanced,
    largestLoadsOf: (choice) =>
      loadsOf(choice).flatMap((loads) => (loads ? Math.max(...loads) : [])),
    computes(layer, lowered, found) {
      const of = layers[layer];
      if (of === undefined) return true;
      const isSame = (a: readonly number[], b: readonly number[]) => a.join() === b.join();
      const sorted = (experts: readonly number[]) => experts.toSorted((a, b) => a - b);
      return (
        isSame(sorted(lowered), sorted(found)) &&
        isSame(lowered.map(of.stripOf), found.map(of.stripOf))
      );
    },
  };
}

function slotsIn({ strips, stripOf }: Striped, experts: readonly number[]): StripSlots {
  const slots = Array.from({ length: strips }, (): number[] => []);
  for (const [slot, expert] of experts.entries()) slots[stripOf(expert)].push(slot);
  return slots;
}

/** What the document says of tokens with these choices, and of what each of them takes. */
export function routingResult(
  { source, largestLoadsOf }: Pick<Routing, 'source' | 'largestLoadsOf'>,
  choices: readonly ChosenExperts[],
  times?: { cycles: readonly number[]; balanced: number; clockHz: number },
): RoutingResult {
  const largestLoad = spreadOf(choices.flatMap(largestLoadsOf));
  if (times === undefined) return { source, tokens: choices.length, largestLoad };
  const { cycles, balanced: balancedCycles, clockHz } = times;
  const cyclesPerToken = spreadOf(cycles);
  const { mean, least, most } = cyclesPerToken;
  return {
    ...{ source, tokens: choices.length, largestLoad, cyclesPerToken },
    tokensPerSecondPerUser: { mean: clockHz / mean, least: clockHz / most, most: clockHz / least },
    ...{ balancedCycles, imbalanceCycles: mean - balancedCycles },
  };
}

/** All zeros of none. */
function spreadOf(numbers: readonly number[]): Spread {
  if (numbers.length === 0) return { mean: 0, least: 0, most: 0 };
  const mean = numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
  return { mean, least: Math.min(...numbers), most: Math.max(...numbers) };
}
