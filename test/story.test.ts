/** README's second example: a trained model tells its story on the simulated wafer, the whole one in the full tests. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { count } from './helpers/full.js';
import { OPTIONS } from './helpers/options.js';
import { simulateTimes } from './helpers/times.js';

const STORIES = new URL('../../shared/checkpoints/stories260k/', import.meta.url).pathname;

describe.skipIf(!existsSync(STORIES))(
  'the story of README.md (skipped where ../shared/checkpoints is absent)',
  () => {
    const tokens = count(16, 260);

    it(`has the first ${tokens} of 260 tokens of the trained model, and what stands there`, async () => {
      const { greedy, text } = JSON.parse(readFileSync(join(STORIES, 'expected.json'), 'utf8')) as {
        greedy: number[];
        text: string;
      };
      const readme = readFileSync('README.md', 'utf8');
      const [, ...sets] = /^npx wafersim run configs\/small\.yaml (.*)$/m
        .exec(readme)![1]
        .replaceAll('stories260k', STORIES)
        .split(/^--set | --set /)
        .map((set) => set.replace(/^'(.*)'$/, '$1'));
      // Brackets are a pattern of files to some shells.
      expect(readme).toContain("--set 'workload.prompt=[1]'");
      expect(sets).toContain(`workload.tokens=${greedy.length}`);
      const config = loadConfig('configs/small.yaml', [...sets, `workload.tokens=${tokens}`]);
      const run = await simulateTimes(config, { ...OPTIONS, shards: 2 });
      expect(run.steps.map(({ token }) => token)).toEqual(greedy.slice(0, tokens));
      expect(run.check).toMatchObject({ passed: true, choice: true });
      const [, said] = /^> (.*) \[\.\.\.\]$/m.exec(readme)!;
      expect(text.startsWith(said)).toBe(true);
      expect(text.startsWith(run.text!)).toBe(true);
      if (tokens < greedy.length) return;
      expect(run.text).toBe(text);
      const cycles = run.decode.cyclesPerToken.toLocaleString('en-US');
      expect(readme.replaceAll(/\s+/g, ' ')).toContain(`the last one takes ${cycles} cycles`);
    }, 600_000);
  },
);
