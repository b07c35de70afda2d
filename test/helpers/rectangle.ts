/** Models run on regions of one shape, whatever memory that takes. */
import { loadConfig, type ResolvedConfig } from '../../src/config.js';
import type { EngineName } from '../../src/engine/engines.js';
import type { ModelSpec } from '../../src/model/model.js';
import type { RunDocument } from '../../src/report/document.js';
import { simulateTimes } from './times.js';
import { OPTIONS } from './options.js';

export interface Rectangle {
  rows: number;
  columns: number;
  /** Of all lines. */
  groups: number;
  /** Tokens in the cache, and steps; those of configs/tiny.yaml if not given. */
  context?: number;
  tokens?: number;
  layers?: 'whole' | 'split';
}

interface Asked {
  engine?: EngineName;
  /** Settings of the hardware. */
  sets?: string[];
  workload?: Partial<ResolvedConfig['workload']>;
  placement?: Partial<ResolvedConfig['placement']>;
}

/** A run that computes, unless its workload says otherwise; without a critical path. */
export function runOn(
  model: ModelSpec,
  { rows, columns: layerColumns, groups, layers = 'whole', ...steps }: Rectangle,
  { engine = 'fast', sets = ['hardware.core.sram=1 MiB'], ...asked }: Asked = {},
): Promise<RunDocument> {
  const config = loadConfig('configs/tiny.yaml', ['hardware.width=200', ...sets]);
  const workload = { ...config.workload, ...steps, ...asked.workload };
  const sizes = { growth: 'minimal', rows, layerColumns, groups, layers } as const;
  const placement = { ...config.placement, ...sizes, ...asked.placement };
  return simulateTimes({ ...config, model, workload, placement }, { ...OPTIONS, engine });
}
