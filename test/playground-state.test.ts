/** What the playground shows, as an address and as a command. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CHOICES, CONTROLS, settingText, settingValue } from '../src/playground/controls.js';
import type { Facts } from '../src/playground/messages.js';
import { readKernelLine } from '../src/playground/kernel-line.js';
import {
  aboutOf,
  beginWith,
  commandOf,
  hashOf,
  stateOf,
  type State,
} from '../src/playground/state.js';
import { loadConfig } from '../src/config.js';
import { count } from './helpers/full.js';

const presets = Object.fromEntries(
  ['tiny', 'wse3'].map((name) => [name, readFileSync(`configs/${name}.yaml`, 'utf8')]),
);
const tiny = beginWith('tiny', presets);

describe('the address of the playground', () => {
  const texts = fc.string({ unit: 'binary' });
  const sets = fc.dictionary(
    texts.filter((text) => !text.includes('=') && text !== '__proto__'),
    texts,
    { maxKeys: 5 },
  );

  it('gives the state back, whatever is written', () => {
    const preset = fc.constantFrom('tiny', 'wse3');
    fc.assert(
      fc.property(preset, texts, sets, (name, config, over) => {
        const state: State = { ...beginWith(name, presets), config, sets: { ...over } };
        expect(stateOf(`#${hashOf(state)}`, presets)).toEqual(state);
      }),
      { numRuns: count(50, 1000) },
    );
  });

  it('gives a kernel back, with its hardware', () => {
    const kernel = 'reduce --algorithm chain --pes 9 --words 4 --dtype f32';
    const kernelSets = { 'hardware.fabric.hopCycles': '1' };
    const state: State = { ...tiny, shows: 'kernel', kernel, kernelSets };
    expect(stateOf(hashOf(state), presets)).toEqual(state);
  });

  it('is the first preset where it says nothing, or a preset that there is none of', () => {
    expect(stateOf('', presets)).toEqual(tiny);
    expect(stateOf('#preset=toString', presets)).toEqual(tiny);
  });

  it('holds the whole configuration, so that another preset of the name changes nothing', () => {
    const hash = hashOf({ ...tiny, sets: { 'workload.context': '4' } });
    const later = { ...presets, tiny: 'hardware: wse3\n' };
    expect(stateOf(hash, later).config).toBe(tiny.config);
  });
});

describe('a preset', () => {
  it('is told of in its own words', () => {
    expect(aboutOf(presets['wse3'])).toBe(
      'Llama 3.1 8B on one WSE-3: one user, one decode step on a cache of 4,096 tokens (the default).',
    );
    expect(aboutOf('hardware: wse3\n# not this\n')).toBe('');
  });
});

describe('the command of the playground', () => {
  it('runs the file of an untouched preset', () => {
    expect(commandOf(tiny, presets)).toBe('wafersim run configs/tiny.yaml');
  });

  it('sets what was set, as one word of a shell each', () => {
    const sets = { 'hardware.clock': '1.1 GHz', 'workload.batch': '2', 'model.config': "it's" };
    expect(commandOf({ ...tiny, sets }, presets)).toBe(
      "wafersim run configs/tiny.yaml --set 'hardware.clock=1.1 GHz' --set workload.batch=2" +
        String.raw` --set 'model.config=it'\''s'`,
    );
  });

  it('writes what was changed in the configuration first', () => {
    const config = `${tiny.config}placement:\n  rows: 4\n`;
    const lines = commandOf({ ...tiny, config }, presets).split('\n');
    expect(lines[0]).toBe("cat > configs/playground.yaml <<'END'");
    expect(lines.at(-1)).toBe('wafersim run configs/playground.yaml');
    expect(lines.slice(1, -2).join('\n')).toBe(config.trimEnd());
  });

  it('of a kernel is its line', () => {
    const state: State = {
      ...tiny,
      shows: 'kernel',
      kernelSets: { 'hardware.fabric.queueDepth': '2' },
    };
    expect(commandOf(state, presets)).toBe(
      'wafersim kernel reduce --algorithm chain --pes 16 --words 8 --dtype f32 --set hardware.fabric.queueDepth=2',
    );
  });
});

describe('a kernel on one line', () => {
  it('is its name, its options and its hardware', () => {
    const line =
      ' layer --grid 8x8 --qk-norm --exp=full --hardware wse2 --set hardware.clock=1GHz ';
    expect(readKernelLine(line)).toEqual({
      name: 'layer',
      options: { grid: '8x8', qkNorm: true, exp: 'full' },
      hardware: 'wse2',
      sets: ['hardware.clock=1GHz'],
    });
  });

  it.each([
    ['reduce --pse 4', '--pse: expected one of --algorithm'],
    ['reduce --pes', '--pes: expected a value, found none'],
    ['reduce 4', '4: expected one of'],
  ])('refuses %s', (line, why) => {
    expect(() => readKernelLine(line)).toThrow(why);
  });
});

describe('the controls of the playground', () => {
  const facts: Facts = {
    ...{ clockHz: 1e9, hopCycles: 2, queueDepth: 4, sramBytes: 49_152, width: 32, height: 24 },
    ...{ context: 8, maxContext: 64, batch: 1, strategy: 'row-major', dtype: 'f32', cores: 768 },
  };

  it('make settings that a configuration takes, over their whole range', () => {
    for (const control of CONTROLS) {
      const [least, most, step] = control.range(facts);
      for (const value of [least, least + step, most]) {
        const text = settingText(control, value);
        expect(settingValue(text)).toBe(value);
        expect(() => loadConfig('configs/tiny.yaml', [`${control.path}=${text}`])).not.toThrow();
      }
    }
  });

  it('offer choices that a configuration takes', () => {
    for (const { path, options } of CHOICES)
      for (const option of options(facts))
        expect(() => loadConfig('configs/tiny.yaml', [`${path}=${option}`])).not.toThrow();
  });
});
