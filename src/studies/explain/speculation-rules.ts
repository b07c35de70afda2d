/** What decoding with drafted tokens rests on: the schedule of a round, and how many tokens are accepted. */
import type { ResolvedConfig } from '../../config.js';
import { draftModelOf } from '../../decode/speculation/draft.js';
import { OURS } from '../../mapping/mapping.js';
import type { Assumption } from './document.js';

/** None of a configuration that drafts nothing. */
export function speculationRules(config: ResolvedConfig): Assumption[] {
  const { speculation, kind, batch } = config.workload;
  if (speculation === undefined || speculation.tokens === 1) return [];
  const rule = (text: string, source = OURS): Assumption => {
    return { about: 'mapping', text, grade: 'assumed', source };
  };
  const { tokens, acceptance, draft } = speculation;
  const chances = acceptance === 'measured' ? undefined : [...new Set(acceptance)].join(', ');
  const name = draftModelOf(config)?.name;
  return [
    rule(
      `A round verifies ${tokens} tokens of a user, which follow each other through the model's regions; it ends when the last one's choice is compared with its draft. Where wavelets of two of them meet on links they wait for each other, on wafers of up to 131,072 cores.`,
    ),
    ...(batch > 1 && kind !== 'serving'
      ? [
          rule(
            `Rounds of ${batch} users pass the same regions, first come, first served, all users with as many tokens in the cache; the longest of the rounds that repeat is reported.`,
          ),
        ]
      : []),
    ...(name === undefined
      ? [
          rule(
            'The host looks drafted tokens up in no time; a round waits hardware.io.latency for it each way.',
          ),
        ]
      : [
          rule(
            `${name} drafts one token after the other, each of which is sent to the model when it is known; ${
              draft.kind === 'mtp'
                ? "before that it takes once more what the round before accepted, with the model's hidden states, normed as its head has them"
                : 'while a round is verified it takes its own last token'
            }.`,
          ),
        ]),
    ...(draft.kind === 'mtp' && draft.assumed
      ? [
          rule(
            `${config.model.name} has no layer for the token after the next: one of the shape of its last layer stands for it.`,
            'workload.speculation.draft.mtp',
          ),
        ]
      : []),
    // Of requests that are served the rules of serving say it.
    ...(chances === undefined || kind === 'serving'
      ? []
      : [
          rule(
            `A drafted token is right, if those before it are, with a chance of ${chances}; how many are is drawn from workload.seed.`,
            'workload.speculation.acceptance',
          ),
        ]),
  ];
}
