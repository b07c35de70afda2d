/** What would have to shrink for fewer wafers: every number is held against the placement itself. */
import { describe, expect, it } from 'vitest';
import { inspect } from '../src/studies/inspect/inspect.js';
import { loadConfig } from '../src/config.js';
import type { WaferSpec } from '../src/hardware/wafer.js';
import type { ModelSpec } from '../src/model/model.js';
import { CapacityError } from '../src/placement/placement.js';
import { formatOf, formatsOf, narrowed } from '../src/model/formats.js';
import { modelOf } from './helpers/dense-models.js';
import { expertLayer } from './helpers/expert-models.js';
import { fewerWafers } from '../src/placement/fewer-wafers.js';
import { place } from '../src/placement/place.js';
import { fewerWafersLine } from '../src/report/fewer-wafers-line.js';
import { asking, llama70b, tiny, wse3 } from './placement-helpers.js';
import { cases, FULL } from './helpers/full.js';

const REPORTED = 4;

const inClasses = (model: ModelSpec) =>
  (['experts', 'attention', 'rest', 'tables'] as const).map((of) => formatOf(model, of));

function withCode(bytes: number, wafers: number): WaferSpec {
  const { core, ...rest } = wse3({ wafers });
  const none = { runtime: 0, attention: 0, mlp: 0, router: 0, experts: 0, embedding: 0, head: 0 };
  return { ...rest, core: { ...core, codeBytes: { ...none, stack: bytes } } };
}

describe('a model on several wafers', () => {
  const placed = place(llama70b, wse3({ wafers: 'auto' }), asking());
  const fewer = fewerWafers(llama70b, wse3(), asking(), placed.wafers);

  it('learns the code with which it fits on fewer, the publicly reported four among them', () => {
    expect(fewer.codeBytes).toBe(5120 + 8000 + 4700 + 1800);
    expect(fewer.withCode.map(({ wafers }) => wafers)).toContain(REPORTED);
    for (const { wafers, codeBytes } of fewer.withCode) {
      expect(place(llama70b, withCode(codeBytes, wafers), asking()).wafers).toBe(wafers);
      expect(() => place(llama70b, withCode(codeBytes + 1, wafers), asking())).toThrow(
        CapacityError,
      );
    }
    const least = fewer.withCode.at(-1)!.wafers;
    expect(() => place(llama70b, withCode(0, least - 1), asking())).toThrow(CapacityError);
  });

  it('learns how many wafers 8-bit weights take, unless it has them', () => {
    const narrow: ModelSpec = { ...llama70b, weightBits: 8 };
    const { wafers } = place(narrow, wse3({ wafers: 'auto' }), asking());
    expect(fewer.in8Bits).toBe(wafers);
    expect(fewerWafers(narrow, wse3(), asking(), wafers).in8Bits).toBeUndefined();
  });

  it('learns how many wafers weights of 4 bits take, and MXFP4 of experts', () => {
    const narrow: ModelSpec = { ...llama70b, weightBits: 4 };
    const { wafers } = place(narrow, wse3({ wafers: 'auto' }), asking());
    expect(fewer.fewerBits).toEqual([{ setting: 'model.weightBits=4', wafers }]);
    expect(fewerWafersLine(fewer)).toContain(`; or with model.weightBits=4: ${wafers}`);
    const settings = (model: ModelSpec) => narrowed(model).map(({ setting }) => setting);
    expect(settings(llama70b)).toEqual(['model.weightBits=8', 'model.weightBits=4']);
    const sparse = modelOf([expertLayer()], { dtype: 'f16', weightBits: 8 });
    expect(settings(sparse)).toEqual([
      'model.bits.experts=mxfp4 model.bits.rest=8 model.bits.tables=8 model.weightBits=8',
      'model.weightBits=4',
    ]);
    const [{ model }] = narrowed(sparse);
    expect(formatsOf(model).map(({ format }) => format.type)).toEqual(['mxfp4', 'i8', 'i8']);
    expect(settings(narrow)).toEqual([]);
  });

  it.each([
    ['nothing', []],
    ['weightBits', ['model.weightBits=16']],
    ['bits', ['model.bits.rest=16', 'model.bits.experts=fp8', 'model.bits.attention=8']],
    ['f32', ['model.dtype=f32']],
  ])('can follow every setting for fewer bits next to %s', (_, sets) => {
    for (const name of ['qwen3-30b-a3b', 'gpt-oss-20b', 'llama-3.1-8b']) {
      const load = (...more: string[]) =>
        loadConfig('configs/wse3.yaml', [`model=../models/${name}.json`, ...sets, ...more]).model;
      const found = narrowed(load());
      expect(found.length).toBeGreaterThan(0);
      for (const { setting, model } of found)
        expect(inClasses(load(...setting.split(' ')))).toEqual(inClasses(model));
    }
  });

  it('learns settings that its configuration takes next to those that it has', () => {
    const sets = ['model=../models/glm-4.6.json', 'model.bits.experts=fp8'];
    const { model } = loadConfig('configs/wse3.yaml', sets);
    const { wafers } = place(model, wse3({ wafers: 'auto' }), asking());
    const fewer = fewerWafers(model, wse3(), asking(), wafers);
    expect(fewer.in8Bits).toBeLessThan(wafers);
    const line = fewerWafersLine(fewer);
    const setting = /with (model\.bits\S.*?): \d/.exec(line)![1];
    const followed = loadConfig('configs/wse3.yaml', [...sets, ...setting.split(' ')]).model;
    expect(inClasses(followed).map(({ type }) => type)).toEqual(['i8', 'i8', 'i8', 'i8']);
    expect(line).not.toMatch(/with model\.weightBits/);
  });

  it('learns it in one line, by inspect and in its refusal on the reported four', async () => {
    const load = (...sets: string[]) =>
      loadConfig('configs/llama-70b.yaml', ['placement.layers=whole', ...sets]);
    const { document, text } = await inspect(load(), 'placement');
    const { fewerWafers: found } = document as { fewerWafers: typeof fewer };
    expect(text).toContain(`  ${fewerWafersLine(found)}`);
    const four = found.withCode.find(({ wafers }) => wafers === REPORTED)!;
    const bytes = four.codeBytes.toLocaleString('en-US');
    expect(text).toContain(
      `4 with ${bytes} at most; or with model.weightBits=8: 4; or with model.weightBits=4: 3; or with placement.layers=split: 6`,
    );
    const refused = await refusal(load(`hardware.wafers=${REPORTED}`));
    expect(refused).toContain(`there are 4 wafers of 870,000 cores`);
    expect(refused).toContain(`or with at most ${bytes} bytes of stack and code in every core`);
    expect(refused).toContain('fit on 7 wafers');
  });

  it.runIf(FULL)('of 405 billion parameters learns how many it needs', async () => {
    const load = (...sets: string[]) =>
      loadConfig('configs/wse3.yaml', ['model=../models/llama-3.1-405b.json', ...sets]);
    for (const bits of cases([8], [16])) {
      const refused = await refusal(load(`model.weightBits=${bits}`));
      const wafers = await placedOn(load(`model.weightBits=${bits}`, 'hardware.wafers=auto'));
      expect(wafers).toBeGreaterThan(1);
      expect(refused).toContain(`it would fit on ${wafers} wafers`);
    }
  });

  it('learns the fewest of the wafers that hold the same code', () => {
    const found = fewerWafers({ ...tiny, weightBits: 8 }, wse3(), asking({ maxPositions: 9 }), 5);
    expect(found).toEqual({
      codeBytes: 19_620,
      withCode: [{ wafers: 1, codeBytes: 19_620 }],
      split: 1,
    });
  });

  it('on one wafer learns nothing', async () => {
    const { text } = await inspect(loadConfig('configs/tiny.yaml'), 'placement');
    expect(text).not.toContain('fewer');
    const one = fewerWafers({ ...tiny, weightBits: 8 }, wse3(), asking({ maxPositions: 9 }), 1);
    expect(fewerWafersLine(one)).toBe('');
  });
});

async function refusal(config: ReturnType<typeof loadConfig>): Promise<string> {
  const error: unknown = await inspect(config, 'placement').catch((e: unknown) => e);
  expect(error).toBeInstanceOf(CapacityError);
  return (error as Error).message;
}

async function placedOn(config: ReturnType<typeof loadConfig>): Promise<number> {
  const { document } = await inspect(config, 'placement');
  return (document as { wafers: number }).wafers;
}
