/**
 * A run's configuration: YAML files over each other, `--set` over them, the hardware and the model
 * that they name, validated at once, with every default filled in and a hash of the whole.
 */
import { createHash } from 'node:crypto';
import { extend, readChain, referenceOf } from './config/files.js';
import { readModel } from './config/model-file.js';
import { applySets, normalise } from './config/overrides.js';
import { validate } from './config/problems.js';
import { config as schema, hardwareOnly, type Config } from './config/schema.js';
import { serving, transport } from './config/serving-schema.js';
import { child, originAt, withKey } from './config/tree.js';
import type { Node } from './config/yaml.js';
import {
  plainHardware,
  provenanceOf,
  toWafer,
  type HardwareFile,
  type ProvenanceMap,
} from './hardware/hardware-file.js';
import type { WaferSpec } from './hardware/wafer.js';
import type { ModelSpec } from './model/model.js';

export { configSchema } from './config/schema.js';

/** What a run simulates beside hardware, model and placement. */
export type Workload = Config['workload'];
export type PlacementOptions = Config['placement'];

const COMMAND_LINE = 'the command line';

export interface ResolvedConfig {
  wafer: WaferSpec;
  /** By path in the hardware file, such as `fabric.hopCycles`. */
  provenance: ProvenanceMap;
  model: ModelSpec;
  /** Paths from the current directory, or absolute. */
  modelFile: string;
  hardwareFile: string;
  mapping: Config['mapping'];
  exact: boolean;
  workload: Workload;
  placement: PlacementOptions;
  serving?: Config['serving'];
  transport?: Config['transport'];
  scenarios?: Config['scenarios'];
  /** Files that `workload.trace` and `serving.gpus` name, from the current directory or absolute. */
  traceFile?: string;
  gpuFiles: string[];
  /** Plain JSON with every default, paths as they were written; what `configHash` is taken of. */
  resolved: Record<string, unknown>;
}

/**
 * Reads a configuration.
 * @param path a YAML file; the files it names are relative to it
 * @param sets settings `a.b=v` in their order; they win over files
 * @throws ConfigError one line on the first problem, with its place
 */
export function loadConfig(path: string, sets: readonly string[] = []): ResolvedConfig {
  const written = applySets(readChain({ path, from: COMMAND_LINE }), sets);
  const { tree, hardwareFile } = withHardware(written, path);
  const { hardware, model: wanted, ...rest } = validate(schema, tree);
  const { config: modelPath, ...options } = wanted;
  const reference = referenceOf(child(child(tree, 'model'), 'config')!, 'model', path);
  const model = readModel(reference, options, tree);
  const run = withServing(rest);
  const resolved = {
    hardware: { ...hardwareFile.named, ...plainHardware(hardware) },
    model: { config: modelPath, dtype: model.dtype, weightBits: model.weightBits, spec: model },
    ...run,
  };
  return {
    wafer: toWafer(hardware),
    provenance: provenance(hardware, tree),
    model,
    modelFile: reference.path,
    hardwareFile: hardwareFile.path,
    ...run,
    ...servingFiles(tree, path),
    resolved,
  };
}

/** What a serving workload does not say of scheduling and transport has every default. */
function withServing<T extends Pick<Config, 'workload' | 'serving' | 'transport'>>(run: T): T {
  if (run.workload.kind !== 'serving') return run;
  return { serving: serving.parse({}), transport: transport.parse({}), ...run };
}

function servingFiles(tree: Node, mainFile: string): { traceFile?: string; gpuFiles: string[] } {
  const trace = child(child(tree, 'workload'), 'trace');
  const gpus = child(child(tree, 'serving'), 'gpus')?.value;
  const named = Array.isArray(gpus) ? gpus : [];
  return {
    ...(trace && {
      traceFile: referenceOf(child(trace, 'file') ?? trace, 'workload.trace', mainFile).path,
    }),
    gpuFiles: named.map((gpu) => referenceOf(gpu, 'serving.gpus', mainFile).path),
  };
}

/**
 * Reads a hardware file alone.
 * @param path a YAML file, relative to the current directory
 * @param sets settings `hardware.a.b=v`
 * @throws ConfigError one line on the first problem, with its place
 */
export function loadHardware(
  path: string,
  sets: readonly string[] = [],
): { wafer: WaferSpec; provenance: ProvenanceMap } {
  const origin = { label: COMMAND_LINE };
  const root = normalise({ origin, value: new Map([['hardware', { origin, value: path }]]) });
  const { tree } = withHardware(applySets(root, sets), '');
  const { hardware } = validate(hardwareOnly, tree);
  return {
    wafer: toWafer(hardware),
    provenance: provenance(hardware, tree),
  };
}

/** 16 hexadecimal digits of the SHA-256 of a plain JSON value, whatever the order of its keys. */
export function configHash(resolved: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted(resolved)))
    .digest('hex')
    .slice(0, 16);
}

/** The tree with the hardware file under what the configuration says of `hardware` itself. */
function withHardware(written: Node, mainFile: string) {
  const own = child(written, 'hardware');
  const base = child(own, 'extends');
  if (!own || !base) return { tree: written, hardwareFile: { path: mainFile, named: {} } };
  const { path } = referenceOf(base, 'hardware.extends', mainFile);
  const tree = withKey(written, 'hardware', extend(own, 'hardware.', mainFile));
  return { tree, hardwareFile: { path, named: { extends: base.value } } };
}

/** Numbers without a stated source, as those of a `--set`, have the place where they stand. */
function provenance(hardware: HardwareFile, tree: Node): ProvenanceMap {
  return provenanceOf(hardware, (path) => originAt(tree, ['hardware', ...path]).label);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}
