/**
 * How fast a prompt streams through the simulated layers, next to what is published for a prefill that
 * works otherwise. They are two algorithms, not a prediction and its measurement, so this stands in the
 * notes of a validation and is never judged.
 */
import * as z from 'zod';
import { bundled } from '../../bundled.js';
import { loadConfig } from '../../config.js';
import { readText, type NamedFile } from '../../config/files.js';
import { validate } from '../../config/problems.js';
import { readYaml } from '../../config/yaml.js';
import { deploymentOf, stepTimes, type GridWork } from '../steps/step-times.js';
import { expected } from '../../config/errors.js';
import type { PrefillNote } from './document.js';
import { above0, SYSTEMS } from './measurements.js';

const text = z.string(expected('a text'));
const answer = z.strictObject({ outputTokens: above0, tokensPerSecond: above0 });

const figure = z.strictObject({
  id: text,
  model: text,
  system: z.literal(Object.keys(SYSTEMS) as (keyof typeof SYSTEMS)[]),
  promptTokens: above0,
  /** Output tokens over the time of prompt and answer together, for two lengths of the answer. */
  endToEnd: z.tuple([answer, answer]),
  source: text,
  algorithm: text,
});

const file = z.strictObject({ schema: z.literal('prefill/1'), figures: z.array(figure) });

type Answer = z.output<typeof answer>;
type PrefillFigure = z.output<typeof figure>;

/** Figures that are published, with `only` in their id; their file is noted in `files`. */
export function prefillFigures(only = '', files?: NamedFile[]): PrefillFigure[] {
  const path = bundled('measurements/prefill.json');
  const { figures } = validate(
    file,
    readYaml(readText({ path, from: 'measurements' }, files), path),
  );
  return figures.filter(({ id }) => id.includes(only));
}

/**
 * Prompt tokens per second out of two answers to the same prompt: n / rate = prefill + n x decode for
 * both, with the same prefill and the same time per decoded token.
 */
export function prefillRate(promptTokens: number, [a, b]: [Answer, Answer]): number {
  const seconds = ({ outputTokens, tokensPerSecond }: Answer) => outputTokens / tokensPerSecond;
  const perToken = (seconds(b) - seconds(a)) / (b.outputTokens - a.outputTokens);
  return promptTokens / (seconds(a) - a.outputTokens * perToken);
}

/** Simulates a prompt's tokens, one after the other, at the mean context that they find. */
export async function prefillNotes(
  only: string,
  { progress: _, ...work }: GridWork,
): Promise<PrefillNote[]> {
  return Promise.all(prefillFigures(only).map(async (figure) => noteOf(figure, work)));
}

/** A decode run of a bundled model on the hardware of a measured system. */
export function decodeConfig(system: keyof typeof SYSTEMS, model: string, ...sets: string[]) {
  return loadConfig(bundled('configs/wse3.yaml'), [
    `hardware=${JSON.stringify(bundled(`configs/hardware/${SYSTEMS[system]}.yaml`))}`,
    `model=${JSON.stringify(bundled(`models/${model}.json`))}`,
    ...sets,
  ]);
}

async function noteOf(
  { endToEnd, id, model, system, promptTokens, source, algorithm }: PrefillFigure,
  work: GridWork,
): Promise<PrefillNote> {
  const config = decodeConfig(system, model, `workload.context=${promptTokens}`);
  const { spacing } = await stepTimes(deploymentOf(config), Math.floor(promptTokens / 2), work);
  return {
    id,
    system,
    promptTokens,
    published: prefillRate(promptTokens, endToEnd),
    simulated: config.wafer.clockHz / spacing,
    source,
    algorithm,
  };
}
