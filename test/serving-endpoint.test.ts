/** An endpoint's server made ready: its longest context, its steps, its text, its record; nothing of HTTP. */
import { closeSync, cpSync, existsSync, mkdtempSync, readdirSync } from 'node:fs';
import { readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { ConfigError } from '../src/config/errors.js';
import { ModelError } from '../src/model/errors.js';
import {
  prepareEndpoint,
  type EndpointOptions,
  type PreparedEndpoint,
} from '../src/studies/serve/endpoint.js';
import { serveAll } from '../src/studies/serve/serve-all.js';
import type { Asked } from '../src/studies/serve/text/source.js';
import { stepCache } from '../src/studies/steps/step-cache.js';
import { OPTIONS } from './helpers/options.js';

const TINY = resolve('configs/serving-tiny.yaml');
/** Steps as roughly as can be: three contexts. */
const ROUGH = ['serving.tolerance=0.5', 'placement.rows=6', 'placement.layerColumns=5'];
const steps = stepCache('code');

let home = '';
beforeAll(() => void (home = mkdtempSync(join(tmpdir(), 'wafersim-endpoint-'))));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const notes: string[] = [];
const options = (more: Partial<EndpointOptions> = {}): EndpointOptions => ({
  ...{ text: 'lorem', seed: '1', transport: 'none', maxWaiting: 50 },
  onNote: (note) => void notes.push(note),
  ...more,
});
const prepare = async (
  more: Partial<EndpointOptions> = {},
  sets: string[] = ROUGH,
  path = TINY,
): Promise<PreparedEndpoint> =>
  (await prepareEndpoint({ path, sets }, options(more), { ...OPTIONS, steps }))[0];

describe('the longest context', () => {
  it("is the model's positions, and not what the workload asks for", async () => {
    const { maxModelLen, config, notes: said } = await prepare();
    expect(config.workload.context).toBe(256);
    expect(maxModelLen).toBe(512);
    expect(said).toEqual([expect.stringMatching(/tokenizer\.json.*every 4 bytes$/)]);
  });
  it('is what is asked for, or else what a configuration says', async () => {
    expect((await prepare({ maxModelLen: 100 })).maxModelLen).toBe(100);
    const sets = [...ROUGH, 'serving.maxContext=200'];
    expect((await prepare({}, sets)).maxModelLen).toBe(200);
    expect((await prepare({ maxModelLen: 300 }, sets)).maxModelLen).toBe(300);
  });
  it("is at most the model's, which a note says", async () => {
    const { maxModelLen, notes: said } = await prepare({ maxModelLen: 5000 });
    expect(maxModelLen).toBe(512);
    expect(said[0]).toBe('contexts of at most 512 tokens: tiny has no more positions');
  });
  it('is at most what the wafer holds', async () => {
    // A core of so little memory has room for some positions only.
    const sets = [...ROUGH, 'hardware.core.sram=25 KiB', 'workload.context=16'];
    const { maxModelLen, kvTokens, notes: said } = await prepare({}, sets);
    expect(maxModelLen).toBeLessThan(512);
    expect(maxModelLen).toBe(kvTokens);
    expect(said[0]).toMatch(/^contexts of at most \d+ tokens: the wafer holds no longer ones/);
  });
});

describe('what is ready', () => {
  it('has the times of the simulated steps, which a second start takes from the first', async () => {
    const cache = stepCache('other');
    const seen: string[] = [];
    const onProgress = ({ what }: { what: string }) => void seen.push(what);
    const source = { path: TINY, sets: ROUGH };
    const [first] = await prepareEndpoint(source, options(), {
      ...OPTIONS,
      steps: cache,
      onProgress,
    });
    expect(cache.counts.simulated).toBe(3);
    expect(seen.length).toBeGreaterThan(3);
    const [again] = await prepareEndpoint(source, options(), { ...OPTIONS, steps: cache });
    expect(cache.counts.simulated).toBe(3);
    expect(again.aloneTokensPerSecond).toEqual(first.aloneTokensPerSecond);
    const [shortest, longest] = first.aloneTokensPerSecond;
    expect(shortest).toBeGreaterThan(longest);
    // One user alone: a token after another at just that pace.
    first.driver.submit({ id: 0, arrivalNs: 0, promptTokens: 15, outputTokens: 3 }, 0);
    const tokens = first.driver.advance(1e9);
    expect((tokens[2].ns - tokens[1].ns) / (1e9 / shortest)).toBeCloseTo(1, 2);
  });
  it('takes a configuration that says nothing of serving', async () => {
    const path = resolve('configs/tiny.yaml');
    const { maxModelLen, modelName, maxUsers, maxWaiting } = await prepare(
      { maxModelLen: 64 },
      ROUGH,
      path,
    );
    expect([maxModelLen, modelName, maxUsers, maxWaiting]).toEqual([64, 'tiny', 256, 50]);
    expect((await prepare({ maxModelLen: 64, servedModelName: 'x' }, ROUGH, path)).modelName).toBe(
      'x',
    );
  });
  it('has the transport that is asked for, whatever the file says', async () => {
    const queued = async (transport: EndpointOptions['transport']) => {
      const { driver } = await prepare({ transport });
      driver.submit({ id: 0, arrivalNs: 0, promptTokens: 15, outputTokens: 1 }, 0);
      return driver.advance(1e9)[0].end!.queuedNs;
    };
    expect(await queued('none')).toBe(0);
    expect(await queued('http')).toBeGreaterThan(75e6);
  });
  it.each([
    [{ text: 'poem' }, /^--text: expected lorem, echo, script:FILE or model, found "poem"$/],
    [{ text: 'script:nowhere' }, /nowhere/],
    [{ text: 'model' }, /^--text: expected .* without model\.weights, found model$/],
  ])('is refused with %j before anything is simulated', async (more, message) => {
    const cache = stepCache('none');
    const asked = prepareEndpoint({ path: TINY, sets: ROUGH }, options(more), {
      ...OPTIONS,
      steps: cache,
    });
    await expect(asked).rejects.toThrow(ConfigError);
    await expect(asked).rejects.toThrow(message);
    expect(cache.counts.simulated).toBe(0);
  });
});

describe('a record', () => {
  const record = () => join(home, 'record');
  const replayed = async (folder: string, sets: string[] = []) => {
    const path = join(folder, 'run.yaml');
    const again = stepCache('code', { read: () => undefined, write: () => {} });
    const { document, rows } = await serveAll(loadConfig(path, sets), path, sets, {
      ...OPTIONS,
      steps: again,
    });
    return { serving: document.serving, rows: [...rows].join('').trimEnd().split('\n'), again };
  };

  it('is served again by `run`, on the same steps, every token at its time', async () => {
    const { driver, close } = await prepare({
      ...{ record: record(), transport: 'websocket', maxModelLen: 500 },
    });
    const request = { arrivalNs: 0, promptTokens: 100, outputTokens: 20 };
    driver.submit({ ...request, id: 0, session: 0, keep: true }, 1000);
    driver.submit({ ...request, id: 1 }, 2000);
    driver.submit({ ...request, id: 2, outputTokens: 400 }, 3000);
    const tokens = driver.advance(4e8);
    driver.submit(
      { ...request, id: 3, session: 0, parent: 0, historyTokens: 120, promptTokens: 150 },
      4e8,
    );
    driver.submit({ ...request, id: 4 }, 4e8 + 1);
    driver.cancel(4, 4e8 + 2);
    tokens.push(...driver.advance(8e8));
    await close();
    const { serving, rows } = await replayed(record());
    expect(serving.requests).toEqual({
      arrived: 5,
      completed: 4,
      rejected: 0,
      cancelled: 1,
      unfinished: 0,
    });
    expect(serving.replay).toEqual({ requests: 5, tokens: 460, differing: 0 });
    expect([serving.maxContext, serving.transport.kind]).toEqual([500, 'websocket']);
    expect(serving.stepTimes.contexts).toEqual([16, 257, 499]);
    const times = rows.flatMap((row) => (JSON.parse(row) as { tokensNs: number[] }).tokensNs);
    const seen = tokens.filter(({ index }) => index >= 0);
    expect(times.toSorted((a, b) => a - b)).toEqual(seen.map(({ ns }) => ns));
  });

  it('is found to differ on another machine', async () => {
    const { serving } = await replayed(record(), ['hardware.clock=0.874 GHz']);
    expect(serving.replay!.differing).toBeGreaterThan(400);
  });

  it('is not written over', async () => {
    const before = readFileSync(join(record(), 'trace.ndjson'));
    await expect(prepare({ record: record() })).rejects.toThrow(
      /^--record: expected a folder without a record, found /,
    );
    expect(readFileSync(join(record(), 'trace.ndjson'))).toEqual(before);
    const file = join(home, 'file');
    writeFileSync(file, '');
    await expect(prepare({ record: join(file, 'x') })).rejects.toThrow(
      /^--record: expected a folder to write to/,
    );
  });

  it.skipIf(!existsSync('/proc/self/fd'))(
    'that can no longer be written is given up with a note, and serving goes on',
    async () => {
      notes.length = 0;
      const folder = join(home, 'gone');
      const { driver, close } = await prepare({ record: folder });
      const open = readdirSync('/proc/self/fd').find((fd) => {
        const link = join('/proc/self/fd', fd);
        return existsSync(link) && readlinkSync(link) === join(folder, 'trace.ndjson');
      });
      closeSync(Number(open));
      const request = { arrivalNs: 0, promptTokens: 5, outputTokens: 2 };
      driver.submit({ ...request, id: 0 }, 0);
      driver.submit({ ...request, id: 1 }, 0);
      expect(driver.advance(1e9)).toHaveLength(4);
      await close();
      expect(notes).toEqual([expect.stringMatching(/^nothing more is recorded: EBADF/)]);
    },
  );
});

const STORIES = new URL('../../shared/checkpoints/stories260k/', import.meta.url).pathname;

describe.skipIf(!existsSync(STORIES))(
  'tokens that the cores compute (skipped where ../shared/checkpoints is absent)',
  () => {
    it('are those of the trained model, with their text, up to the one that ends it', async () => {
      const { greedy, text: story } = JSON.parse(
        readFileSync(join(STORIES, 'expected.json'), 'utf8'),
      ) as { greedy: number[]; text: string };
      const folder = join(home, 'stories');
      cpSync(STORIES, folder, { recursive: true });
      const file = join(folder, 'config.json');
      const own = JSON.parse(readFileSync(file, 'utf8')) as object;
      writeFileSync(file, JSON.stringify({ ...own, eos_token_id: [511, greedy[2]] }));
      const { text, config, close } = await prepare(
        { text: 'model', maxModelLen: 24 },
        [`model.config=${folder}`, `model.weights=${folder}`, 'serving.tolerance=0.5'],
        resolve('configs/small.yaml'),
      );
      const words = { messages: [{ role: 'user', text: 'Once upon a time' }] };
      expect(text.count(words)).toEqual({ tokens: 5, by: 'tokenizer' });
      const ask = (more: Partial<Asked>): Asked => {
        return { prompt: { messages: [], ids: [1] }, maxTokens: 8, ...more };
      };
      const answer = text.answer(ask({}));
      const on = text.answer(ask({ ignoreEos: true, maxTokens: 3 }));
      expect(answer.tokens).toBeUndefined();
      let said = '';
      for (let i = 0; i < 3; i++) {
        const token = await on.token(i);
        // Answers at the same time do not disturb one another.
        const ends = i === 2;
        expect((await answer.token(i))?.id).toBe(ends ? undefined : greedy[i]);
        expect(token!.id).toBe(greedy[i]);
        said += token!.text;
      }
      expect([said.length > 5, story.startsWith(said)]).toEqual([true, true]);
      expect([answer.finish(), on.finish()]).toEqual(['stop', 'length']);
      expect(await on.token(3)).toBeUndefined();
      const gone = text.answer(ask({}));
      const next = gone.token(0);
      gone.close();
      expect(await next).toBeUndefined();
      const wrong = { messages: [], ids: [config.model.vocab] };
      expect(() => text.answer(ask({ prompt: wrong }))).toThrow(ModelError);
      await close();
    }, 60_000);
  },
);
