/**
 * A run's configuration: YAML files over each other, `--set` over them, the hardware and the model
 * that they name, validated at once, with every default filled in and a hash of the whole.
 */
import { sha256Of } from './config/json.js';
import { ConfigError } from './config/errors.js';
import { configIn, tokenizerOf, weightFiles, withModelConfig } from './config/checkpoint-files.js';
import type { WeightFiles } from './config/checkpoint-files.js';
import { asNamed, extend, noteFile, readChain, referenceOf } from './config/files.js';
import type { NamedFile, ReadFile, Reference } from './config/files.js';
import { withDeployment, withOwnWafers } from './config/deployments.js';
import { plainEconomics } from './config/economics-schema.js';
import { readModel } from './config/model-file.js';
import {
  applySets,
  normalise,
  child,
  keyOriginAt,
  originAt,
  withKey,
  type Setting,
} from './config/tree.js';
import { validate } from './config/problems.js';
import { promptOf } from './config/prompt.js';
import { routingTraceOf } from './config/routing-file.js';
import { config as schema, hardwareOnly, type Config } from './config/schema.js';
import { serving, transport } from './config/serving-schema.js';
import { readSpeculation, refuseTrees, storedAs } from './config/speculation.js';
import type { ReadSpeculation, Speculation } from './config/speculation.js';
import type { Node } from './config/yaml.js';
import { readGpu } from './config/gpu-file.js';
import { plainHardware, provenanceOf, toWafer } from './config/hardware-file.js';
import type { HardwareFile, ProvenanceMap } from './config/hardware-file.js';
import type { WaferSpec } from './hardware/wafer.js';
import type { LatentForm } from './mapping/mapping.js';
import type { MappingName } from './mapping/mappings.js';
import { show } from './model/errors.js';
import type { ModelSpec } from './model/model.js';
import type { Economics } from './serving/cost.js';
import type { ChosenExperts } from './model/plain/decoder.js';

export { configSchema } from './config/schema.js';

/** A configuration's file, and settings over it. */
export interface Source {
  path: string;
  sets: readonly string[];
}

/** The path of a configuration's file, and how documents have it if that is not as it is. */
export type ConfigFile = string | { path: string; written: string };

const COMMAND_LINE = 'the command line';

/** What is decoded or served, with the draft's model read. */
export type Workload = Omit<Config['workload'], 'speculation'> & { speculation?: Speculation };

export interface ResolvedConfig {
  wafer: WaferSpec;
  /** By path in the hardware file, such as `fabric.hopCycles`. */
  provenance: ProvenanceMap;
  model: ModelSpec;
  /** Paths from the current directory, or absolute. */
  modelFile: string;
  hardwareFile: string;
  /** What `model.weights` names, if anything: the numbers to compute with. */
  weights?: WeightFiles;
  /** Token ids of `workload.prompt`, which the empty cache begins with. */
  prompt?: readonly number[];
  /** Positions that regions have room for, where those are not the context and the steps. */
  positions?: number;
  /** Choices of the experts of every layer, token after token, where `workload.routing` names a file of them. */
  routingTrace?: readonly ChosenExperts[];
  /** Files of the model's tokenizer, where weights or a prompt call for one and there is one. */
  tokenizer: readonly string[];
  mapping: MappingName;
  /** What the cache of latent attention has, where the configuration says it. */
  latent?: LatentForm;
  exact: boolean;
  workload: Workload;
  placement: Config['placement'];
  serving?: Config['serving'];
  transport?: Config['transport'];
  /** Prices, and where each is written or what its source is, by path. */
  economics?: Economics;
  priceSources: ProvenanceMap;
  scenarios?: Config['scenarios'];
  /** Several models on one system; the first one's model and workload are those of this configuration. */
  deployments?: Config['deployments'];
  /** The file that `workload.trace` names, from the current directory or absolute. */
  traceFile?: string;
  /** The files that `serving.gpus` names, likewise. */
  gpuFiles: string[];
  /** Plain JSON with every default, paths as they were written. */
  resolved: Record<string, unknown>;
  /** The same with the content of files in place of their paths: what `configHash` is taken of. */
  canonical: Record<string, unknown>;
  /** What the hardware file states of its numbers, wherever it lies. */
  stated: ProvenanceMap;
  /** Every file that was read, in the order in which they are named. */
  files: NamedFile[];
  /** Where each of them lies, from the current directory or absolute. */
  places: string[];
}

/**
 * Reads a configuration.
 * @param file a YAML file; the files it names are relative to it
 * @param sets settings `a.b=v` in their order; they win over files
 * @param deployment the name of one of `deployments`, to have the configuration as it has it
 * @throws ConfigError one line on the first problem, with its file and line
 */
export function loadConfig(
  file: ConfigFile,
  sets: readonly Setting[] = [],
  deployment?: string,
): ResolvedConfig {
  const read: ReadFile[] = [];
  const main = typeof file === 'string' ? { path: file } : file;
  const { path } = main;
  const chain = readChain({ ...main, from: COMMAND_LINE }, '', read);
  const whole = withOwnWafers(applySets(withDeployment(chain, deployment), sets), deployment);
  const { tree: merged, hardwareFile } = withHardware(whole, path, read);
  const tree = withModelConfig(merged);
  refuseTrees(tree);
  const { hardware, model: wanted, mapping, economics, ...asked } = validate(schema, tree);
  const rest = { ...asked, ...(economics && { economics: plainEconomics(economics) }) };
  const { config: modelPath, weights: weightsPath, spec: expectedSpec, ...options } = wanted;
  const named = child(child(tree, 'model'), 'config')!;
  // A folder of weights is no name of a bundled model.
  const isOfWeights = child(child(merged, 'model'), 'config') === undefined;
  const reference = configIn(
    isOfWeights
      ? referenceOf(named, 'model.weights', path)
      : referenceOf(named, 'model', path, 'model'),
  );
  const { model, block } = readModel(reference, options, tree, read);
  const begun = read.length;
  const weights = weightFiles(tree, path, model, block, read);
  const tokenizer = tokenizerFilesOf(rest, { weights, reference }, read);
  const checkpoint = read.slice(begun);
  const prompt = promptOf(rest.workload, model, tree, tokenizer);
  const routing = routingTraceOf(rest.workload, tree, path, model, read);
  const { speculation: speculating, kind } = rest.workload;
  const of = { model, weights: weights !== undefined, kind };
  const speculation = readSpeculation(speculating, tree, path, of, read);
  const computing = withData(rest, { weights, prompt }, tree);
  const run = withServing(withContext(computing, model, tree));
  const said = { ...withSpeculation(run, speculation?.written), ...mappingAs(mapping) };
  const served = servingFiles(tree, path, read);
  refuseOtherGpus(rest, served.gpus, tree);
  const machine = plainHardware(hardware);
  // What its file calls its fields is no part of what was run.
  const { published: _, ...spec } = model;
  checkSpec(expectedSpec, spec, tree);
  const resolved = {
    hardware: { ...hardwareFile.named, ...machine },
    model: {
      config: modelPath,
      ...(weightsPath !== undefined && { weights: weightsPath }),
      ...{ dtype: model.dtype, ...storedAs(model) },
      ...(options.indexer && { indexer: options.indexer }),
      spec,
    },
    ...said,
  };
  return {
    wafer: toWafer(hardware),
    provenance: provenance(hardware, tree),
    model,
    modelFile: reference.path,
    ...(weights && { weights }),
    ...(prompt && { prompt, positions: positionsFor(prompt, run.workload.tokens, model) }),
    ...(routing && { routingTrace: routing.tokens }),
    tokenizer,
    hardwareFile: hardwareFile.path,
    ...withSpeculation(run, speculation?.resolved),
    mapping: mapping.name,
    ...(mapping.latent !== 'auto' && { latent: mapping.latent }),
    ...(served.trace && { traceFile: served.trace.path }),
    gpuFiles: served.gpuFiles,
    resolved,
    canonical: canonicalOf(machine, model, withRouting(said, routing?.sha256), served, {
      checkpoint,
      block: weights?.block,
      speculation,
    }),
    stated: provenanceOf(hardware, () => ''),
    priceSources: provenanceOf(economics, (path) => originAt(tree, ['economics', ...path]).label),
    files: read.map(asNamed),
    places: read.map(({ at }) => at),
  };
}

/** A result's configuration runs again as it is; of another model it would say what is not so. */
function checkSpec(expected: object | undefined, spec: object, tree: Node): void {
  if (expected === undefined || sha256Of(expected) === sha256Of(spec)) return;
  const { label } = originAt(tree, ['model', 'spec']);
  throw new ConfigError(
    `${label}: model.spec: expected what model.config and the other settings say, or no such key, found a model that differs`,
  );
}

/** A mapping by its name, if that says all. */
function mappingAs({ name, latent }: Config['mapping']): {
  mapping: MappingName | Config['mapping'];
} {
  return { mapping: latent === 'auto' ? name : { name, latent } };
}

/** A run whose choices are those of a file, by its content. */
function withRouting<T extends Pick<Config, 'workload'>>(run: T, sha256: string | undefined): T {
  return sha256 === undefined ? run : { ...run, workload: { ...run.workload, routing: sha256 } };
}

/** Room for a prompt and all steps; the last step's choice, which none takes, has no position by need. */
function positionsFor(prompt: readonly number[], tokens: number, model: ModelSpec): number {
  const needed = prompt.length - 1 + tokens;
  return Math.max(needed, Math.min(needed + 1, model.maxContext));
}

/** The tokenizer's files; of runs with neither weights nor a prompt none is looked for. */
function tokenizerFilesOf(
  { workload: { prompt } }: Pick<Config, 'workload'>,
  { weights, reference }: { weights: WeightFiles | undefined; reference: Reference },
  files: ReadFile[],
): string[] {
  const isText = Array.isArray(prompt) || typeof prompt === 'string';
  if (weights === undefined && !isText) return [];
  const { path: model, from } = reference;
  return tokenizerOf({ weights: weights?.path, model, from }, files);
}

/** Weights and prompts are to compute with; a prompt begins with an empty cache. */
function withData<T extends Pick<Config, 'workload'>>(
  run: T,
  { weights, prompt }: { weights: WeightFiles | undefined; prompt: number[] | undefined },
  tree: Node,
): T {
  if (weights === undefined && prompt === undefined) return run;
  const { workload } = run;
  const data = child(child(tree, 'workload'), 'data');
  if (data?.value === false)
    throw new ConfigError(
      `${data.origin.label}: workload.data: expected true with model.weights or workload.prompt, found false`,
    );
  return { ...run, workload: { ...workload, data: true, ...(prompt && { prompt, context: 0 }) } };
}

/** A context that is not given leaves room for the run's tokens in the positions that the model has. */
function withContext<T extends Pick<Config, 'workload'>>(run: T, model: ModelSpec, tree: Node): T {
  if (child(child(tree, 'workload'), 'context') !== undefined) return run;
  const { context, tokens, speculation } = run.workload;
  if (context === 0) return run;
  // A last round may verify drafted tokens beyond the end.
  const beyond = speculation === undefined ? 0 : speculation.tokens - 1;
  const room = Math.max(0, model.maxContext - tokens - beyond);
  return { ...run, workload: { ...run.workload, context: Math.min(context, room) } };
}

/** A run whose speculation is as something else has it: resolved, written, or by content. */
function withSpeculation<T extends Pick<Config, 'workload'>, S>(
  run: T,
  speculation: S | undefined,
) {
  const { speculation: _, ...workload } = run.workload;
  return { ...run, workload: { ...workload, ...(speculation && { speculation }) } };
}

/** What a serving workload does not say of scheduling and transport has every default. */
function withServing<T extends Pick<Config, 'workload' | 'serving' | 'transport'>>(run: T): T {
  if (run.workload.kind !== 'serving') return run;
  return { serving: serving.parse({}), transport: transport.parse({}), ...run };
}

/** What serving reads: the trace, which may be long, by its hash. */
function servingFiles(tree: Node, mainFile: string, files: ReadFile[]) {
  const named = child(child(tree, 'workload'), 'trace');
  const trace = named && referenceOf(child(named, 'file') ?? named, 'workload.trace', mainFile);
  if (trace) noteFile(trace, files);
  const traceHash = trace && files.at(-1)!.sha256;
  const list = child(child(tree, 'serving'), 'gpus')?.value;
  const references = (Array.isArray(list) ? list : []).map((gpu) =>
    referenceOf(gpu, 'serving.gpus', mainFile, 'gpu'),
  );
  const gpus = references.map((reference) => readGpu(reference, files).gpu);
  return { trace, traceHash, gpuFiles: references.map(({ path }) => path), gpus };
}

/** Prices are of GPUs that there are. */
function refuseOtherGpus(
  { economics }: { economics?: Economics },
  gpus: readonly { name: string }[],
  tree: Node,
): void {
  const known = gpus.map(({ name }) => name);
  const stray = Object.keys(economics?.gpus ?? {}).find((name) => !known.includes(name));
  if (stray === undefined) return;
  const { label } = keyOriginAt(tree, ['economics', 'gpus', stray]);
  const expected =
    known.length === 0
      ? 'GPUs to compare with in serving.gpus, such as [h100]'
      : `a GPU of serving.gpus (${known.join(', ')})`;
  throw new ConfigError(
    `${label}: economics.gpus.${stray}: expected ${expected}, found ${show(stray)}`,
  );
}

/**
 * What a configuration says, however it is spelt: without paths and what is named after them, without the names
 * of a model's fields, with the defaults of what it leaves out. Scenarios are configurations of their own (see
 * `identityOf`).
 */
function canonicalOf(
  hardware: object,
  { name: _, published: __, ...spec }: ModelSpec,
  {
    scenarios: ___,
    deployments: ____,
    ...run
  }: Omit<Config, 'hardware' | 'model' | 'mapping' | 'economics'> & {
    economics?: Economics;
  } & ReturnType<typeof mappingAs>,
  { traceHash, gpus }: ReturnType<typeof servingFiles>,
  {
    checkpoint,
    block,
    speculation,
  }: {
    checkpoint: readonly ReadFile[];
    block: WeightFiles['block'];
    speculation: ReadSpeculation | undefined;
  },
): Record<string, unknown> {
  const { workload: asked } = withSpeculation(run, speculation?.canonical);
  const workload = { kind: 'decode', skipInvalid: false, ...asked };
  return {
    ...run,
    hardware,
    model: spec,
    ...(checkpoint.length > 0 && { checkpoint: checkpoint.map(({ sha256 }) => sha256) }),
    ...(block && { block }),
    workload: traceHash === undefined ? workload : { ...workload, trace: traceOf(run, traceHash) },
    serving: { ...(run.serving ?? serving.parse({})), gpus },
    transport: run.transport ?? transport.parse({}),
  };
}

/** A trace by its content, and how it is to be read. */
function traceOf({ workload: { trace } }: Pick<Config, 'workload'>, file: string | null): object {
  return typeof trace === 'object' ? { ...trace, file } : { file };
}

/**
 * Reads a hardware file alone.
 * @param path a YAML file, relative to the current directory
 * @param sets settings `hardware.a.b=v`
 * @throws ConfigError one line on the first problem, with its file and line
 */
export function loadHardware(
  path: string,
  sets: readonly string[] = [],
): { wafer: WaferSpec; provenance: ProvenanceMap; files: NamedFile[] } {
  const files: ReadFile[] = [];
  const origin = { label: COMMAND_LINE };
  const root = normalise({ origin, value: new Map([['hardware', { origin, value: path }]]) });
  const { tree } = withHardware(applySets(root, sets), '', files);
  const { hardware } = validate(hardwareOnly, tree);
  return {
    wafer: toWafer(hardware),
    provenance: provenance(hardware, tree),
    files: files.map(asNamed),
  };
}

/** 16 hexadecimal digits of the SHA-256 of a plain JSON value, whatever the order of its keys. */
export function configHash(value: unknown): string {
  return sha256Of(value).slice(0, 16);
}

/** The tree with the hardware file under what the configuration says of `hardware` itself. */
function withHardware(written: Node, mainFile: string, files: ReadFile[]) {
  const own = child(written, 'hardware');
  const base = child(own, 'extends');
  if (!own || !base) return { tree: written, hardwareFile: { path: mainFile, named: {} } };
  const { path } = referenceOf(base, 'hardware.extends', mainFile, 'hardware');
  const tree = withKey(written, 'hardware', extend(own, 'hardware.', mainFile, files));
  return { tree, hardwareFile: { path, named: { extends: base.value } } };
}

/** Numbers without a stated source, as those of a `--set`, have the place where they stand. */
function provenance(hardware: HardwareFile, tree: Node): ProvenanceMap {
  return provenanceOf(hardware, (path) => originAt(tree, ['hardware', ...path]).label);
}
