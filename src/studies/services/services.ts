/**
 * Published speeds of services next to what the wafers that serve them are predicted to do. Few say on how many
 * wafers, in how many bits and with which draft they run: where all of that is known the prediction is judged, and
 * otherwise only shown, with what is assumed.
 */
import { bundled } from '../../bundled.js';
import { loadConfig, type ResolvedConfig } from '../../config.js';
import type { NamedFile } from '../../config/files.js';
import { ConfigError } from '../../config/errors.js';
import type { SimulateOptions } from '../../decode/options.js';
import { placementOf } from '../../decode/place.js';
import { leastAcceptance } from '../../numeric/acceptance.js';
import { identityOf, ofPackage } from '../../identity.js';
import { CapacityError } from '../../placement/placement.js';
import { paceOf } from '../steps/pace.js';
import { stepTimes, type GridWork, type Placed } from '../steps/step-times.js';
import { hostOfSteps, withThreads } from '../steps/work.js';
import { limitOf } from '../validate/limits.js';
import type { PlainPrediction, ServiceRow, SpeculativePrediction } from './document.js';
import type { ServicesDocument, ServicesSummary } from './document.js';
import { idOf, publishedServices } from './published.js';
import type { PublishedSpeed, Services, SimulatedAs } from './published.js';

/** The context of a row that says nothing of one. */
const ASSUMED_CONTEXT = 4096;

/**
 * Predicts the published speeds that have `only` in their id; what several rows have in common is simulated once.
 * @param table of published speeds, if it is not the bundled one
 * @throws ConfigError if there is no such row
 */
export async function services(
  { only = '', table }: { only?: string | undefined; table?: Services },
  options: SimulateOptions & Pick<GridWork, 'steps'>,
): Promise<ServicesDocument> {
  const begun = options.now();
  const files: NamedFile[] = [];
  const { models, rows: all } = table ?? publishedServices(files);
  const wanted = all.filter((row) => idOf(row).includes(only));
  if (wanted.length === 0)
    throw new ConfigError(`--only: expected a text in the id of a published speed, found ${only}`);
  const asked = new Map<string, Asked>();
  const keyed = wanted.map((row) => {
    const of = askedOf(row, models[row.model]);
    const key = JSON.stringify(of);
    if (!('refused' in of)) asked.set(key, of);
    return { row, key, of };
  });
  const inputs = [...asked.values()].map((one) => inputOf(one, files));
  const predictions = await withThreads(options, (work) => predictAll(asked, work));
  const rows = keyed.map(({ row, key, of }) =>
    rowOf(row, models[row.model], 'refused' in of ? of : predictions.get(key)!),
  );
  return {
    schema: 'wafersim.validate/1',
    ...identityOf([wanted, models, BAND, inputs, TOKENS, DRAFT], ofPackage(files)),
    rows,
    summary: { 'hosted service': summaryOf(rows) },
    passed: rows.every(({ passed }) => passed !== false),
    host: hostOfSteps(options, begun),
  };
}

interface Asked {
  model: string;
  sets: string[];
  wafers: number | 'auto';
  /** Whether rounds are simulated too. */
  drafts: boolean;
}

type Refused = { refused: string };
type Prediction =
  | { simulated: PlainPrediction; speculative?: SpeculativePrediction; remarks: string[] }
  | Refused;

/** What is to be simulated for a row, or why nothing is. */
function askedOf(
  { system, wafers, context, speculation = null }: PublishedSpeed,
  of?: SimulatedAs,
): Asked | Refused {
  if (system !== undefined) return { refused: `${system} is no wafer` };
  if (of === undefined) return { refused: 'no bundled model has its shape' };
  if ('notSimulated' in of) return { refused: of.notSimulated };
  const sets = Object.entries(of.set ?? {}).map(([key, value]) => `${key}=${value}`);
  sets.push(`workload.context=${context ?? ASSUMED_CONTEXT}`);
  return { model: of.model, sets, wafers: wafers ?? 'auto', drafts: speculation !== false };
}

/** As many at a time as there are threads: each takes the memory of its model's programs. */
async function predictAll(
  asked: ReadonlyMap<string, Asked>,
  work: GridWork,
): Promise<Map<string, Prediction>> {
  const open = [...asked];
  const predictions = new Map<string, Prediction>();
  const worker = async () => {
    for (let next = open.shift(); next !== undefined; next = open.shift())
      predictions.set(next[0], await predict(next[1], work));
  };
  await Promise.all(Array.from({ length: Math.max(1, work.shards) }, worker));
  return predictions;
}

/** On the wafers that are published, or where they do not hold the model on as many as it takes. */
async function predict(asked: Asked, work: GridWork): Promise<Prediction> {
  try {
    try {
      return await simulated(asked, work, []);
    } catch (error) {
      if (!(error instanceof CapacityError) || asked.wafers === 'auto') throw error;
      // What a service keeps in a core in addition to its weights is not public.
      const why = `more wafers than published, since ${error.message}`;
      return await simulated({ ...asked, wafers: 'auto' }, work, [why]);
    }
  } catch (error) {
    if (error instanceof CapacityError) return { refused: error.message };
    throw error;
  }
}

/** What a prediction is made of; its files are noted. */
function inputOf(asked: Asked, files: NamedFile[]): unknown {
  const { canonical, files: read } = configOf(asked);
  files.push(...read);
  return canonical;
}

function configOf({ model, sets, wafers }: Asked, ...more: string[]): ResolvedConfig {
  const file = bundled(`models/${model}.json`);
  const of = [`model=${JSON.stringify(file)}`, ...sets, `hardware.wafers=${wafers}`];
  return loadConfig(bundled('configs/wse3.yaml'), [...of, ...more]);
}

async function simulated(asked: Asked, work: GridWork, remarks: string[]): Promise<Prediction> {
  const config = configOf(asked);
  const placed: Placed = { config, placement: placementOf(config), lines: new Map() };
  const { context } = config.workload;
  const { alone, spacing } = await stepTimes(placed, context, work);
  const drafted = asked.drafts ? await speculative(asked, work) : undefined;
  return {
    simulated: {
      model: config.model.name,
      wafers: placed.placement.wafers,
      context,
      cyclesPerToken: alone,
      spacingCycles: spacing,
      tokensPerSecond: config.wafer.clockHz / alone,
    },
    ...(drafted && { speculative: drafted }),
    remarks,
  };
}

/** Tokens of a round at most, and who drafts: what services have is not published. */
const TOKENS = 8;
const DRAFT = "one layer of the model's own shape (mtp: assumed)";

/** Rounds of the same model, with a light draft on the same wafers if both fit, or on as many as both take. */
async function speculative(
  asked: Asked,
  work: GridWork,
): Promise<SpeculativePrediction | undefined> {
  const sets = [
    ...['workload.speculation.draft.mtp=assumed', `workload.speculation.tokens=${TOKENS}`],
    'workload.speculation.acceptance=0',
  ];
  const on = (wafers: Asked['wafers']) => {
    const config = configOf({ ...asked, wafers }, ...sets);
    return { config, placement: placementOf(config), lines: new Map() };
  };
  let placed: Placed;
  try {
    placed = on(asked.wafers);
  } catch (error) {
    if (!(error instanceof CapacityError) || asked.wafers === 'auto') throw error;
    placed = on('auto');
  }
  const { config, placement } = placed;
  const point = await stepTimes(placed, config.workload.context, work);
  const { clockHz } = config.wafer;
  const at = (chance: number) => {
    const guesses = { chances: Array<number>(TOKENS - 1).fill(chance), policy: 'by-load' as const };
    return { acceptance: chance, tokensPerSecond: clockHz / paceOf(point, 1, guesses) };
  };
  return {
    draft: DRAFT,
    tokens: TOKENS,
    wafers: placement.wafers,
    clockHz,
    cyclesPerRound: point.rounds!.alone,
    assumed: [at(LOW), at(HIGH)],
  };
}

/** Between what drafts are said to reach. */
const [LOW, HIGH] = [0.5, 0.9];

const BAND = limitOf('service').listed;

/** Whether nothing is assumed of the settings that a prediction depends on, the context excepted. */
function isJudged({ wafers, weightBits, speculation }: PublishedSpeed, of?: SimulatedAs): boolean {
  const isItself = of !== undefined && 'model' in of && of.assumed === undefined;
  return isItself && wafers !== undefined && weightBits !== undefined && speculation === false;
}

/** What is taken for known that is not published. */
function assumptionsOf(
  { model, wafers, context, speculation = null }: PublishedSpeed,
  of: SimulatedAs | undefined,
): string[] {
  const assumed = of !== undefined && 'model' in of ? of.assumed : undefined;
  return [
    ...(assumed === undefined ? [] : [`assumed: ${model} ${assumed}`]),
    ...(wafers === undefined ? ['assumed: on as few wafers as hold it'] : []),
    ...(context === undefined ? [`assumed: ${ASSUMED_CONTEXT} tokens in the cache`] : []),
    ...(speculation === true
      ? ['it decodes speculatively, with a draft that is not published']
      : []),
    ...(speculation === null ? ['nothing is said of speculative decoding'] : []),
  ];
}

/** What rounds make of a row, and the acceptance with which they would be as fast as was published. */
function speculationOf(
  speculative: SpeculativePrediction,
  measured: number,
): Pick<ServiceRow, 'speculative' | 'acceptanceForPublished'> {
  const { cyclesPerRound, clockHz } = speculative;
  return {
    speculative,
    acceptanceForPublished: leastAcceptance(cyclesPerRound, clockHz / measured),
  };
}

function rowOf(
  row: PublishedSpeed,
  of: SimulatedAs | undefined,
  prediction: Prediction,
): ServiceRow {
  const { model, date, tokensPerSecond: measured, by, grade, system = null, note } = row;
  const { wafers = null, weightBits = null, context = null, speculation = null } = row;
  const isRefused = 'refused' in prediction;
  const predicted = isRefused ? null : prediction.simulated.tokensPerSecond;
  const judged = predicted !== null && isJudged(row, of);
  const error = judged ? (predicted - measured) / measured : null;
  return {
    ...{ id: idOf(row), model, date, kind: 'hosted service', unit: 'tokens/s' },
    ...{ measured, source: by, grade, system, speculation },
    published: { wafers, weightBits, context },
    predicted,
    ...(!isRefused && { simulated: prediction.simulated }),
    speedUp: predicted === null ? null : measured / predicted,
    ...(!isRefused && prediction.speculative && speculationOf(prediction.speculative, measured)),
    judged,
    error,
    band: BAND,
    passed: error === null ? null : error >= BAND[0] && error <= BAND[1],
    remarks: isRefused ? [] : [...assumptionsOf(row, of), ...prediction.remarks],
    ...(isRefused && { refused: prediction.refused }),
    ...(note !== undefined && { note }),
  };
}

function summaryOf(rows: ServiceRow[]): ServicesSummary {
  return {
    measurements: rows.length,
    predicted: rows.filter(({ predicted }) => predicted !== null).length,
    judged: rows.filter(({ judged }) => judged).length,
    failed: rows.filter(({ passed }) => passed === false).map(({ id }) => id),
  };
}
