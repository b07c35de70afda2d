/** README's second example: a trained model tells its whole story on the simulated wafer. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { simulate } from '../src/studies/run/run.js';
import { OPTIONS } from './helpers/options.js';

const STORIES = new URL('../../shared/checkpoints/stories260k/', import.meta.url).pathname;

describe.skipIf(!existsSync(STORIES))(
  'the story of README.md (skipped where ../shared/checkpoints is absent)',
  () => {
    it('has all 260 tokens of the trained model, and the cycles that stand there', async () => {
      const { greedy, text } = JSON.parse(readFileSync(join(STORIES, 'expected.json'), 'utf8')) as {
        greedy: number[];
        text: string;
      };
      const readme = readFileSync('README.md', 'utf8');
      const [, ...sets] = /^npx wafersim run configs\/tiny\.yaml (.*)$/m
        .exec(readme)![1]
        .replaceAll('stories260k', STORIES)
        .split(/^--set | --set /)
        .map((set) => set.replace(/^'(.*)'$/, '$1'));
      // Brackets are a pattern of files to some shells.
      expect(readme).toContain("--set 'workload.prompt=[1]'");
      const run = await simulate(loadConfig('configs/tiny.yaml', sets), { ...OPTIONS, shards: 2 });
      expect(run.steps.map(({ token }) => token)).toEqual(greedy);
      expect(run.text).toBe(text);
      expect(run.check).toMatchObject({ passed: true, choice: true });
      const cycles = run.decode.cyclesPerToken.toLocaleString('en-US');
      expect(readme.replaceAll(/\s+/g, ' ')).toContain(`the last one takes ${cycles} cycles`);
      const [, said] = /^> (.*) \[\.\.\.\]$/m.exec(readme)!;
      expect(run.text!.startsWith(said)).toBe(true);
    }, 600_000);
  },
);
