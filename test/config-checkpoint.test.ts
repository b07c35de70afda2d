/** `model.weights`, `workload.prompt` and `workload.stop` in a configuration. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { ConfigError } from '../src/config/errors.js';
import { runIdentity } from '../src/identity.js';
import { placementOf } from '../src/decode/place.js';
import { TINY, putTiny, tensorsOfTiny, tinyConfig, WORDS } from './helpers/checkpoint.js';
import { filled, inFolder, put } from './helpers/safetensors.js';

const small = new URL('../configs/hardware/small.yaml', import.meta.url).pathname;

function complaint(folder: string, ...sets: string[]): string {
  try {
    tinyConfig(folder, ...sets);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message.replaceAll(`${folder}/`, '').replaceAll(folder, '.');
  }
  return 'read';
}

describe('model.weights', () => {
  it('has the model of its folder, computes, and lists its files with their hashes', () => {
    inFolder((folder) => {
      const config = tinyConfig(putTiny(folder));
      expect(config.model.name).toBe(folder.split('/').at(-1));
      expect(config.model.vocab).toBe(37);
      expect(config.workload.data).toBe(true);
      expect(config.weights).toEqual({ path: folder });
      const sha256 = createHash('sha256').update(readFileSync(join(folder, 'model.safetensors')));
      expect(config.files.slice(-2)).toEqual([
        expect.objectContaining({ path: 'config.json' }),
        { path: 'model.safetensors', sha256: sha256.digest('hex') },
      ]);
      expect(config.resolved['model']).toMatchObject({ config: '.', weights: '.' });
    });
  });

  it('may be a file, with a configuration of another place', () => {
    inFolder((folder) => {
      const run = `hardware: ${small}\nmodel: { config: c/config.json, weights: w/x.safetensors }\n`;
      putTiny(folder, { 'run.yaml': Buffer.from(run) });
      mkdirSync(join(folder, 'c'));
      mkdirSync(join(folder, 'w'));
      renameSync(join(folder, 'config.json'), join(folder, 'c/config.json'));
      renameSync(join(folder, 'model.safetensors'), join(folder, 'w/x.safetensors'));
      const { weights, model, files } = loadConfig(join(folder, 'run.yaml'));
      expect(weights).toEqual({ path: join(folder, 'w/x.safetensors') });
      expect(model.name).toBe('c');
      expect(files.at(-1)?.path).toBe('w/x.safetensors');
    });
  });

  it('goes with --set, over a configuration of another model', () => {
    inFolder((folder) => {
      putTiny(folder);
      const sets = [`model.config=${folder}`, `model.weights=${folder}`];
      const { model, weights } = loadConfig('configs/tiny.yaml', sets);
      expect([model.vocab, weights?.path]).toEqual([37, folder]);
    });
  });

  it('changes the hash with its content, not with its place', () => {
    const keysOf = (tensors = tensorsOfTiny(), name = 'model.safetensors') =>
      inFolder((folder) => {
        put(folder, { 'config.json': TINY, [name]: filled(tensors) });
        const config = tinyConfig(folder, `model.weights=${join(folder, name)}`);
        const { key, configHash } = runIdentity(config);
        return [key, configHash];
      });
    const base = keysOf();
    expect(keysOf(undefined, 'y.safetensors')).toEqual(base);
    const changed = tensorsOfTiny();
    changed['model.norm.weight'].bytes[5] ^= 1;
    expect(keysOf(changed)[0]).not.toBe(base[0]);
    expect(keysOf(changed)[1]).not.toBe(base[1]);
  });

  it('carries the blocks of FP8 numbers', () => {
    inFolder((folder) => {
      const quantization_config = { quant_method: 'fp8', weight_block_size: [64, 32] };
      putTiny(folder, { 'config.json': { ...TINY, quantization_config } });
      expect(tinyConfig(folder).weights?.block).toEqual([64, 32]);
      const { configHash } = runIdentity(tinyConfig(folder));
      quantization_config.weight_block_size.reverse();
      putTiny(folder, { 'config.json': { ...TINY, quantization_config } });
      expect(runIdentity(tinyConfig(folder)).configHash).not.toBe(configHash);
    });
  });

  it('lists its files however its folder or its index is written', () => {
    inFolder((folder) => {
      const tensors = tensorsOfTiny();
      const weight_map = Object.fromEntries(
        Object.keys(tensors).map((name) => [name, 'a.safetensors']),
      );
      putTiny(folder, {
        'a.safetensors': filled(tensors),
        'model.safetensors.index.json': { weight_map },
        'run.yaml': Buffer.from(`hardware: ${small}\nmodel: { config: config.json }\n`),
      });
      renameSync(join(folder, 'model.safetensors'), join(folder, 'other'));
      const listed = (weights: string) =>
        loadConfig(join(folder, 'run.yaml'), [`model.weights=${weights}`])
          .files.slice(-2)
          .map(({ path }) => path);
      const index = join(folder, 'model.safetensors.index.json');
      const both = [index, join(folder, 'a.safetensors')];
      expect(listed(folder)).toEqual(both);
      expect(listed(index)).toEqual(both);
      expect(listed(`${folder}/./`)).toEqual(both);
    });
  });

  const cases: [string, string[], string][] = [
    [
      'a folder without weights',
      ['model.weights=none'],
      '--set model.weights=none: model.weights: expected the file none, found no such file',
    ],
    [
      'data: false',
      ['workload.data=false'],
      '--set workload.data=false: workload.data: expected true with model.weights or workload.prompt, found false',
    ],
    [
      'a number',
      ['model.weights=3', 'model.config=tiny'],
      '--set model.weights=3: model.weights: expected the path of a folder, a file *.safetensors, or an index, found 3',
    ],
  ];
  it.each(cases)('is refused with %s', (_, sets, message) => {
    inFolder((folder) => expect(complaint(putTiny(folder), ...sets)).toBe(message));
  });

  it('is refused with more numbers than can be computed with, before they are read', () => {
    inFolder((folder) => {
      putTiny(folder, { 'config.json': { ...TINY, hidden_size: 4096, intermediate_size: 40_000 } });
      expect(complaint(folder)).toMatch(
        /^run\.yaml:2:19: model\.weights: expected at most 268435456 parameters to compute with, found \d+$/,
      );
    });
  });

  it('is refused with a damaged header, at its place', () => {
    inFolder((folder) => {
      putTiny(folder, { 'model.safetensors': Buffer.from('weights!') });
      expect(complaint(folder)).toMatch(
        /^run\.yaml:2:19: model\.weights: model\.safetensors: expected a safetensors file with a header/,
      );
    });
  });
});

describe('workload.prompt', () => {
  it('begins with an empty cache, has room for all positions and computes', () => {
    inFolder((folder) => {
      const config = tinyConfig(putTiny(folder), 'workload.prompt=[5, 6, 7]', 'workload.tokens=4');
      expect(config.prompt).toEqual([5, 6, 7]);
      expect(config.positions).toBe(7);
      expect(config.workload).toMatchObject({ context: 0, data: true, prompt: [5, 6, 7] });
      const held = tinyConfig(folder, 'workload.context=3', 'workload.tokens=4');
      expect(placementOf(config)).toEqual(placementOf(held));
    });
  });

  it('computes with random weights where there are no others', () => {
    inFolder((folder) => {
      putTiny(folder, { 'run.yaml': Buffer.from(`hardware: ${small}\nmodel: .\n`) });
      const { workload, weights } = loadConfig(join(folder, 'run.yaml'), ['workload.prompt=[1]']);
      expect([workload.data, weights]).toEqual([true, undefined]);
    });
  });

  it('may be a text where there is a tokenizer, and is then its tokens', () => {
    inFolder((folder) => {
      putTiny(folder, { 'tokenizer.json': WORDS });
      const text = tinyConfig(folder, 'workload.prompt=t3 t36 t4');
      expect(text.prompt).toEqual([3, 36, 4]);
      expect(text.files.at(-1)?.path).toBe(join(folder, 'tokenizer.json'));
      const tokens = tinyConfig(folder, 'workload.prompt=[3, 36, 4]');
      expect(runIdentity(text).configHash).toBe(runIdentity(tokens).configHash);
    });
  });

  it.each([
    'Once #5 a time',
    '#5 upon',
    'Lily said: hello',
    'Lily said:',
    '- once',
    '&once upon',
    '!once upon',
    '*once',
    '% of it, once',
    '@once upon',
    'said "hello"',
    'once\n\n# upon',
    '5 a time',
    'null',
    'true',
    '[1, 2] # upon',
  ])('is the whole text of a --set: %j', (said) => {
    inFolder((folder) => {
      // Token 0 is the first word and so on.
      const words = said.split(/\s+/);
      const vocab = Object.fromEntries(words.map((word, i) => [word, i]));
      putTiny(folder, { 'tokenizer.json': { ...WORDS, model: { ...WORDS.model, vocab } } });
      const { prompt } = tinyConfig(folder, `workload.prompt=${said}`);
      expect(prompt).toEqual(words.map((_, i) => i));
    });
  });

  it.each([
    ['"t1 t2"', [1, 2]],
    ['"t1\\u0020t2"', [1, 2]],
    [" 't3 t4'", [3, 4]],
    [' [1, 2]', [1, 2]],
  ])('is read as YAML in a --set that begins like a list or a quotation: %s', (said, tokens) => {
    inFolder((folder) => {
      putTiny(folder, { 'tokenizer.json': WORDS });
      expect(tinyConfig(folder, `workload.prompt=${said}`).prompt).toEqual(tokens);
    });
  });

  it('is refused with a word that the tokenizer has no token for, if it has none for such words', () => {
    inFolder((folder) => {
      putTiny(folder, { 'tokenizer.json': WORDS });
      expect(tinyConfig(folder, 'workload.prompt=t1 once t2').prompt).toEqual([1, 0, 2]);
      const { unk_token: _, ...model } = WORDS.model;
      putTiny(folder, { 'tokenizer.json': { ...WORDS, model } });
      expect(complaint(folder, 'workload.prompt=t1 once t2')).toBe(
        '--set workload.prompt=t1 once t2: workload.prompt: tokenizer.json: expected a token for each part of the text, found none for "once"',
      );
    });
  });

  it('uses the last position that the model has', () => {
    inFolder((folder) => {
      putTiny(folder);
      const ids = `[${Array.from({ length: 60 }, (_, i) => i % 37).join(',')}]`;
      const most = tinyConfig(folder, `workload.prompt=${ids}`, 'workload.tokens=5');
      expect(most.positions).toBe(64);
      expect(() => placementOf(most)).not.toThrow();
      const over = tinyConfig(folder, `workload.prompt=${ids}`, 'workload.tokens=6');
      expect(() => placementOf(over)).toThrow(
        /^workload\.tokens: expected at most 5 after the prompt, as .* has 64 positions, found 6$/,
      );
      const none = tinyConfig(folder, `workload.prompt=${ids.replace(']', ',1,2,3,4,5]')}`);
      expect(() => placementOf(none)).toThrow(
        /^workload\.prompt: expected at most 64 tokens, .* found 65$/,
      );
    });
  });

  const P = 'workload.prompt=[1, 2]';
  const cases: [string, string[], string][] = [
    [
      'a context',
      [P, 'workload.context=8'],
      '--set workload.context=8: workload.context: expected 0 with a prompt, which begins with an empty cache, found 8',
    ],
    [
      'data: false',
      [P, 'workload.data=false'],
      '--set workload.data=false: workload.data: expected true with model.weights or workload.prompt, found false',
    ],
    [
      'a token beyond the vocabulary',
      ['workload.prompt=[1, 37]'],
      '--set workload.prompt=[1, 37]: workload.prompt: expected tokens of tiny, 0 to 36, found 37',
    ],
    [
      'a token that is none',
      ['workload.prompt=[1, -2]'],
      '--set workload.prompt=[1, -2]: workload.prompt.1: expected an integer, at least 0, at most 16777216, found -2',
    ],
    [
      'no tokens',
      ['workload.prompt=[]'],
      '--set workload.prompt=[]: workload.prompt: expected token ids such as [1, 15], or a text, found a list',
    ],
    [
      'one number',
      ['workload.prompt=1'],
      '--set workload.prompt=1: workload.prompt: expected token ids such as [1, 15], or a text, found 1',
    ],
    [
      'a text without a tokenizer',
      ['workload.prompt=once'],
      "--set workload.prompt=once: workload.prompt: expected token ids such as [1, 15], as the model's folder has no tokenizer.json, found a text",
    ],
    [
      'a stop beyond the vocabulary',
      [P, 'workload.stop=[99]'],
      '--set workload.stop=[99]: workload.stop: expected tokens of tiny, 0 to 36, found 99',
    ],
    [
      'a list within a list',
      ['workload.prompt=[[1]]'],
      '--set workload.prompt=[[1]]: workload.prompt: expected one value, found a collection',
    ],
    [
      'kind: serving',
      [P, 'workload.kind=serving'],
      '--set workload.prompt=[1, 2]: workload.prompt: expected a mapping with mean and cv with kind: serving, found a list',
    ],
    [
      'stops but no prompt',
      ['workload.stop=[1]'],
      '--set workload.stop=[1]: workload.stop: expected none without a prompt of tokens or text, found a list',
    ],
  ];
  it.each(cases)('is refused with %s', (_, sets, message) => {
    inFolder((folder) => {
      const own = complaint(putTiny(folder), ...sets);
      expect(own.replaceAll(folder.split('/').at(-1)!, 'tiny')).toBe(message);
    });
  });

  it('is refused with a tokenizer that is none', () => {
    inFolder((folder) => {
      for (const [tokenizer, message] of [
        [Buffer.from('{'), /tokenizer\.json: expected JSON, found: /],
        [Buffer.from('[]'), /tokenizer\.json: expected a JSON object, found a list$/],
        [{ model: 3 }, /tokenizer\.json: expected a tokenizer, found one that says: /],
      ] as const) {
        putTiny(folder, { 'tokenizer.json': tokenizer });
        expect(complaint(folder, 'workload.prompt=t1')).toMatch(message);
      }
    });
  });
});
