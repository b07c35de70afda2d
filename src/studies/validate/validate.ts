/**
 * Predictions next to published measurements. A kernel is run alone on the hardware file of its system
 * and compared in cycles; a hosted service is compared with the decode of its model, in tokens per
 * second of one user.
 */
import type { NamedFile } from '../../config/files.js';
import { loadHardware, type ResolvedConfig } from '../../config.js';
import { MachineError } from '../../engine/engine.js';
import { ConfigError } from '../../config/errors.js';
import { identityOf, ofPackage } from '../../identity.js';
import { runKernel, type KernelOptions } from '../kernel/kernel.js';
import { ALL_LIMITS, limitOf } from './limits.js';
import { bundled } from '../../bundled.js';
import { joined, PUBLISHED, readMeasurements, SYSTEMS } from './measurements.js';
import type { Measurement } from './measurements.js';
import { decodeConfig, prefillFigures, prefillNotes } from './prefill.js';
import { withThreads } from '../steps/work.js';
import { CapacityError } from '../../placement/placement.js';
import { serviceScale } from './service-scale.js';
import { isDeepStrictEqual, nextTask } from '../../platform/node.js';
import { cohortOf, cohortSummaries, kindSummaries } from './summary.js';
import { sweepsOf } from './sweeps.js';
import type { ValidateDocument, ValidateRow } from './document.js';
import { simulate } from '../run/run.js';
import type { SimulateOptions } from '../../decode/options.js';

/**
 * Predicts the published measurements, and those of a file of one's own, that have `only` in their id.
 * @throws ConfigError if there are none, or the file is wrong
 */
export async function validate(
  { measurements, only = '' }: { measurements?: string | undefined; only?: string | undefined },
  options: SimulateOptions,
): Promise<ValidateDocument> {
  const [bundled, named]: [NamedFile[], NamedFile[]] = [[], []];
  const published = readMeasurements(PUBLISHED, bundled);
  const own = measurements === undefined ? [] : readMeasurements(measurements, named);
  const wanted = joined(published, own).filter(({ id }) => id.includes(only));
  const figures = prefillFigures(only, bundled);
  if (wanted.length === 0 && figures.length === 0)
    throw new ConfigError(`--only: expected a text in the id of a measurement, found ${only}`);
  const from = { files: [...ofPackage(bundled), ...named], content: figures };
  return withThreads(options, async (work) => {
    const [notes, judged] = await Promise.all([
      prefillNotes(only, work),
      validateMeasurements(wanted, published, work, from),
    ]);
    return { ...judged, notes };
  });
}

/**
 * Predicts every measurement; services run on threads, if there are any, while kernels run here. `published`
 * are those that the project ships; a measurement of the same kernel with the same parameters on the
 * same system counts as listed, whatever its value.
 * @param from files that the measurements are from, and what else the document is of
 * @throws ConfigError, one line that begins with the id, if a measurement is of something unknown
 */
export async function validateMeasurements(
  measurements: Measurement[],
  published: Measurement[],
  options: SimulateOptions,
  from: { files: readonly NamedFile[]; content?: unknown } = { files: [] },
): Promise<ValidateDocument> {
  const inputs = measurements.map(inputsOf);
  const predictions = await predictAll(measurements, options);
  const rows = measurements.map((measurement, i) => {
    const listed = published.find((known) => sameCase(known, measurement));
    return judge(measurement, listed, predictions[i]);
  });
  const scale = serviceScale(rows);
  const passed = rows.every((row) => row.passed !== false);
  const content = [measurements, published, ALL_LIMITS, inputs.map((one) => one.content)];
  const files = [...from.files, ...ofPackage(inputs.flatMap((one) => one.files))];
  return {
    schema: 'wafersim.validate/1',
    ...identityOf([content, from.content], files),
    rows,
    summary: kindSummaries(rows),
    cohorts: cohortSummaries(rows),
    sweeps: sweepsOf(rows),
    ...(scale && { serviceScale: scale }),
    limits: ALL_LIMITS,
    passed,
  };
}

/** What a measurement's prediction is made of; nothing for an unknown one, which `predict` refuses. */
function inputsOf(measurement: Measurement): { content: unknown; files: NamedFile[] } {
  try {
    if (measurement.kernel === 'service') {
      const { canonical: content, files } = serviceConfig(measurement);
      return { content, files };
    }
    const { wafer: content, files } = hardwareOf(measurement);
    return { content, files };
  } catch (error) {
    if (error instanceof ConfigError) return { content: null, files: [] };
    throw error;
  }
}

/** The bundled hardware file of a measured system. */
function hardwareOf({ system }: Measurement) {
  return loadHardware(bundled(`configs/hardware/${SYSTEMS[system]}.yaml`));
}

type Prediction = { value: number; remark?: string } | { refused: string };

/** Services first: they wait for threads, and kernels run meanwhile. */
async function predictAll(
  measurements: Measurement[],
  options: SimulateOptions,
): Promise<Prediction[]> {
  const total = measurements.length;
  let done = 0;
  const predictions = new Map<Measurement, Promise<Prediction>>();
  // Of one service there may be several measurements.
  const repeated = new Map<string, Promise<Prediction>>();
  const isService = ({ kernel }: Measurement) => Number(kernel === 'service');
  for (const measurement of measurements.toSorted((a, b) => isService(b) - isService(a))) {
    const known = repeated.get(caseOf(measurement)) ?? predict(measurement, options);
    repeated.set(caseOf(measurement), known);
    const predicted = known.then((prediction) => {
      options.onProgress?.({ done: ++done, total, what: measurement.id });
      return prediction;
    });
    // A caller that awaits all of them receives the error of the first that fails.
    predicted.catch(() => {});
    predictions.set(measurement, predicted);
    // Threads get their next work between two kernels.
    await nextTask();
  }
  return Promise.all(measurements.map(async (measurement) => predictions.get(measurement)!));
}

function caseOf({ kernel, system, params }: Measurement): string {
  return JSON.stringify([kernel, system, params]);
}

/** Runs what was measured; what the simulated machine refuses is a prediction too, with its reason. */
async function predict(measurement: Measurement, options: SimulateOptions): Promise<Prediction> {
  try {
    if (measurement.kernel === 'service') return await serviceSpeed(measurement, options);
    return { value: await kernelCycles(measurement, options) };
  } catch (error) {
    if (error instanceof ConfigError)
      throw new ConfigError(`measurement ${measurement.id}: ${error.message}`);
    if (error instanceof CapacityError || error instanceof MachineError)
      return { refused: error.message };
    throw error;
  }
}

async function kernelCycles(
  measurement: Measurement,
  { runner: _, ...here }: SimulateOptions,
): Promise<number> {
  const { kernel, params } = measurement;
  const { wafer } = hardwareOf(measurement);
  return (await runKernel(kernel, kernelOptions(params), wafer, here.engine, here)).cycles;
}

/** A layer's sizes stand under `model`, together with how many layers the published model has. */
function kernelOptions({ model, ...rest }: KernelOptions): KernelOptions {
  if (model === undefined) return rest;
  if (typeof model !== 'object' || model === null || Array.isArray(model))
    throw new ConfigError(`params.model: expected a mapping of sizes, found ${String(model)}`);
  const { layers: _, ...sizes } = model as KernelOptions;
  return { ...rest, ...sizes };
}

/** The decode run that stands for a hosted service. */
function serviceConfig({ params, system }: Measurement, ...more: string[]): ResolvedConfig {
  const { model, ...settings } = params;
  if (typeof model !== 'string' || !/^[\w.-]+$/.test(model))
    throw new ConfigError(
      `params.model: expected the name of a bundled model, found ${String(model)}`,
    );
  const keys: Record<string, string> = { wafers: 'hardware.wafers' };
  const sets = Object.entries(settings).map(
    ([name, value]) => `${keys[name] ?? `workload.${name}`}=${JSON.stringify(value)}`,
  );
  return decodeConfig(system, model, ...sets, ...more);
}

async function serviceSpeed(
  measurement: Measurement,
  options: SimulateOptions,
): Promise<Prediction> {
  const { onProgress: _, ...quiet } = options;
  const speedOf = async (config: ResolvedConfig) => {
    const { decode, placement } = await simulate(config, quiet);
    return { value: decode.tokensPerSecondPerUser, wafers: placement.regions.at(-1)!.wafer + 1 };
  };
  try {
    const { value } = await speedOf(serviceConfig(measurement));
    return { value };
  } catch (error) {
    if (!(error instanceof CapacityError)) throw error;
    // What the service keeps in a core in addition to its weights is not public; ours may need more wafers.
    const { value, wafers } = await speedOf(serviceConfig(measurement, 'hardware.wafers=auto'));
    const remark = `simulated on ${wafers} wafers, since ${error.message}`;
    return { value, remark };
  }
}

function sameCase(a: Measurement, b: Measurement): boolean {
  return (
    a.kernel === b.kernel &&
    a.system === b.system &&
    isDeepStrictEqual(spelledOut(a.params), spelledOut(b.params))
  );
}

/** `4x4` and [4, 4] are one grid. */
function spelledOut({ grid, ...rest }: Measurement['params']): object {
  const sides = typeof grid === 'string' ? grid.split('x').map(Number) : grid;
  return { ...rest, ...(grid !== undefined && { grid: sides }) };
}

/** `listed` is the same case among the measurements that ship with the project. */
function judge(
  measurement: Measurement,
  listed: Measurement | undefined,
  prediction: Prediction,
): ValidateRow {
  const { id, kernel, system, kind, source, note, speculation } = measurement;
  const service = kernel === 'service';
  const measured = (service ? measurement.measuredTokensPerSecond : measurement.measuredCycles)!;
  const band = limitOf(kernel)[listed ? 'listed' : 'unlisted'];
  const fitted = listed?.fitted;
  const predicted = 'value' in prediction ? prediction.value : null;
  const unlike = speculation === undefined ? undefined : UNLIKE[String(speculation)];
  const error =
    predicted === null || unlike !== undefined ? null : (predicted - measured) / measured;
  // A service that cannot be simulated refutes nothing; a kernel that the machine refuses does.
  const unanswered = service ? null : false;
  const simulatedAs = 'remark' in prediction ? prediction.remark : undefined;
  const remark = [unlike, simulatedAs].filter((text) => text !== undefined).join('; ');
  return {
    id,
    kernel,
    system,
    kind,
    cohort: cohortOf(measurement),
    unit: service ? 'tokens/s' : 'cycles',
    measured,
    predicted,
    basis: fitted === undefined ? 'out of sample' : 'fitted',
    ...(fitted !== undefined && { fitted }),
    ...(speculation !== undefined && { speculation }),
    error,
    band,
    listed: listed !== undefined,
    passed: error === null ? unanswered : error >= band[0] && error <= band[1],
    source,
    ...(note !== undefined && { note }),
    ...('refused' in prediction && { refused: prediction.refused }),
    ...(remark !== '' && { remark }),
  };
}

/** Why a service is not judged, by what is said of its speculation. */
const UNLIKE: Record<string, string | undefined> = {
  true: 'not judged: it decodes speculatively, with a draft that is not published',
  null: 'not judged: nothing is said of speculative decoding',
};
