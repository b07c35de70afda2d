/** What an endpoint needs to answer at the pace of a simulated wafer, without anything of HTTP. */
import { tokenizerFiles } from '../../checkpoint/tokenizer.js';
import { join } from 'node:path';
import { loadConfig, type ResolvedConfig, type Source } from '../../config.js';
import { ConfigError } from '../../config/errors.js';
import type { SimulateOptions } from '../../decode/options.js';
import { createDriver, type Driver } from '../../serving/driver.js';
import type { TransportKind } from '../../serving/transport.js';
import { deploymentOf, type Deployment, type GridWork } from '../steps/step-times.js';
import { withThreads } from '../steps/work.js';
import { recordInto } from './recording.js';
import { placeDeployments } from './deployments.js';
import { scenariosOf, serverOf, settingsOf } from './serve.js';
import { counterOf } from './text/count.js';
import { modelSource } from './text/model.js';
import type { TextSource } from './text/source.js';
import { textSource } from './text/text.js';

export interface EndpointOptions {
  /** `lorem`, `echo`, `script:FILE` or `model`. */
  text: string;
  seed: string;
  transport: TransportKind;
  /** Longest context in tokens; what the model has and the wafer holds if not given. */
  maxModelLen?: number | undefined;
  servedModelName?: string | undefined;
  /** Requests that may wait. */
  maxWaiting: number;
  /** A folder to record into. */
  record?: string | undefined;
  /** Receives what goes wrong while it serves and does not end it, one line each. */
  onNote: (note: string) => void;
}

export interface PreparedEndpoint {
  config: ResolvedConfig;
  /** A recorded one, if a folder was given. */
  driver: Driver;
  /** Another server of the same kind, which is not recorded. */
  spare: () => Driver;
  text: TextSource;
  modelName: string;
  /** Positions of one request's prompt and answer, and of all together. */
  maxModelLen: number;
  kvTokens: number;
  maxUsers: number;
  maxWaiting: number;
  /** Tokens per second of one user alone, with the shortest and with the longest context. */
  aloneTokensPerSecond: [shortest: number, longest: number];
  /** What a person should know, one line each. */
  notes: string[];
  /** Ends the record and whatever computes. */
  close: () => Promise<void>;
}

/** A model of an endpoint, on its wafers. */
interface Placed {
  modelName: string;
  deployment: Deployment;
  /** The folder that it is recorded into, if any. */
  record: string | undefined;
}

/**
 * Places a configuration's models, simulates the steps of their contexts, or reads those that are known, and makes a
 * server of each ready: one for each deployment that serves requests, or one. Of a configuration with several
 * scenarios the first one is served.
 * @throws ConfigError for what cannot be served so; CapacityError if a model does not fit
 */
export async function prepareEndpoint(
  source: Source,
  options: EndpointOptions,
  simulateOptions: SimulateOptions & Pick<GridWork, 'steps'>,
): Promise<PreparedEndpoint[]> {
  const placed = placedOf(source, options);
  const prepared: PreparedEndpoint[] = [];
  try {
    for (const one of placed) prepared.push(await prepareOne(one, options, simulateOptions));
    return prepared;
  } catch (error) {
    await Promise.all(prepared.map(({ close }) => close()));
    throw error;
  }
}

function placedOf({ path, sets }: Source, options: EndpointOptions): Placed[] {
  const { maxWaiting, transport, servedModelName, record } = options;
  const asked = [
    'workload.kind=serving',
    `transport.kind=${transport}`,
    `serving.maxWaiting=${maxWaiting}`,
  ];
  const all = [...sets, ...asked];
  const base = loadConfig(path, all);
  const entries = scenariosOf(base, path, all);
  if (base.deployments === undefined) {
    const [{ config }] = entries;
    const modelName = servedModelName ?? config.model.name;
    return [{ modelName, deployment: deploymentOf(config), record }];
  }
  if (servedModelName !== undefined)
    throw new ConfigError(
      `--served-model-name: expected none, as deployments have names of their own, found ${servedModelName}`,
    );
  const placed = placeDeployments(base, entries);
  return entries.map(({ scenario }, i) => {
    const own = record === undefined ? undefined : join(record, folderOf(scenario));
    return { modelName: scenario, deployment: placed[i], record: own };
  });
}

/** @throws ConfigError for a deployment whose name is that of no folder */
function folderOf(name: string): string {
  if (/^\w[\w.-]*$/.test(name)) return name;
  throw new ConfigError(
    `--record: expected deployments whose names can be those of folders (letters, digits, _ . -), found ${JSON.stringify(name)}`,
  );
}

async function prepareOne(
  { modelName, deployment, record }: Placed,
  options: EndpointOptions,
  simulateOptions: SimulateOptions & Pick<GridWork, 'steps'>,
): Promise<PreparedEndpoint> {
  const { config } = deployment;
  const limits = lengthOf(options.maxModelLen, config, deployment.maxContext);
  const { maxModelLen } = limits;
  const files = config.tokenizer.length > 0 ? config.tokenizer : tokenizerFiles(config.modelFile);
  // Before steps are simulated for long.
  const text = await textSource(options.text, options.seed, counterOf(files), async () =>
    modelSource(deployment, maxModelLen, files, simulateOptions),
  );
  const { grid, serve } = await withThreads(simulateOptions, async (work) =>
    serverOf(deployment, maxModelLen, maxModelLen, work),
  );
  const driver = createDriver(serve);
  const failed = ({ message }: Error) => options.onNote(`nothing more is recorded: ${message}`);
  const recording =
    record === undefined ? undefined : recordInto(record, driver, config, maxModelLen, failed);
  const perSecond = (ns: number) => 1e9 / ns;
  return {
    config,
    driver: recording?.driver ?? driver,
    spare: () => createDriver(serve),
    text,
    modelName,
    maxModelLen,
    kvTokens: deployment.kvTokens,
    maxUsers: settingsOf(config).maxUsers,
    maxWaiting: options.maxWaiting,
    aloneTokensPerSecond: [perSecond(grid.aloneNs[0]), perSecond(grid.aloneNs.at(-1)!)],
    notes: [...limits.notes, ...countingNote(files)],
    async close() {
      recording?.close();
      await text.close();
    },
  };
}

/** The longest context: what is asked for, or what the model has; at most what the wafer holds. */
function lengthOf(asked: number | undefined, config: ResolvedConfig, held: number) {
  const { maxContext: configured } = settingsOf(config);
  const wanted = asked ?? configured ?? config.model.maxContext;
  const maxModelLen = Math.min(wanted, held);
  const notes =
    maxModelLen < wanted
      ? [
          `contexts of at most ${maxModelLen} tokens: ` +
            (held === config.model.maxContext
              ? `${config.model.name} has no more positions`
              : `the wafer holds no longer ones (of ${wanted} wanted)`),
        ]
      : [];
  return { maxModelLen, notes };
}

function countingNote(files: readonly string[]): string[] {
  if (files.length > 0) return [];
  return [
    'the model has no tokenizer.json next to it: a prompt of text counts as a token for every 4 bytes',
  ];
}
