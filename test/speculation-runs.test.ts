/** Runs that compute with drafted tokens, whole: what they say and show next to a plain run. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { putTiny, tinyConfig } from './helpers/checkpoint.js';
import { cases } from './helpers/full.js';
import { OPTIONS } from './helpers/options.js';
import { simulateTimes } from './helpers/times.js';

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
  const { steps, check, decode } = await simulateTimes(config, { ...OPTIONS, onLogits });
  return { tokens: steps.map(({ token }) => token), logits, check, drafts: decode.speculation };
}

describe('a run that computes with drafted tokens', () => {
  const plainly = compute([]);

  it('says what it says without, of the same logits, and measures that its own draft is right', async () => {
    const plain = await plainly;
    const { tokens, logits, check, drafts } = await compute(ITSELF);
    expect(tokens).toEqual(plain.tokens);
    expect(logits).toHaveLength(plain.logits.length);
    for (const [i, row] of logits.entries())
      row.forEach((logit, entry) => expect(logit).toBeCloseTo(plain.logits[i][entry], 5));
    expect(check).toMatchObject({ passed: true, choice: true });
    expect(drafts).toMatchObject({ drafted: 4, accepted: 4, tokensPerRound: 3 });
    expect(drafts).not.toHaveProperty('assumedAcceptance');
  });

  const after = cases([['workload.context=9', 'workload.data=true']], [PROMPT]);
  it.each(after)(
    'takes tokens that are right by chance where that is asked for: %s',
    async (...of) => {
      const plain = await compute([], of);
      const some = await compute(['draft.ngram=1', 'tokens=4', 'acceptance=0.5'], of);
      expect(some.tokens).toEqual(plain.tokens);
      expect(some.drafts!.accepted).toBeLessThan(some.drafts!.drafted);
      expect(some.check).toMatchObject({ passed: true, choice: true });
    },
  );

  it('ends with a token that ends it, though more may have been accepted', async () => {
    const plain = await plainly;
    const stop = plain.tokens[3]!;
    const at = plain.tokens.indexOf(stop);
    const asked = ['draft.ngram=1', 'tokens=3', 'acceptance=1'];
    const { tokens, logits } = await compute(asked, [...PROMPT, `workload.stop=[${stop}]`]);
    expect(tokens).toEqual(plain.tokens.slice(0, at + 1));
    expect(logits).toHaveLength(5 + at);
  });
});
