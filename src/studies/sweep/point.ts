/**
 * A point of a sweep: a configuration with settings over it. It is frozen in the store's plan.ndjson, and
 * runs from there anywhere: here, in a worker, as a task on another host.
 */
import { loadConfig, type ResolvedConfig } from '../../config.js';
import { ConfigError } from '../../config/errors.js';
import type { NamedFile } from '../../config/files.js';
import type { Setting } from '../../config/tree.js';
import type { SimulateOptions } from '../../decode/options.js';
import type { Runner } from '../../decode/runner.js';
import { createShared, familyOf, type Shared } from '../../decode/sharing.js';
import { LimitError, MachineError } from '../../engine/engine.js';
import { EXIT } from '../../exit.js';
import { runIdentity, scenariosIdentity } from '../../identity.js';
import { CapacityError, type Placement } from '../../placement/placement.js';
import { json } from '../../report/json.js';
import type { AnyRun } from '../../report/serving-document.js';
import type { ErrorStatus, PointError } from '../../store/sweep-store.js';
import { failureOf } from '../failure.js';
import { simulate } from '../run/run.js';
import { isServing, scenariosOf } from '../serve/serve.js';
import { serveAll } from '../serve/serve-all.js';
import type { StepCache } from '../steps/step-cache.js';

/** A plain value of an axis, as a setting may have it. */
export type AxisValue = Scalar | Scalar[];
type Scalar = string | number | boolean | null;

/** The configuration that all points vary. */
export interface Base {
  /** From the current directory, or absolute. */
  path: string;
  /** As the plan or the command line says it. */
  written: string;
  /** The plan's file, which paths in its settings are relative to; none for a command line. */
  plan?: string | undefined;
}

/** A line of plan.ndjson: nothing in it depends on where the sweep runs. */
export interface FrozenPoint {
  /** From 0, in the order of the plan. */
  index: number;
  /** That of its document; its folder's name. */
  key: string;
  /** Of the simulator that froze it, as documents have it. */
  version: string;
  /** The value on each axis, by the path that it sets. */
  axes: Record<string, AxisValue>;
  /** All settings over the base, `a.b=v` as `--set` has them: those of the plan, then those of the axes. */
  settings: string[];
  /** Every file that it reads, the base first, as documents have them. */
  files: NamedFile[];
}

/** What became of a point. */
export type Outcome =
  /** Text of run.json. */ { run: string } | /** What error.json says. */ { error: PointError };

/** A point's configuration and settings, and those of its scenarios if it serves requests. */
export interface LoadedPoint {
  config: ResolvedConfig;
  settings: readonly Setting[];
  scenarios: { scenario: string; config: ResolvedConfig }[];
  key: string;
  version: string;
  files: NamedFile[];
}

/**
 * Reads a point's configuration.
 * @throws ConfigError one line on the first problem, with its file and line
 */
export function loadPoint(base: Base, settings: readonly Setting[]): LoadedPoint {
  const config = loadConfig(base, settings);
  const scenarios = isServing(config) ? scenariosOf(config, base, settings) : [];
  const { key, version, files } =
    scenarios.length > 0 ? scenariosIdentity(config, scenarios) : runIdentity(config);
  return { config, settings, scenarios, key, version, files };
}

/**
 * The same of a frozen point.
 * @throws ConfigError also if what is there now is not what was frozen
 */
export function loadFrozen(base: Base, { key, settings, index, files }: FrozenPoint): LoadedPoint {
  const loaded = loadPoint(
    base,
    settings.map((text) => frozenSetting(text, base)),
  );
  if (loaded.key === key) return loaded;
  const other = loaded.files.find(({ sha256 }, i) => sha256 !== files[i]?.sha256);
  throw new ConfigError(
    `${base.written}: expected what point ${index} was frozen from, found another ${other?.path ?? 'version'}`,
  );
}

function frozenSetting(text: string, { plan }: Base): Setting {
  return plan === undefined ? text : { text, origin: { label: `${plan}: ${text}`, file: plan } };
}

/** What points have in common that run one after the other: machines, lines, stages, steps of served requests. */
export interface Kept {
  runner: Runner;
  steps?: StepCache | undefined;
  /** Stages of the last point and those that differ from it in the places of their regions alone. */
  family?: { of: string; shared: Shared };
}

/** How a point is simulated. */
export interface PointOptions extends SimulateOptions {
  kept?: Kept | undefined;
  /** Where its regions lie, if that was found already. */
  placement?: Placement | undefined;
}

/**
 * Runs a point as `wafersim run` does a configuration.
 * @returns the text of its run.json, or why there is none; both outside `host` depend on the point alone
 * @throws the signal's reason once it is aborted
 */
export async function runPoint(
  base: Base,
  point: FrozenPoint,
  options: PointOptions,
): Promise<Outcome> {
  let loaded: LoadedPoint;
  try {
    loaded = loadFrozen(base, point);
  } catch (error) {
    return { error: errorOf(point.key, error) };
  }
  return runLoaded(base, loaded, options);
}

/** The same of a point that has been read. */
export async function runLoaded(
  base: Base,
  loaded: LoadedPoint,
  options: PointOptions,
): Promise<Outcome> {
  try {
    return { run: json(await documentOf(base, loaded, options)) };
  } catch (error) {
    options.signal?.throwIfAborted();
    return { error: errorOf(loaded.key, error) };
  }
}

async function documentOf(
  base: Base,
  { config, settings, scenarios }: LoadedPoint,
  { kept, placement, ...options }: PointOptions,
): Promise<AnyRun> {
  if (scenarios.length > 0)
    return (await serveAll(config, base, settings, { ...options, steps: kept?.steps })).document;
  if (kept === undefined) return simulate(config, options, placement);
  const of = familyOf(config, config.placement.groups);
  if (kept.family?.of !== of) kept.family = { of, shared: createShared() };
  const { runner, family } = kept;
  return simulate(config, { ...options, runner, shared: family.shared }, placement);
}

/** What the store notes of a point that has no run. */
export function errorOf(key: string, error: unknown): PointError {
  const { exitCode, message } = failureOf(error);
  return { schema: 'wafersim.error/1', key, status: statusOf(error, exitCode), exitCode, message };
}

function statusOf(error: unknown, exitCode: number): ErrorStatus {
  if (exitCode !== EXIT.machine) return 'failed';
  if (error instanceof LimitError) return 'limit reached';
  const isRoom =
    error instanceof CapacityError ||
    (error instanceof MachineError && error.code === 'does-not-fit');
  return isRoom ? 'does not fit' : 'machine failed';
}

/** Whether an error is the point's result: it would be the same again. */
export function isResult({ exitCode }: PointError): boolean {
  return exitCode === EXIT.machine;
}
