/** Runs with a prompt: its tokens go through the wafer first, then each step takes what the one before chose. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openCheckpoint } from '../src/checkpoint/checkpoint.js';
import { openTensorFile } from '../src/checkpoint/file.js';
import { readTokenizer, textAfter } from '../src/checkpoint/tokenizer.js';
import { readWeights } from '../src/checkpoint/weights.js';
import { loadConfig, type ResolvedConfig } from '../src/config.js';
import { doingNow, nowDoing } from '../src/cli/command-thread.js';
import { checkResult, firstLargest } from '../src/decode/compute.js';
import { createLogits } from '../src/decode/logits.js';
import { checkRun } from '../src/decode/refusals.js';
import { simulateTogether } from '../src/studies/compare/side-by-side.js';
import type { SimulateOptions } from '../src/decode/options.js';
import { createPlainDecoder } from '../src/model/plain/decoder.js';
import type { RunDocument } from '../src/report/document.js';
import { runTable } from '../src/report/table.js';
import { putTiny, tensorsOfTiny, tinyConfig, WORDS } from './helpers/checkpoint.js';
import { wafersim } from './helpers/command-line.js';
import { count } from './helpers/full.js';
import { OPTIONS } from './helpers/options.js';
import { f32, filled, inFolder } from './helpers/safetensors.js';
import { simulateTimes } from './helpers/times.js';

const folder = mkdtempSync(join(tmpdir(), 'wafersim-prompt-'));
putTiny(folder);
const words = mkdtempSync(join(tmpdir(), 'wafersim-prompt-'));
putTiny(words, { 'tokenizer.json': WORDS });
afterAll(() => {
  for (const own of [folder, words]) rmSync(own, { recursive: true });
});

const PROMPT = [5, 11, 2, 30];
const WITH_PROMPT = `workload.prompt=[${PROMPT.join(', ')}]`;

interface Computed {
  document: RunDocument;
  /** After each position. */
  logits: Float32Array[];
}

async function compute(
  config: ResolvedConfig,
  more: Partial<SimulateOptions> = {},
): Promise<Computed> {
  const logits: Float32Array[] = [];
  const onLogits = (row: ArrayLike<number>) => logits.push(Float32Array.from(row));
  const document = await simulateTimes(config, { ...OPTIONS, onLogits, ...more });
  return { document, logits };
}

const tokensOf = ({ steps }: RunDocument) => steps.map(({ token }) => token);
const cyclesOf = ({ steps }: RunDocument) => steps.map(({ cycles }) => cycles);

/** Greedy tokens after a prompt by the plain decoder, and logits after every position. */
function plainly({ model, weights }: ResolvedConfig, prompt: number[], steps: number) {
  const checkpoint = openCheckpoint(weights!.path);
  const decoder = createPlainDecoder(model, readWeights(checkpoint, model).weights);
  checkpoint.close();
  const rows: Float64Array[] = [];
  const tokens = [...prompt];
  for (let position = 0; position < prompt.length - 1 + steps; position++) {
    rows.push(decoder.step(tokens[position]));
    if (position >= prompt.length - 1) tokens.push(firstLargest(rows.at(-1)!));
  }
  return { rows, chosen: tokens.slice(prompt.length) };
}

describe('a run with a prompt', () => {
  it('continues it with the tokens of the plain decoder, with its logits at every position', async () => {
    const config = tinyConfig(folder, WITH_PROMPT, 'workload.tokens=6');
    const { document, logits } = await compute(config);
    const { rows, chosen } = plainly(config, PROMPT, 6);
    expect(tokensOf(document)).toEqual(chosen);
    expect(new Set(chosen).size).toBeGreaterThan(1);
    expect(logits.length).toBe(PROMPT.length + 6 - 1);
    for (const [position, row] of rows.entries()) {
      const largest = row.reduce((most, logit) => Math.max(most, Math.abs(logit)), 0);
      expect(logits[position].length).toBe(37);
      row.forEach((logit, i) => {
        expect(Math.abs(logits[position][i] - logit)).toBeLessThan(1e-5 * largest);
      });
    }
    expect(document.check).toMatchObject({ passed: true, choice: true });
    expect(document.decode.cyclesPerToken).toBe(document.steps.at(-1)!.cycles);
  });

  it('is as fast as one with that many tokens in the cache, on the same regions', async () => {
    const timed = async (...sets: string[]) =>
      (await compute(tinyConfig(folder, ...sets))).document;
    const prompted = await timed(WITH_PROMPT, 'workload.tokens=3');
    const held = await timed('workload.context=3', 'workload.tokens=4');
    expect(prompted.placement.regions).toEqual(held.placement.regions);
    expect(cyclesOf(prompted)).toEqual(cyclesOf(held).slice(0, 3));
    expect(new Set(cyclesOf(held)).size).toBeGreaterThan(1);
  });

  it('fails its check for the logits of its own tokens too', () => {
    const config = tinyConfig(folder, WITH_PROMPT);
    const good = { maxRelativeError: 1e-6, largest: 3, chosen: 3 };
    expect(checkResult(config, [good], 'wafer', [2e-6, 1e-6])).toMatchObject({
      ...{ logitsMaxRelativeError: 2e-6, passed: true, choice: true },
    });
    expect(checkResult(config, [good], 'wafer', [2e-4]).passed).toBe(false);
    expect(checkResult(config, [good], 'wafer', [NaN]).passed).toBe(false);
  });

  it('is the same on the reference engine, which has times and numbers in one', async () => {
    const config = tinyConfig(folder, 'workload.prompt=[7, 8]', 'workload.tokens=2');
    const [fast, slow] = [await compute(config), await compute(config, { engine: 'reference' })];
    // Only the fast engine takes lines one by one.
    const { host: _, reuse, ...document } = fast.document;
    const { lines: _lines, ...reused } = reuse;
    expect(slow.document).toMatchObject({ ...document, reuse: reused });
    expect(slow.logits).toEqual(fast.logits);
  });

  it('computes in 16 bits what is stored in 16 bits', async () => {
    const { document } = await compute(tinyConfig(folder, WITH_PROMPT, 'model.dtype=f16'));
    expect(document.check).toMatchObject({ passed: true, tolerance: 3e-2 });
    expect(document.check!.logitsMaxRelativeError).toBeGreaterThan(1e-6);
  });

  it('computes with integers of 8 bits', async () => {
    const sets = [WITH_PROMPT, 'placement.kvReplicas=1'];
    const { document } = await compute(tinyConfig(folder, ...sets, 'model.weightBits=8'));
    expect(document.check?.passed).toBe(true);
    const { document: exact } = await compute(tinyConfig(folder, ...sets));
    expect(document.decode.cyclesPerToken).toBeGreaterThan(exact.decode.cyclesPerToken);
  });

  it('ends after a token at which it is to stop', async () => {
    const whole = await compute(tinyConfig(folder, WITH_PROMPT, 'workload.tokens=6'));
    const tokens = tokensOf(whole.document);
    const at = tokens.findIndex((token, i) => i > 0 && tokens.indexOf(token) === i);
    const sets = [WITH_PROMPT, 'workload.tokens=6', `workload.stop=[36, ${tokens[at]}]`];
    let ended = 0;
    const stopped = await compute(tinyConfig(folder, ...sets), { onDetail: () => ended++ });
    expect(tokensOf(stopped.document)).toEqual(tokens.slice(0, at + 1));
    expect(stopped.document.decode.cyclesPerToken).toBe(cyclesOf(whole.document)[at]);
    expect(stopped.logits.length).toBe(PROMPT.length + at);
    expect(ended).toBe(1);
  });

  it('takes its first step with the only token of a short prompt', async () => {
    const config = tinyConfig(folder, 'workload.prompt=[9]', 'workload.tokens=2');
    const { document, logits } = await compute(config);
    expect(tokensOf(document)).toEqual(plainly(config, [9], 2).chosen);
    expect(logits.length).toBe(2);
  });

  it('computes with random weights where there are no others, by the seed', async () => {
    const run = async (...sets: string[]) => {
      const few = ['workload.context=0', 'placement.rows=7', 'placement.layerColumns=5'];
      const config = loadConfig('configs/tiny.yaml', [...few, ...sets]);
      return tokensOf((await compute(config)).document);
    };
    const first = await run('workload.prompt=[1, 2]');
    expect(await run('workload.prompt=[1, 2]')).toEqual(first);
    expect(await run('workload.prompt=[2, 1]')).not.toEqual(first);
    expect(await run('workload.prompt=[1, 2]', 'workload.seed=2')).not.toEqual(first);
  });

  it('computes on the published kernel as well', async () => {
    const sets = [
      'mapping=waferllm',
      'exact=true',
      'placement.rows=7',
      'workload.prompt=[3, 4, 5]',
      'workload.tokens=2',
    ];
    const config = tinyConfig(folder, ...sets);
    const { document, logits } = await compute(config);
    expect(tokensOf(document)).toEqual(plainly(config, [3, 4, 5], 2).chosen);
    expect(document.check?.passed).toBe(true);
    expect(logits.length).toBe(4);
  });
});

describe('the text of a run', () => {
  it('is what its tokens say, told as they come', async () => {
    let told = '';
    const config = tinyConfig(words, 'workload.prompt=t5 t11 t2 t30', 'workload.tokens=4');
    const pieces: string[] = [];
    const { document } = await compute(config, { onText: (piece) => pieces.push(piece) });
    told = pieces.join('');
    const said = tokensOf(document).map((token) => `t${token}`);
    expect(document.text).toBe(` ${said.join(' ')}`);
    expect(told).toBe(document.text);
    expect(pieces.length).toBe(4);
    expect(runTable(document, { color: false })).toContain(`Text\n   ${said.join(' ')}`);
    const { document: other } = await compute(tinyConfig(folder, WITH_PROMPT));
    expect(other.text).toBeUndefined();
  });
});

describe('a token without a text', () => {
  const BYTES = { type: 'Sequence', decoders: [{ type: 'ByteFallback' }, { type: 'Fuse' }] };
  const decodersOf: [string, object | null][] = [
    ['none', null],
    ['bytes', BYTES],
    ['byte level', { type: 'ByteLevel' }],
    ['spaces', { type: 'Metaspace', replacement: '_' }],
  ];

  it.each(decodersOf)('is a replacement character of the text, with the decoder %s', (_, decoder) =>
    inFolder((own) => {
      const known = Object.entries(WORDS.model.vocab).filter(([, token]) => token < 4);
      const model = { ...WORDS.model, vocab: Object.fromEntries(known) };
      putTiny(own, { 'tokenizer.json': { ...WORDS, decoder, model } });
      const tokenizer = readTokenizer([join(own, 'tokenizer.json')]);
      expect(tokenizer.decode([])).toBe('');
      expect(tokenizer.decode([30])).toBe('\uFFFD');
      expect(tokenizer.decode([4, 1, 5, 36, 2, 3, 4])).toMatch(
        /^\uFFFDt1\uFFFD\uFFFDt2 ?t3\uFFFD$/,
      );
    }),
  );

  it('does not cost the run', async () => {
    await inFolder(async (own) => {
      const config = tinyConfig(putTiny(own), WITH_PROMPT, 'workload.tokens=3');
      const { chosen } = plainly(config, PROMPT, 3);
      const model = { ...WORDS.model, vocab: { [`t${PROMPT[0]}`]: PROMPT[0] } };
      putTiny(own, { 'tokenizer.json': { ...WORDS, decoder: BYTES, model } });
      const { document } = await compute(tinyConfig(own, WITH_PROMPT, 'workload.tokens=3'), {
        onText: () => {},
      });
      expect(tokensOf(document)).toEqual(chosen);
      expect(document.text).toBe('\uFFFD\uFFFD\uFFFD');
    });
  });
});

describe('a character of several tokens', () => {
  it('is told once all of them are there', async () => {
    await inFolder(async (own) => {
      putTiny(own);
      const first = tinyConfig(own, WITH_PROMPT);
      const prompts = Array.from({ length: 37 }, (_, token) => [token]);
      const prompt = prompts.find(
        (tokens) => new Set(plainly(first, tokens, 4).chosen).size === 4,
      )!;
      const { chosen } = plainly(first, prompt, 4);
      const bytes = ['<0xE2>', '<0x82>', '<0xAC>', 'x'];
      const named = Object.keys(WORDS.model.vocab).map((word, token): [string, number] => {
        const at = chosen.indexOf(token);
        return [at < 0 ? word : bytes[at], token];
      });
      const decoder = { type: 'Sequence', decoders: [{ type: 'ByteFallback' }, { type: 'Fuse' }] };
      const model = { ...WORDS.model, vocab: Object.fromEntries(named) };
      putTiny(own, { 'tokenizer.json': { ...WORDS, decoder, model } });
      const pieces: string[] = [];
      const sets = [`workload.prompt=[${prompt[0]}]`, 'workload.tokens=4'];
      const onText = (piece: string) => pieces.push(piece);
      const { document } = await compute(tinyConfig(own, ...sets), { onText });
      expect(document.text).toBe('\u20ACx');
      expect(pieces).toEqual(['\u20AC', 'x']);
    });
  });

  it('that ends a text otherwise than it ends a longer one is decoded by itself', () => {
    const decode = (tokens: readonly number[]) =>
      tokens.length > 2 ? 'other' : `${tokens.length}`;
    expect(textAfter({ encode: () => [], decode }, [1, 2, 3, 4], 2)).toBe('2');
    expect(textAfter({ encode: () => [], decode: (t) => t.join('') }, [1, 2, 3, 4], 2)).toBe('34');
  });
});

describe('the weights of a run', () => {
  it('count what is no part of the model, in one line', async () => {
    await inFolder(async (own) => {
      const more = { 'model.rotary_emb.inv_freq': f32([3], [1, 2, 3]), 'mtp.x': f32([1], [1]) };
      putTiny(own, { 'model.safetensors': filled({ ...tensorsOfTiny(), ...more }) });
      const { document } = await compute(tinyConfig(own, 'workload.prompt=[1]'));
      expect(document.skippedTensors).toEqual({ 'rotary tables': 1, 'draft layers': 1 });
      expect(runTable(document, { color: false })).toContain(
        'tensors that are no part of the model: 1 of rotary tables, 1 of draft layers',
      );
    });
  });

  it('are refused in 16 bits where they are beyond them', async () => {
    await inFolder(async (own) => {
      const tensors = tensorsOfTiny();
      const large = f32(
        [24],
        Array.from({ length: 24 }, () => 7e4),
      );
      putTiny(own, { 'model.safetensors': filled({ ...tensors, 'model.norm.weight': large }) });
      const sets = ['workload.prompt=[1]', 'model.dtype=f16'];
      await expect(compute(tinyConfig(own, ...sets))).rejects.toThrow(
        'model.dtype: expected f32, as a weight of 70000 is beyond f16, found f16',
      );
    });
  });
});

describe('the command', () => {
  const out = () => join(folder, 'out');

  it('writes the logits of all positions, and no padding', async () => {
    tinyConfig(folder);
    const args = [
      'run',
      join(folder, 'run.yaml'),
      '--set',
      WITH_PROMPT,
      '--set',
      'workload.tokens=3',
    ];
    const { status } = await wafersim(...args, '-o', out());
    expect(status).toBe(0);
    const file = openTensorFile(join(out(), 'logits.safetensors'));
    const [logits] = file.tensors;
    expect(logits).toMatchObject({ name: 'logits', dtype: 'F32', shape: [6, 37] });
    const values = file.read(logits);
    file.close();
    const { logits: rows } = await compute(tinyConfig(folder, WITH_PROMPT, 'workload.tokens=3'));
    expect([...values]).toEqual(rows.flatMap((row) => [...row]));
    // Over a run with logits another one may be written.
    expect((await wafersim(...args, '-o', out())).status).toBe(0);
  });

  it('tells the text as it comes to a person at a terminal, and not next to JSON', async () => {
    tinyConfig(words);
    const args = ['run', join(words, 'run.yaml'), '--set', 'workload.prompt=t5 t11'];
    const before = process.stderr.isTTY;
    process.stderr.isTTY = true;
    try {
      const { stdout, stderr } = await wafersim(...args, '--set', 'workload.tokens=2');
      const said = /^ t\d+ t\d+\n$/.exec(stderr)![0];
      expect(stdout).toContain(`Text\n  ${said}`);
      expect((await wafersim(...args, '--json')).stderr).not.toMatch(/t\d/);
    } finally {
      process.stderr.isTTY = before;
    }
    expect((await wafersim(...args)).stderr).toBe('');
  });

  it('has a bar at a terminal where no text is told, and knows what it does with either', async () => {
    const before = process.stderr.isTTY;
    process.stderr.isTTY = true;
    try {
      for (const [at, hasBar] of [
        [folder, true],
        [words, false],
      ] as const) {
        tinyConfig(at);
        nowDoing('nothing');
        const args = ['run', join(at, 'run.yaml'), '--set', WITH_PROMPT];
        const { status, stderr } = await wafersim(...args, '--set', 'workload.tokens=1');
        expect(status).toBe(0);
        expect(/ %, .* left/.test(stderr)).toBe(hasBar);
        expect(doingNow()).not.toBe('placing and lowering');
      }
    } finally {
      process.stderr.isTTY = before;
    }
  });

  it('names a tensor that is missing in one line', async () => {
    await inFolder(async (own) => {
      const { 'model.layers.1.mlp.up_proj.weight': _, ...rest } = tensorsOfTiny();
      putTiny(own, { 'model.safetensors': filled(rest) });
      tinyConfig(own);
      const { status, stderr } = await wafersim('run', join(own, 'run.yaml'));
      expect(status).toBe(2);
      expect(stderr).toBe(
        `${own}/model.safetensors: expected a tensor "model.layers.1.mlp.up_proj.weight" [40, 24], found none\n`,
      );
    });
  });

  it('keeps what comes after the vocabulary out of the file', () => {
    const logits = createLogits({ model: { vocab: 2 } as ResolvedConfig['model'] });
    logits.take([1, 2, 9, 9]);
    const bytes = Buffer.concat(logits.file());
    expect([
      ...new Float32Array(
        bytes
          .subarray(-8)
          .buffer.slice(bytes.byteOffset + bytes.length - 8, bytes.byteOffset + bytes.length),
      ),
    ]).toEqual([1, 2]);
    expect(bytes.toString('latin1')).toContain('"shape":[1,2]');
  });
});

const STORIES = new URL('../../shared/checkpoints/stories260k/', import.meta.url).pathname;

describe.skipIf(!existsSync(STORIES))(
  'a trained model (skipped where ../shared/checkpoints is absent)',
  () => {
    const tokens = count(5, 24);

    it('tells the beginning of its story', async () => {
      const expected = JSON.parse(readFileSync(join(STORIES, 'expected.json'), 'utf8')) as {
        greedy: number[];
        text: string;
      };
      writeFileSync(
        join(folder, 'story.yaml'),
        `hardware: small\nmodel: { weights: ${STORIES}, dtype: f32 }\nworkload: { prompt: [1], tokens: ${tokens} }\n`,
      );
      const { document } = await compute(loadConfig(join(folder, 'story.yaml')));
      expect(tokensOf(document)).toEqual(expected.greedy.slice(0, tokens));
      expect(document.text!.length).toBeGreaterThan(2 * tokens);
      expect(expected.text.startsWith(document.text!)).toBe(true);
    });
  },
);

describe('two checkpoints of one model, side by side', () => {
  it('compute each with its own numbers', async () => {
    const other = mkdtempSync(join(tmpdir(), 'wafersim-prompt-'));
    const [head] = Object.entries(tensorsOfTiny()).filter(([name]) => name === 'lm_head.weight');
    const values = new Float32Array(head[1].bytes.slice().buffer).reverse();
    putTiny(other, {
      'model.safetensors': filled({ ...tensorsOfTiny(), [head[0]]: f32([37, 24], [...values]) }),
    });
    const configs = [folder, other].map((of) =>
      tinyConfig(folder, WITH_PROMPT, `model.config=${folder}`, `model.weights=${of}`),
    );
    const runs = await simulateTogether(
      configs.map((config, i) => ({ name: `${i}`, config })),
      OPTIONS,
    );
    rmSync(other, { recursive: true });
    const [first, second] = runs.map(({ run }) => tokensOf(run));
    expect(first).not.toEqual(second);
    expect(first).toEqual(tokensOf((await compute(configs[0])).document));
  });
});

describe('a prompt where requests are served', () => {
  it('is refused by its name', () => {
    const config = tinyConfig(folder, WITH_PROMPT);
    expect(() => checkRun(config, 'serving')).toThrow(
      'workload.prompt: expected none where requests are served, found one of 4 tokens',
    );
    expect(() => checkRun(config)).not.toThrow();
  });
});
