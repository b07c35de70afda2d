/** Runs that compute with drafted tokens, whole: what they say and show next to a plain run. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { simulate } from '../src/studies/run/run.js';
import { putTiny, tinyConfig } from './helpers/checkpoint.js';
import { OPTIONS } from './helpers/options.js';

const folder = mkdtempSync(join(tmpdir(), 'wafersim-drafts-'));
putTiny(folder);
afterAll(() => rmSync(folder, { recursive: true }));

const PROMPT = ['workload.prompt=[5, 11, 2, 30, 5]'];
const ITSELF = [`draft.weights=${folder}`, 'tokens=3', 'acceptance=measured'];

async function compute(speculation: string[], more: string[] = PROMPT) {
  const asked = speculation.map((set) => `workload.speculation.${set}`);
  const config = tinyConfig(folder, 'workload.tokens=6', ...asked, ...more);
  const logits: Float32Array[] = [];
  const onLogits = (row: ArrayLike<number>) => logits.push(Float32Array.from(row));
  const { steps, check, decode } = await simulate(config, { ...OPTIONS, onLogits });
  return { tokens: steps.map(({ token }) => token), logits, check, drafts: decode.speculation };
}

describe('a run that computes with drafted tokens', () => {
  it('says what it says without, and shows the logits of the same positions', async () => {
    const plain = await compute([]);
    for (const asked of [ITSELF, ['draft.ngram=1', 'tokens=3', 'acceptance=measured']]) {
      const { tokens, logits, check } = await compute(asked);
      expect(tokens).toEqual(plain.tokens);
      expect(logits).toHaveLength(plain.logits.length);
      for (const [i, row] of logits.entries())
        row.forEach((logit, entry) => expect(logit).toBeCloseTo(plain.logits[i][entry], 5));
      expect(check).toMatchObject({ passed: true, choice: true });
    }
  });

  it('measures that a model which drafts for itself is always right', async () => {
    const { drafts } = await compute(ITSELF);
    expect(drafts).toMatchObject({ drafted: 4, accepted: 4, tokensPerRound: 3 });
    expect(drafts).not.toHaveProperty('assumedAcceptance');
  });

  it('takes tokens that are right by chance where that is asked for, after a cache of tokens too', async () => {
    const asked = ['draft.ngram=1', 'tokens=4', 'acceptance=0.5'];
    for (const before of [PROMPT, ['workload.context=9', 'workload.data=true']]) {
      const plain = await compute([], before);
      const some = await compute(asked, before);
      expect(some.tokens).toEqual(plain.tokens);
      expect(some.drafts!.accepted).toBeLessThan(some.drafts!.drafted);
      expect(some.check).toMatchObject({ passed: true, choice: true });
    }
  });

  it('ends with a token that ends it, though more were accepted', async () => {
    const plain = await compute([]);
    const stop = plain.tokens[3]!;
    const at = plain.tokens.indexOf(stop);
    const { tokens, logits } = await compute(ITSELF, [...PROMPT, `workload.stop=[${stop}]`]);
    expect(tokens).toEqual(plain.tokens.slice(0, at + 1));
    expect(logits).toHaveLength(5 + at);
  });
});
