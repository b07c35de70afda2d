/**
 * What was resolved and mapped, without simulating it: the wafer, the model, the placement, a program; and why cores wait,
 * for which a step is simulated.
 */
import { firstPosition, roomOf } from '../../decode/positions.js';
import { ConfigError } from '../../config/errors.js';
import type { WaferSpec } from '../../hardware/wafer.js';
import type { ResolvedConfig } from '../../config.js';
import { loweredOf } from '../../decode/lowered.js';
import { withRunner, type SimulateOptions } from '../../decode/options.js';
import type { Runner } from '../../decode/runner.js';
import { host } from '../../host.js';
import { identityOf } from '../../identity.js';
import { isLayerKind, isOfLayer } from '../../mapping/mapping.js';
import type { StageKind } from '../../lowering/lowering.js';
import type { Placement, Region } from '../../placement/placement.js';
import { storedWeights, wafersByFormat } from '../../placement/stored-weights.js';
import { listRole } from '../../program/listing.js';
import type { Program } from '../../program/program.js';
import { fewerWafersLine } from '../../report/fewer-wafers-line.js';
import { bytes, leaves, table } from '../../report/format.js';
import { modelInspection } from './model.js';
import { waitsInspection } from './waits.js';
import { proved } from '../../report/placement-text.js';
import { fewerThan } from '../../decode/run-document.js';
import { placementOf, requestOf } from '../../decode/place.js';

export type What = 'wafer' | 'model' | 'placement' | 'program' | 'waits';

export interface Inspection {
  document: object;
  text: string;
  /** Records of its main table, with raw numbers; a program has none. */
  rows?: object[];
}

export interface CorePosition {
  x: number;
  y: number;
}

/**
 * Describes one part of a configuration. With `core` (coordinates on the first wafer that has a region
 * there) a placement names that core's region and a program lists that core's code in its stages.
 * @param options how a step is simulated for waits, and lines for programs
 */
export async function inspect(
  config: ResolvedConfig,
  what: What,
  core?: CorePosition,
  options: SimulateOptions = { engine: 'fast', shards: 1, memo: true, ...host },
): Promise<Inspection> {
  const { document, text, rows } = await PARTS[what](config, core, options);
  const { canonical, stated, files } = config;
  const identity = identityOf([canonical, stated, what, core], files);
  const whole = { schema: 'wafersim.inspect/1', ...identity, what, ...document };
  return { document: whole, text, ...(rows && { rows }) };
}

type Inspect = (
  config: ResolvedConfig,
  core: CorePosition | undefined,
  options: SimulateOptions,
) => Inspection | Promise<Inspection>;

const PARTS: Record<What, Inspect> = {
  wafer: inspectWafer,
  model: modelInspection,
  placement: inspectPlacement,
  program: inspectProgram,
  waits: inspectWaits,
};

function inspectWaits(
  config: ResolvedConfig,
  core: CorePosition | undefined,
  options: SimulateOptions,
): Promise<Inspection> {
  if (core) throw new ConfigError('--core: expected --what placement or program, found waits');
  return waitsInspection(config, options);
}

function inspectWafer({ wafer, provenance }: ResolvedConfig): Inspection {
  const all = leaves(wafer).map(([path, value]) => {
    const from = provenance[path] ?? provenance[FILE_PATHS[path] ?? ''];
    return { path, value, from };
  });
  const cells = all.map(({ path, value, from }) => {
    const range = from?.range ? `${from.range[0]} to ${from.range[1]}` : '';
    return [path, String(value), range, from?.grade ?? '', from?.source ?? ''];
  });
  const text = table(['quantity', 'value', 'range', 'grade', 'source'], cells);
  const rows = all.map(({ path: quantity, value, from }) => {
    const [low, high] = from?.range ?? [];
    return { quantity, value, low, high, grade: from?.grade, source: from?.source };
  });
  return { document: { wafer, provenance }, text, rows };
}

/** Names that differ between a WaferSpec, which has units in its names, and a hardware file. */
const FILE_PATHS: Record<string, string> = {
  clockHz: 'clock',
  powerWatts: 'power',
  'io.bitsPerSecond': 'io.bandwidth',
  'io.latencySeconds': 'io.latency',
  'core.sramBytes': 'core.sram',
};

function inspectPlacement(config: ResolvedConfig, core?: CorePosition): Inspection {
  const placement = placementOf(config);
  const { estimate } = placement;
  const { fewerWafers: fewer } = fewerThan(placement, config);
  const weights = weightsOn(config, placement);
  const notes = [
    ...(weights?.lines ?? []),
    fewer === undefined ? '' : fewerWafersLine(fewer),
    estimate?.bound === undefined ? '' : proved(estimate),
    replicasLine(placement.regions),
    stripsLine(placement.regions),
  ].filter((line) => line !== '');
  const drafts = (placement.draft?.placement.regions ?? []).map((region) => ({
    ...region,
    name: `draft ${region.name}`,
  }));
  const all = [...placement.regions, ...drafts];
  const regions = core ? all.filter((r) => holds(r, core)) : all;
  if (core && regions.length === 0) throw withoutRegion(core, config.wafer);
  const rows = regions.map((r) => [
    r.name,
    String(r.wafer),
    `(${r.x},${r.y})`,
    `${r.width} x ${r.height}`,
    bytes(r.sramBytesPerCore),
  ]);
  const head = ['region', 'wafer', 'at', 'cores', 'SRAM per core'];
  const text = [table(head, rows), ...notes.map((line) => `  ${line}`)].join('\n');
  const listed = regions.map(({ name, kind, ...rest }) => ({ name, kind, layer: -1, ...rest }));
  const { draft, ...own } = placement;
  const document = {
    ...own,
    regions: listed,
    ...(draft && { draft: { model: draft.model.name, shared: draft.shared } }),
    ...(fewer && { fewerWafers: fewer }),
    ...weights?.document,
  };
  return { document, text, rows: listed };
}

/** What the matrices take, and on how many wafers other formats lie; of the default mapping. */
function weightsOn(config: ResolvedConfig, placement: Placement) {
  const { model, wafer, mapping } = config;
  if (mapping !== 'gqa') return undefined;
  const weights = storedWeights(model, placement);
  const formats = wafersByFormat(model, wafer, requestOf(config));
  const share = ((100 * weights.padding) / weights.published).toFixed(1);
  const names = formats.map(({ bits: { experts, rest }, wafers }) => {
    const format =
      experts === undefined || experts === rest ? rest : `experts ${experts}, rest ${rest}`;
    return `${format}: ${wafers ?? 'none'}`;
  });
  const lines = [
    `matrices ${bytes(weights.published)}, ${bytes(weights.stored)} on the cores: ${bytes(weights.padding)} (${share} %) of padding and copies`,
    `wafers by format (model.bits): ${names.join('; ')}`,
  ];
  return { document: { weights, wafersByFormat: formats }, lines };
}

/** In how many KV groups KV heads are held; '' where each is in one. */
function replicasLine(regions: Region[]): string {
  const all = countsOf(regions, 'kvReplicas');
  return all === '' ? '' : `each KV head is held in ${all} KV groups (placement.kvReplicas)`;
}

/** In how many strips experts lie; '' where they are sliced. */
function stripsLine(regions: Region[]): string {
  const all = countsOf(regions, 'strips');
  return all === '' ? '' : `experts lie in ${all} strips of columns (placement.strips)`;
}

/** The numbers that regions have of it, `1 or 2`; '' where none says how many. */
function countsOf(regions: Region[], name: 'kvReplicas' | 'strips'): string {
  const counts = regions.flatMap((of) => (isOfLayer(of) ? (of[name] ?? []) : []));
  return [...new Set(counts)].sort((a, b) => a - b).join(' or ');
}

/** A region's program, and where in it and on the wafer the region's first core lies. */
interface PlacedProgram {
  name: string;
  kind: StageKind;
  region: Pick<Region, 'x' | 'y' | 'width' | 'height'>;
  write: () => { program: Program; origin: number };
}

async function programsOf(
  config: ResolvedConfig,
  { runner }: { runner: Runner },
): Promise<PlacedProgram[]> {
  const { batch: users } = config.workload;
  const [context, maxPositions] = [firstPosition(config), roomOf(config)];
  const lowered = await loweredOf(config, placementOf(config), maxPositions, runner);
  const { stages, places, together } = lowered.plan({ context, maxPositions, users });
  // Stages that start together are one program on one region.
  return stages.slice(0, together ? 1 : undefined).map((stage) => {
    const { name, kind } = stage;
    return { name, kind, region: places[stage.to], write: () => stage.write() };
  });
}

async function inspectProgram(
  config: ResolvedConfig,
  core: CorePosition | undefined,
  options: SimulateOptions,
): Promise<Inspection> {
  const programs = await withRunner(options, (own) => programsOf(config, own));
  if (core === undefined) {
    // Layers differ in their hand-offs only; one of them stands for all, and one core for its region.
    const shown = programs.filter(
      ({ kind }, i) => !isLayerKind(kind) || i === programs.findIndex((of) => of.kind === kind),
    );
    const stages = shown.map(({ region: { x, y }, write }) => {
      const { program, origin } = write();
      const { name, width, height, roles, roleOf, labels } = program;
      const role = roles[roleOf[origin]];
      const head = `${name}: ${width} x ${height} cores in ${roles.length} roles; core (${x},${y}) is`;
      const text = `${head} ${listRole(role, labels)}`;
      return { stage: name, width, height, roles: roles.length, core: { x, y }, role, text };
    });
    const more = 'Other cores: --core x,y (see --what placement for where the regions lie)';
    const text = [...stages.map((s) => s.text), more].join('\n\n');
    return { document: { stages: stages.map(({ text: _, ...rest }) => rest) }, text };
  }
  const stages = programs
    .filter(({ region }) => holds(region, core))
    .map(({ name, region, write }) => {
      const { program, origin } = write();
      const at = origin + (core.y - region.y) * program.width + (core.x - region.x);
      const role = program.roles[program.roleOf[at]];
      return { stage: name, role, text: listRole(role, program.labels) };
    });
  if (stages.length === 0) throw withoutRegion(core, config.wafer);
  const text = stages.map((s) => `${s.stage}: ${s.text}`).join('\n\n');
  return { document: { core, stages: stages.map(({ stage, role }) => ({ stage, role })) }, text };
}

function holds(r: { x: number; y: number; width: number; height: number }, core: CorePosition) {
  return core.x >= r.x && core.x < r.x + r.width && core.y >= r.y && core.y < r.y + r.height;
}

function withoutRegion({ x, y }: CorePosition, { name, width, height }: WaferSpec): ConfigError {
  const found = `found (${x},${y})`;
  return new ConfigError(
    x >= width || y >= height
      ? `--core: expected a core of ${name}, from 0,0 to ${width - 1},${height - 1}, ${found}, which is off the wafer`
      : `--core: expected a core of a region (--what placement lists them), ${found}, which is idle`,
  );
}
