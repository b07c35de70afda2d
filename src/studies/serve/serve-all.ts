/** All scenarios or deployments of a serving configuration: the decode run of the first, and serving of each. */
import type { ConfigFile, ResolvedConfig } from '../../config.js';
import type { Setting } from '../../config/tree.js';
import { scenariosIdentity } from '../../identity.js';
import type { RunDocument } from '../../report/document.js';
import type { AnyRun, ServingDocument } from '../../report/serving-document.js';
import { deploymentsResult, prepareDeployments } from './deployments.js';
import { servingCsv, servingRows } from './rows.js';
import type { ServingDetail } from './trace.js';
import { isServing, prepare, scenariosOf, serveScenario, type GridCache } from './serve.js';
import { simulate } from '../run/run.js';
import type { SimulateOptions } from '../../decode/options.js';
import { deploymentOf, type Deployment, type GridWork } from '../steps/step-times.js';
import { hostOfSteps, withThreads } from '../steps/work.js';

/**
 * Serves every scenario of a configuration.
 * @returns the document; NDJSON and CSV with a row per request of all scenarios, in pieces to take once; and
 *   the requests for a trace
 */
export async function serveAll(
  config: ResolvedConfig,
  file: ConfigFile,
  sets: readonly Setting[],
  options: SimulateOptions & Pick<GridWork, 'steps'>,
): Promise<{
  document: ServingDocument;
  rows: Iterable<string>;
  csv: Iterable<string>;
  detail: ServingDetail;
}> {
  const begun = options.now();
  const cache: GridCache = new Map();
  const all = scenariosOf(config, file, sets);
  const [decode, prepared] = await withThreads(options, async (work) => {
    const { onProgress: _, ...quiet } = work;
    // All at once, so that no thread is idle while another scenario waits for its last step.
    const deployment = deploymentOf(all[0].config);
    const prepareAll = async () =>
      config.deployments === undefined
        ? Promise.all(
            all.map(async (one, i) =>
              prepare(one.scenario, one.config, work, cache, i === 0 ? { deployment } : {}),
            ),
          )
        : prepareDeployments(config, all, work, cache);
    return Promise.all([work.inTurn(async () => oneStep(deployment, quiet)), prepareAll()]);
  });
  const served = prepared.map(serveScenario);
  const results = served.map(({ result }) => result);
  const isOne = config.scenarios === undefined && config.deployments === undefined;
  const runs = served.map(({ run }) => run);
  const deployments = config.deployments && deploymentsResult(config, prepared, runs);
  return {
    document: {
      ...decode,
      ...scenariosIdentity(config, all),
      serving: results[0],
      ...(!isOne && { scenarios: results }),
      ...(deployments && { deployments }),
      host: hostOfSteps(options, begun),
    },
    rows: rowsOf(served),
    csv: servingCsv(
      served.map(({ result, run }) => ({ scenario: result.scenario, served: run.served })),
    ),
    detail: {
      scenarios: served.map(({ result, run }) => ({ ...run, scenario: result.scenario })),
      clockHz: all[0].config.wafer.clockHz,
    },
  };
}

/**
 * The plain decode step of one user on the placement that serves, which is sized for more users, and for rounds: what
 * users together and rounds take, and what tokens cost, is in the results of serving.
 */
async function oneStep(
  { config, placement }: Deployment,
  options: SimulateOptions,
): Promise<RunDocument> {
  const { economics: _, ...given } = config;
  const { speculation: __, ...workload } = config.workload;
  return simulate({ ...given, workload: { ...workload, batch: 1 } }, options, placement);
}

function* rowsOf(served: ReturnType<typeof serveScenario>[]): Generator<string> {
  for (const { result, run } of served)
    yield* servingRows(result.scenario, run.served, run.tokensNs);
}

/** A configuration as it asks for it: its requests served, or its decode steps alone. */
export async function serveOrSimulate(
  config: ResolvedConfig,
  path: string,
  sets: readonly string[],
  options: SimulateOptions & Pick<GridWork, 'steps'>,
): Promise<AnyRun> {
  if (!isServing(config)) return simulate(config, options);
  return (await serveAll(config, path, sets, options)).document;
}
