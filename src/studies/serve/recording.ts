/**
 * A folder with all that was asked of an endpoint and came of it: `trace.ndjson`, written as it happens, and
 * `run.yaml`, a configuration with which `run` serves the same requests again and compares.
 */
import { join, resolve } from 'node:path';
import type { ResolvedConfig } from '../../config.js';
import { ConfigError } from '../../config/errors.js';
import type { Speculation } from '../../config/speculation.js';
import type { Driver } from '../../serving/driver.js';
import { recordedDriver } from '../../serving/record.js';
import { beginRecord, type GrowingFile } from '../../store/record-folder.js';

const TRACE = 'trace.ndjson';

export interface Recording {
  driver: Driver;
  close(): void;
}

/**
 * @param onFailure receives, once, why nothing more can be recorded; what is served goes on
 * @throws ConfigError if the folder has a record already, or cannot be written to
 */
export function recordInto(
  folder: string,
  driver: Driver,
  config: ResolvedConfig,
  maxContext: number,
  onFailure: (error: Error) => void,
): Recording {
  const file = begin(folder, config, maxContext);
  let isOpen = true;
  const trying = (write: () => void) => {
    if (!isOpen) return;
    try {
      write();
    } catch (error) {
      isOpen = false;
      onFailure(error as Error);
    }
  };
  const recorded = recordedDriver(driver, (lines) => trying(() => file.append(lines)));
  return {
    driver: recorded,
    close() {
      recorded.end();
      trying(() => file.close());
      isOpen = false;
    },
  };
}

function begin(folder: string, config: ResolvedConfig, maxContext: number): GrowingFile {
  try {
    return beginRecord(folder, TRACE, { 'run.yaml': replayConfig(config, maxContext) });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new ConfigError(
      code === 'EEXIST'
        ? `--record: expected a folder without a record, found ${join(folder, TRACE)}`
        : `--record: expected a folder to write to, found: ${message}`,
    );
  }
}

/** What does not say how requests are served, but which ones. */
const OF_REQUESTS = new Set([
  ...['trace', 'skipInvalid', 'requests', 'arrivals', 'prompt', 'output', 'sessions'],
  'horizonSeconds',
]);

/**
 * The configuration that serves the record: all values as they were, files by their whole paths, one key to a line.
 * @param maxContext of the endpoint, so that the same steps are simulated
 */
export function replayConfig(
  { resolved, modelFile, weights, gpuFiles, serving, workload: { speculation } }: ResolvedConfig,
  maxContext: number,
): string {
  // Of several models it is one that was recorded.
  const { scenarios: _, deployments: __, ...one } = resolved as Record<string, object>;
  const { hardware, model, workload, ...rest } = one;
  const { extends: ___, ...machine } = hardware as { extends?: string };
  const kept = Object.entries(workload).filter(([key]) => !OF_REQUESTS.has(key));
  const drafted = speculation && { speculation: atWholePath(workload, speculation) };
  const values = {
    ...rest,
    hardware: machine,
    model: {
      ...model,
      config: resolve(modelFile),
      ...(weights && { weights: resolve(weights.path) }),
    },
    workload: { ...Object.fromEntries(kept), ...drafted, kind: 'serving', trace: TRACE },
    serving: {
      ...serving,
      maxContext,
      ...(gpuFiles.length > 0 && { gpus: gpuFiles.map((file) => resolve(file)) }),
    },
  };
  const lines = Object.entries(values).map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`);
  return `# What an endpoint was asked, again: wafersim run run.yaml\n${lines.join('')}`;
}

/** What a configuration says of speculation, its draft's files by their whole paths. */
function atWholePath(workload: object, { draft }: Speculation): object {
  const { speculation } = workload as { speculation: { draft: object } };
  if (draft.kind !== 'model') return speculation;
  const { modelFile, weights } = draft;
  const files = {
    config: resolve(modelFile),
    ...(weights && { weights: resolve(weights.path) }),
  };
  return { ...speculation, draft: { ...speculation.draft, ...files } };
}
