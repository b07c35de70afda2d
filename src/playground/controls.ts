/** The controls of the playground: which setting each one makes, and over which range. */
import type { Facts } from './messages.js';

export interface Control {
  /** The path of its setting. */
  path: string;
  label: string;
  /** What its number is counted in, as it is written; none for plain numbers. */
  unit?: string;
  /** Whether it belongs to the machine, which kernels have too. */
  ofMachine?: true;
  /** A number of the configuration in this unit; undefined where the configuration leaves it open. */
  of: (facts: Facts) => number | undefined;
  /** Least, most and step, for a configuration. */
  range: (facts: Facts) => [least: number, most: number, step: number];
}

export interface Choice {
  path: string;
  label: string;
  options: (facts: Facts) => readonly string[];
  of: (facts: Facts) => string | undefined;
}

export const CONTROLS: readonly Control[] = [
  {
    ...{ path: 'hardware.clock', label: 'clock', unit: 'GHz' },
    of: ({ clockHz }) => clockHz / 1e9,
    range: () => [0.5, 1.5, 0.025],
  },
  {
    ...{ path: 'hardware.fabric.hopCycles', label: 'hop', unit: 'cycles', ofMachine: true },
    of: ({ hopCycles }) => hopCycles,
    range: () => [1, 8, 1],
  },
  {
    ...{ path: 'hardware.fabric.queueDepth', label: 'queue depth', unit: 'slots', ofMachine: true },
    of: ({ queueDepth }) => queueDepth,
    range: () => [1, 16, 1],
  },
  {
    ...{ path: 'hardware.core.sram', label: 'SRAM per core', unit: 'KiB' },
    of: ({ sramBytes }) => sramBytes / 1024,
    range: () => [16, 128, 4],
  },
  {
    ...{ path: 'hardware.width', label: 'mesh, cores across', unit: 'cores' },
    of: ({ width }) => width,
    range: ({ width }) => around(width),
  },
  {
    ...{ path: 'hardware.height', label: 'mesh, cores down', unit: 'cores' },
    of: ({ height }) => height,
    range: ({ height }) => around(height),
  },
  {
    ...{ path: 'placement.rows', label: "rows of a layer's region", unit: 'rows' },
    of: ({ rows }) => rows,
    range: ({ height }) => [1, height, 1],
  },
  {
    ...{ path: 'workload.context', label: 'context', unit: 'tokens' },
    of: ({ context }) => context,
    range: ({ maxContext }) => [0, maxContext, Math.max(1, Math.round(maxContext / 128))],
  },
  {
    ...{ path: 'workload.batch', label: 'batch', unit: 'users' },
    of: ({ batch }) => batch,
    range: () => [1, 32, 1],
  },
];

export const CHOICES: readonly Choice[] = [
  {
    ...{ path: 'placement.strategy', label: 'strategy' },
    options: () => ['row-major', 'snake', 'hilbert', 'greedy', 'anneal', 'optimal'],
    of: ({ strategy }) => strategy,
  },
  {
    ...{ path: 'model.weightBits', label: 'bits of a weight' },
    options: ({ dtype }) => [dtype === 'f32' ? '32' : '16', '8', '4'],
    of: ({ weightBits }) => weightBits,
  },
];

/** Settings whose number is written with its unit. */
const WITH_UNIT = new Set(['hardware.clock', 'hardware.core.sram']);

/** What a control's setting says. */
export function settingText({ path, unit }: Control, value: number): string {
  return WITH_UNIT.has(path) ? `${value} ${unit}` : String(value);
}

/** The number that a setting says; NaN if it says none. */
export function settingValue(text: string): number {
  return Number.parseFloat(text);
}

/** From a quarter to four times a number of cores, in whole steps. */
function around(cores: number): [number, number, number] {
  const most = Math.min(2048, 4 * cores);
  return [Math.max(1, Math.floor(cores / 4)), most, Math.max(1, Math.round(most / 128))];
}
