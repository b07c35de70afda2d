/**
 * The rules that a simulation rests on and what it leaves out, in words: who says so, how sure that is.
 * Grades: A vendor document or peer-reviewed, B a third party's measurement, C second-hand, D derived.
 */
import type { ResolvedConfig } from './config.js';
import type { Assumption, Omission } from './report/explain-document.js';

const SDK = 'Cerebras SDK documentation';
const CHAIN =
  'a chain reduction of B words over P cores on the vendor simulator: B + 6(P-1) cycles and start-up';
const WAFERLLM = 'WaferLLM (OSDI 2025) and its published kernel';
const OURS = 'chosen for this simulator; not published';

type Known = Pick<ResolvedConfig, 'wafer' | 'model' | 'mapping' | 'exact' | 'workload'>;

/** Every rule in force for a configuration, in the order: fabric, core, mapping. */
export function assumptionsOf(config: Known): Assumption[] {
  return [...fabricRules(config), ...coreRules(config), ...mappingRules(config)];
}

function fabricRules({ wafer }: Known): Assumption[] {
  const { hopCycles, rampCycles, queueDepth, colors } = wafer.fabric;
  const rule = assumption('fabric');
  return [
    rule(
      'Links carry one 32-bit wavelet per cycle and direction; f16 travels two to a wavelet.',
      'A',
      SDK,
    ),
    rule(
      `A route per router and colour, of ${colors} colours: one input port, any set of output ports; a multicast is free.`,
      'A',
      SDK,
    ),
    rule('A multicast leaves on all its outputs in one cycle or not at all.', 'assumed', OURS),
    rule('A full queue blocks its own colour only.', 'A', SDK),
    rule(
      `Every queue, per port and colour, has ${times(queueDepth, 'slot')}; a slot is taken when a wavelet is sent and its credit comes back after a hop.`,
      'assumed',
      `${OURS}; the depth is a parameter`,
    ),
    rule(
      'Colours that want one link take turns: each router tries them cyclically, from the one after the last granted.',
      'assumed',
      `${OURS}; the arbitration policy is not public`,
    ),
    rule(
      `A hop takes ${times(hopCycles, 'cycle')}, the ramp between a core and its router ${times(rampCycles, 'cycle')} each way.`,
      'A',
      `${SDK} (hop); second-hand (ramp); both exact in ${CHAIN}`,
    ),
    rule(
      'Two wavelets of one colour on two ports of a router in one cycle are counted as a hazard, not as a fault; the vendor simulator stops.',
      'A',
      SDK,
    ),
    rule(
      `Changing a route takes ${times(wafer.costs.routeChange, 'cycle')} and must not happen under queued wavelets of its input.`,
      'assumed',
      `${OURS}; switch positions are modelled as such changes`,
    ),
  ];
}

function coreRules({ wafer, workload }: Known): Assumption[] {
  const rule = assumption('core');
  const { latency } = wafer.costs;
  return [
    rule(
      'The operations of a core run one after the other; microthreads that overlap them are not used.',
      'B',
      `as ${WAFERLLM} does`,
    ),
    rule(
      'An operation is set up, then moves at most one wavelet in and one out per cycle, or its elements in memory at the rate of the cost table.',
      'A',
      `${SDK}; rates as the cost table says`,
    ),
    rule(
      `A result on its way to the fabric passes ${times(latency.f32, 'stage')} in 32 bits and ${latency.f16} in 16; if the ramp is full, the whole pipeline stands.`,
      'D',
      `${CHAIN} (32 bits); whole layers of ${WAFERLLM} (16 bits)`,
    ),
    rule(
      'Costs do not depend on the values, nor on which banks of the SRAM the operands lie in: same-bank operands, measured at 2 to 2.4 cycles per element, are taken to be avoided.',
      'B',
      "a third party's measurement",
    ),
    rule(
      `Of ${wafer.core.sramBytes} bytes of SRAM, what stack and code take is not there for data; a program that does not fit is refused.`,
      'B',
      "a third party's whole-layer kernel",
    ),
    rule(
      workload.data
        ? 'Every operation computes on real numbers, rounded to its type after each step; the vendor does not publish the order of its roundings.'
        : 'Programs are timed, not computed; the same programs compute under workload.data: true.',
      'assumed',
      OURS,
    ),
  ];
}

function mappingRules({ model, mapping, exact, workload }: Known): Assumption[] {
  const rule = assumption('mapping');
  const rules = [
    rule(
      'One token at a time goes through regions of cores, one per layer; regions that wait for it do nothing.',
      'assumed',
      OURS,
    ),
    rule(
      `The cache holds ${workload.context} tokens before the first step; how it was filled is not simulated.`,
      'assumed',
      OURS,
    ),
    rule(
      'The groups of every all-reduce are those that simulate fastest on its line.',
      'assumed',
      OURS,
    ),
    rule(
      `Activations and cache are ${model.dtype}; sums of squares, maxima and sums of the softmax are f32.`,
      'assumed',
      OURS,
    ),
    rule(
      'Norms take a scalar root, softmax and SiLU vector operations (a range reduction and a polynomial).',
      'assumed',
      `${OURS}; counts in the cost table`,
    ),
    rule('The next token is the largest logit, found on the wafer.', 'assumed', OURS),
  ];
  const waferllm = [
    rule(
      'One layer on a square of cores, full-width keys and values, ten all-reduces; a token takes this layer as often as the model has layers, without embedding, head and hand-offs.',
      'A',
      WAFERLLM,
    ),
    rule(
      exact
        ? 'exp and SiLU are done in full, not as the published kernel does.'
        : 'exp and SiLU are timed as the published kernel does them: scalar code, SiLU over part of the elements only. It does not compute the right answer.',
      'A',
      WAFERLLM,
    ),
  ];
  if (mapping === 'waferllm') return waferllm;
  if (model.weightBits !== 8) return rules;
  return [
    ...rules,
    rule('8-bit weights are widened on use, one scale per matrix on each core.', 'assumed', OURS),
  ];
}

/** What no result contains, and which way that errs. */
export const OMISSIONS: Omission[] = [
  {
    what: 'Prefill',
    effect: 'only decode steps are simulated; time to first token has no simulated part',
  },
  {
    what: 'Host, network and service',
    effect: 'tokens/s are those of the wafer; a service delivers fewer',
  },
  {
    what: 'Sampling other than the largest logit',
    effect: 'temperature and top-p would take cycles at the head',
  },
  { what: 'Speculative decoding', effect: 'services that use it deliver more tokens per step' },
  {
    what: 'SRAM banks',
    effect: 'a layout with operands in one bank would take up to 2.4 times as long per element',
  },
  {
    what: 'Microthreads',
    effect: 'a program that overlaps communication and compute would be faster',
  },
  {
    what: 'Queue sizes of single ports',
    effect: 'all queues are equally deep; published tables give 2 to 8',
  },
  { what: 'Clock changes by heat or power', effect: 'the clock is constant' },
  {
    what: 'Mixture of experts, latent, sparse and sliding-window attention',
    effect: 'such models are refused by name',
  },
];

function assumption(about: Assumption['about']) {
  return (text: string, grade: Assumption['grade'], source: string): Assumption => ({
    about,
    text,
    grade,
    source,
  });
}

function times(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
