/** What holds between the clients and the wafer where requests are served: sessions, the queue, the network. */
import type { ResolvedConfig } from '../../config.js';
import { OURS } from '../../mapping/mapping.js';
import { transportOf, transportSources } from '../../serving/transport-presets.js';
import type { Assumption } from './document.js';

/** None of a configuration that serves nothing. */
export function servingRules({
  workload,
  transport = { kind: 'http', compare: false },
  serving,
}: Pick<ResolvedConfig, 'workload' | 'transport' | 'serving'>): Assumption[] {
  if (workload.kind !== 'serving') return [];
  const rule = (text: string, source = OURS, grade: Assumption['grade'] = 'assumed') => {
    return { about: 'serving' as const, text, grade, source };
  };
  const most = serving?.maxWaiting;
  const { speculation } = workload;
  const chances = speculation?.acceptance === 'measured' ? undefined : speculation?.acceptance;
  return [
    ...(speculation === undefined
      ? []
      : [
          rule(
            `A drafted token is right, if those before it are, with a chance of ${[...new Set(chances)].join(', ')}, whatever is said; how many are is drawn from workload.seed.`,
            'workload.speculation.acceptance',
          ),
          rule(
            'A round of many users lasts as long as the longest one alone, or as long as all tokens in flight take to pass the busiest region of the model or of its draft.',
          ),
        ]),
    rule(
      'A request takes the KV cache for its prompt and its whole answer when it starts; nobody is preempted.',
    ),
    rule(
      "A session keeps the cache of its last answer at most; it counts in KV memory, makes room for requests, longest idle first, and goes with the session's connection.",
    ),
    rule(
      most === undefined
        ? 'Any number of requests may wait.'
        : `At most ${most} requests wait; one more is turned away.`,
      'serving.maxWaiting',
    ),
    ...networkRules(transport, rule),
  ];
}

function networkRules(
  { kind, compare: _, ...given }: NonNullable<ResolvedConfig['transport']>,
  rule: (text: string, source: string, grade?: Assumption['grade']) => Assumption,
): Assumption[] {
  const { keepsCache, ...network } = transportOf(kind, given);
  const sources = transportSources(kind, given);
  const kept = rule(
    `Synthetic sessions ${keepsCache ? 'keep' : 'do not keep'} their caches between turns.`,
    sources['keepsCache'],
  );
  if (kind === 'none')
    return [
      rule(
        'There is no network: what a client sends is at the server at once, and a token at its client as it leaves the wafer.',
        'transport.kind: none',
      ),
      kept,
    ];
  const values = Object.entries(network).filter(([key]) => key in sources);
  return [
    ...values.map(([key, value]) =>
      rule(
        `Over ${kind}, transport.${key} is ${String(value)}.`,
        sources[key],
        gradeOf(sources[key]),
      ),
    ),
    kept,
  ];
}

/** Facts of the protocols; all else is assumed. */
function gradeOf(source: string): Assumption['grade'] {
  return source.startsWith('RFC') ? 'A' : 'assumed';
}
