/**
 * The library for pages: a configuration is text, the files that it names are texts next to it or those that come
 * with the package, and everything runs on one thread, at best a worker's. Results are those of the command.
 */
import { withFiles, type Texts } from './platform/browser.js';
import { loadConfig as loadFile, loadHardware, type ResolvedConfig } from './config.js';
import { ConfigError } from './config/errors.js';
import type { SimulateOptions } from './decode/options.js';
import type { EngineName } from './engine/engines.js';
import { host } from './host.js';
import type { HostResult, KernelDocument, RunDocument } from './report/document.js';
import { runKernel, type KernelOptions } from './studies/kernel/kernel.js';
import { simulate as simulateWith } from './studies/run/run.js';

export { VERSION, type Texts } from './platform/browser.js';
export type { ResolvedConfig } from './config.js';
export { ConfigError } from './config/errors.js';
export { LimitError, MachineError, TooLargeError } from './engine/engine.js';
export { ENGINES, type EngineName } from './engine/engines.js';
export { ModelError } from './model/errors.js';
export { CapacityError } from './placement/placement.js';
export type { RunDetail } from './report/detail.js';
export type { KernelDocument, RunDocument } from './report/document.js';
export type { KernelOptions } from './studies/kernel/kernel.js';

/** A configuration as text. */
export interface TextSource {
  /** YAML, as a configuration's file has it. */
  text: string;
  /** The path that its file would have, which other paths are relative to and documents name (`config.yaml`). */
  path?: string;
  /** Settings `a.b=v` over it. */
  sets?: readonly string[];
  /** Files that it may name, by path. */
  files?: Texts;
}

/** What a page knows of its host: how long it took. */
export type InPage<D extends { host: HostResult }> = Omit<D, 'host'> & {
  host: Omit<HostResult, 'peakRssBytes'>;
};

/**
 * Resolves a configuration.
 * @throws ConfigError one line on the first problem, with its place
 */
export function loadConfig({
  text,
  path = 'config.yaml',
  sets = [],
  files = {},
}: TextSource): ResolvedConfig {
  const config = withFiles({ ...files, [path]: text }, () => loadFile(path, sets));
  if (config.weights !== undefined || config.tokenizer.length > 0)
    throw new ConfigError(
      `${path}: model: expected no weights and no text in a page, which computes no logits; the command does`,
    );
  return config;
}

/**
 * Simulates the decode steps of a configuration, on this thread; timers and messages are served meanwhile.
 * @param options engine (`fast`), `memo`, `maxCycles`; `onProgress`; `onDetail`, for maps; `signal`, an AbortSignal
 * @returns the document `wafersim.run/1` of the command, with nothing of the host's memory
 * @throws CapacityError if the model does not fit the wafers, MachineError if the simulated machine fails,
 *   ConfigError for settings that exclude each other; the signal's reason once it is aborted
 */
export async function simulate(
  config: ResolvedConfig,
  options: Partial<Omit<SimulateOptions, 'runner' | 'shards' | 'shared'>> = {},
): Promise<InPage<RunDocument>> {
  return inPage(
    await simulateWith(config, { engine: 'fast', memo: true, ...HOST, ...options, shards: 1 }),
  );
}

/** Where a kernel runs. */
export interface KernelHost {
  /** A name of bundled hardware, or a path of `files` (`wse3`). */
  hardware?: string;
  /** Settings `hardware.a.b=v`. */
  sets?: readonly string[];
  files?: Texts;
  /** `fast` by default. */
  engine?: EngineName;
  maxCycles?: number;
  /** Whether the critical path is followed as well. */
  path?: boolean;
  signal?: AbortSignal;
}

/**
 * Runs a kernel alone on a rectangle of cores.
 * @param name as of `wafersim kernel`, with its options
 * @returns the document `wafersim.kernel/1` of the command, with nothing of the host's memory
 * @throws ConfigError for what is no kernel or no option of it, MachineError if the simulated machine fails
 */
export async function kernel(
  name: string,
  options: KernelOptions = {},
  { hardware = 'wse3', sets = [], files = {}, engine = 'fast', ...how }: KernelHost = {},
): Promise<InPage<KernelDocument>> {
  const loaded = withFiles(files, () => loadHardware(hardware, sets));
  return inPage(
    await runKernel(name, options, loaded.wafer, engine, { ...HOST, ...how }, loaded.files),
  );
}

/** Of its memory a page is told nothing; documents from here do not have it. */
const HOST = { now: host.now, rss: (): number => 0 };

function inPage<D extends { host: HostResult }>(document: D): InPage<D> {
  const { peakRssBytes: _, ...host } = document.host;
  return { ...document, host };
}
