/** On how many wafers published models with experts lie, by placement alone. */
import { expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { placementOf, requestOf } from '../src/decode/place.js';
import { BITS, formatNamed, type FormatName } from '../src/model/formats.js';
import { storedWeights, wafersByFormat } from '../src/placement/stored-weights.js';

/** On WSE-3 wafers, as many as it takes, for a context of 4096. */
function configOf(model: string, sets: string[] = []) {
  return loadConfig('configs/gpt-oss-120b.yaml', [`model=models/${model}.json`, ...sets]);
}

it.each([
  // In the bits that it is published in.
  { name: 'gpt-oss-120b', sets: [], wafers: 4 },
  { name: 'qwen3-235b-a22b', sets: ['model.weightBits=8'], wafers: 11 },
  { name: 'qwen3-coder-480b-a35b', sets: ['model.weightBits=8'], wafers: 21 },
  {
    name: 'llama-4-maverick',
    sets: ['model.bits.experts=mxfp4', 'model.bits.rest=4'],
    wafers: 12,
  },
  {
    name: 'llama-4-maverick',
    sets: ['model.weightBits=4', 'placement.experts=strips', 'hardware.wafers=12'],
    wafers: 12,
  },
  {
    name: 'llama-4-maverick',
    sets: ['model.bits.experts=int4/128', 'model.bits.rest=4', 'placement.experts=strips'],
    wafers: 12,
  },
])('$name lies on $wafers wafers, with $sets', ({ name, sets, wafers }) => {
  const config = configOf(name, sets);
  const placement = placementOf(config);
  expect(placement.wafers).toBe(wafers);
  const { published, stored, padding } = storedWeights(config.model, placement);
  const share = padding / published;
  console.log(`${name}: ${wafers} wafers, ${(100 * share).toFixed(1)} % of padding and copies`);
  expect(stored - published).toBe(padding);
  expect(share).toBeGreaterThan(0);
  expect(share).toBeLessThan(0.5);
});

it('gpt-oss-20b lies on no more wafers in fewer bits', () => {
  // Narrow wafers, of which it takes several.
  const config = configOf('gpt-oss-20b', ['hardware.width=200']);
  const found = wafersByFormat(config.model, config.wafer, requestOf(config));
  const bitsOf = (name: number | string) => BITS[formatNamed(name as FormatName).type];
  const sizes = found.map(({ bits: { experts, rest }, wafers }) => ({
    ...{ experts: bitsOf(experts!), rest: bitsOf(rest), wafers: wafers ?? Infinity },
  }));
  expect(new Set(sizes.map(({ wafers }) => wafers)).size).toBeGreaterThan(2);
  for (const few of sizes)
    for (const many of sizes)
      if (few.experts < many.experts && few.rest <= many.rest)
        expect(few.wafers).toBeLessThanOrEqual(many.wafers);
});
