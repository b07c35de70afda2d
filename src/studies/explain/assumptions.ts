/**
 * The rules that a simulation rests on and what it leaves out, in words: who says so, how sure that is.
 * Grades: A vendor document or peer-reviewed, B a third party's measurement, C second-hand, D derived.
 */
import type { ResolvedConfig } from '../../config.js';
import type { Provenance } from '../../config/quantity.js';
import { OURS } from '../../mapping/mapping.js';
import { MAPPINGS } from '../../mapping/mappings.js';
import { widenedTypesOf } from '../../model/formats.js';
import { WAFERLLM } from '../../mapping/waferllm.js';
import type { Assumption, Omission } from './document.js';

const SDK = 'Cerebras SDK documentation';

type Known = Pick<
  ResolvedConfig,
  'wafer' | 'provenance' | 'model' | 'mapping' | 'exact' | 'workload'
> &
  Partial<Pick<ResolvedConfig, 'placement'>>;

/** Every rule in force for a configuration, in the order: fabric, core, mapping. */
export function assumptionsOf(config: Known): Assumption[] {
  const rules = MAPPINGS[config.mapping].rules(config);
  const mapping = rules.map((of) => assumption('mapping')(...of));
  return [...fabricRules(config), ...coreRules(config), ...mapping];
}

function fabricRules({ wafer, provenance }: Known): Assumption[] {
  const originOf = (path: string) => origin(provenance[path]);
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
      `Every queue, per port and colour, has ${times(queueDepth, 'slot')}.`,
      ...originOf('fabric.queueDepth'),
    ),
    rule(
      'A slot is taken when the wavelet is sent; its credit returns a hop (or a ramp) after it has left.',
      'assumed',
      OURS,
    ),
    rule(
      'Colours that want one link take turns: each router tries them cyclically, from the one after the last granted.',
      'assumed',
      `${OURS}; the arbitration policy is not public`,
    ),
    rule(
      `A wavelet needs ${times(hopCycles, 'cycle')} from router to router.`,
      ...originOf('fabric.hopCycles'),
    ),
    ...(wafer.defects?.repair === 'spares'
      ? [
          rule(
            'A link that leads past dead cores takes more hops, one for each column it moves on, with no more queues.',
            'assumed',
            `${OURS}; how the vendor leads rows on to spares is not public`,
          ),
        ]
      : []),
    rule(
      `It needs ${times(rampCycles, 'cycle')} from a core to its router, and as many back.`,
      ...originOf('fabric.rampCycles'),
    ),
    rule(
      'Two wavelets of one colour on two ports of a router in one cycle are counted as a hazard, not as a fault; the vendor simulator stops.',
      'A',
      SDK,
    ),
    rule(
      `Changing a route takes ${times(wafer.costs.routeChange, 'cycle')}, counted as set-up, and is a fault under wavelets that wait at its input.`,
      ...originOf('costs.routeChange'),
    ),
    rule(
      'A switch goes to its next position in the cycle after a marked wavelet left it; the mark takes no slot and no cycle, and stands for the control wavelet of the machine.',
      'assumed',
      OURS,
    ),
  ];
}

function coreRules({ wafer, provenance, workload, model }: Known): Assumption[] {
  const rule = assumption('core');
  const { latency, matvec } = wafer.costs;
  const granularity = matvec.granularity?.f16;
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
      `A 32-bit result on its way to the fabric passes ${times(latency.f32, 'stage')}; if the ramp is full, the whole pipeline stands still.`,
      ...origin(provenance['costs.latency.f32']),
    ),
    rule(
      `A 16-bit result on its way to the fabric passes ${times(latency.f16, 'stage')}, since a relay of a reduction tree is software.`,
      ...origin(provenance['costs.latency.f16']),
    ),
    ...(granularity === undefined
      ? []
      : [
          rule(
            `A row of a 16-bit matrix-vector product is issued in groups of ${granularity} elements, the last of them as a whole one.`,
            ...origin(provenance['costs.matvec.granularity.f16']),
          ),
        ]),
    ...widenedTypesOf(model).map((type) =>
      rule(
        `Of weights in ${type} a core widens ${times(matvec.widenPerCycle[type], 'number')} per cycle, each time they are used.`,
        ...origin(provenance[`costs.matvec.widenPerCycle.${type}`]),
      ),
    ),
    rule(
      `Code that an arriving wavelet activates takes ${times(wafer.costs.task, 'cycle')} for each; programs of layers use vector operations in its place.`,
      ...origin(provenance['costs.task']),
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

/** What no result contains, and in which direction that errs. */
export const OMISSIONS: Omission[] = [
  {
    what: 'Prefill',
    effect: 'the programs that are simulated are those of decode steps',
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
    what: 'Strides',
    effect: '16-bit elements that do not lie side by side would take longer than those that do',
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
    what: 'Work that sparse attention saves: rows find the scores of positions that an indexer does not choose too',
    effect:
      'a program that skipped them would be faster by as much as its fullest row has few of the chosen',
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

/** Grade and source of a hardware number; one that is set on the command line is assumed. */
function origin({ grade, assumed, source }: Provenance): [Assumption['grade'], string] {
  return [assumed ? 'assumed' : (grade ?? 'assumed'), source];
}

function times(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
