/**
 * How far the uncertain numbers of the hardware move a result: each is set to both ends of its stated
 * range, one at a time, then all at once to where each alone was slowest, and fastest. The model is
 * placed anew each time, as somebody who knew the number would place it.
 */
import { loadConfig } from '../config.js';
import { MachineError } from '../engine/engine.js';
import type { ProvenanceMap } from '../hardware/hardware-file.js';
import { CapacityError } from '../placement/errors.js';
import type { RunDocument, Sensitivity } from '../report/document.js';
import { simulate, type SimulateOptions } from '../simulate.js';

/** Hardware numbers that take no part in timing. */
const WITHOUT_EFFECT = new Set(['power']);

type Setting = [path: string, value: number];

/** Tokens per second of one user, or why the simulated machine refuses. */
type Speed = number | { refused: string };

/** Hardware numbers that state a range in which the truth may lie, by path, in base units. */
export function uncertainNumbers(provenance: ProvenanceMap): [string, [number, number]][] {
  return Object.entries(provenance).flatMap(([path, { range }]): [string, [number, number]][] =>
    range && !WITHOUT_EFFECT.has(path) ? [[path, range]] : [],
  );
}

/**
 * Varies the configuration of a finished run, which was loaded from `path` and `sets`.
 * @throws ConfigError, as `loadConfig`
 */
export async function sensitivityOf(
  run: RunDocument,
  path: string,
  sets: readonly string[],
  options: SimulateOptions,
): Promise<Required<Pick<RunDocument, 'sensitivity' | 'sensitivityBand'>>> {
  const config = loadConfig(path, sets);
  const numbers = uncertainNumbers(config.provenance);
  const { context, tokens } = config.workload;
  // A run's speed is that of its last step, and does not depend on what it computes.
  const lastStep = { context: context + tokens - 1, tokens: 1, data: false };
  const lastStepSets = Object.entries(lastStep).map(([key, value]) => `workload.${key}=${value}`);
  const base = run.decode.tokensPerSecondPerUser;
  const total = 2 * numbers.length + 2;
  let done = 0;

  async function speedWith(settings: Setting[], what: string): Promise<Speed> {
    options.onProgress?.({ done: done++, total, what });
    const changes = settings.filter(([name, value]) => value !== valueAt(config.resolved, name));
    if (changes.length === 0) return base;
    const changed = changes.map(([name, value]) => `hardware.${name}=${value}`);
    return speedOf(path, [...sets, ...lastStepSets, ...changed], options);
  }

  const sensitivity: Sensitivity[] = [];
  const slowest: Setting[] = [];
  const fastest: Setting[] = [];
  for (const [name, range] of numbers) {
    const speeds: [Speed, Speed] = [
      await speedWith([[name, range[0]]], name),
      await speedWith([[name, range[1]]], name),
    ];
    const tried: [value: number, speed: Speed][] = [
      [valueAt(config.resolved, name), base],
      [range[0], speeds[0]],
      [range[1], speeds[1]],
    ];
    const known = tried.filter((one): one is [number, number] => typeof one[1] === 'number');
    known.sort((a, b) => a[1] - b[1]);
    const [[low, slow], [high, fast]] = [known[0], known.at(-1)!];
    slowest.push([name, low]);
    fastest.push([name, high]);
    sensitivity.push(effect(name, range, [slow, fast], speeds));
  }
  const worst = await speedWith(slowest, 'all at their slowest');
  const best = await speedWith(fastest, 'all at their fastest');
  const speeds = sensitivity.flatMap((row) => row.tokensPerSecondPerUser);
  const oneAtATime: [number, number] = [Math.min(base, ...speeds), Math.max(base, ...speeds)];
  return {
    sensitivity,
    sensitivityBand: { oneAtATime, allAtOnce: [numberOf(worst), numberOf(best)] },
  };
}

async function speedOf(
  path: string,
  sets: string[],
  { onProgress: _, ...options }: SimulateOptions,
): Promise<Speed> {
  try {
    const { decode } = await simulate(loadConfig(path, sets), options);
    return decode.tokensPerSecondPerUser;
  } catch (error) {
    if (error instanceof CapacityError || error instanceof MachineError)
      return { refused: error.message };
    throw error;
  }
}

function effect(
  name: string,
  range: [number, number],
  tokensPerSecondPerUser: [number, number],
  speeds: [Speed, Speed],
): Sensitivity {
  const refused = speeds.find((speed) => typeof speed !== 'number')?.refused;
  return {
    parameter: `hardware.${name}`,
    range,
    tokensPerSecondPerUser,
    atEnds: [numberOf(speeds[0]), numberOf(speeds[1])],
    ...(refused !== undefined && { refused }),
  };
}

function numberOf(speed: Speed): number | null {
  return typeof speed === 'number' ? speed : null;
}

/** A number of the hardware as resolved. */
function valueAt(resolved: Record<string, unknown>, path: string): number {
  const keys = ['hardware', ...path.split('.')];
  return keys.reduce<unknown>((node, key) => (node as typeof resolved)[key], resolved) as number;
}
