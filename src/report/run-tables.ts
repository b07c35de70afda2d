/** A run and a kernel as tables of raw numbers: what `-o` writes as CSV and `--format` prints. Pure. */
import type { CyclesByCause, KernelDocument, RegionResult, RunDocument } from './document.js';
import type { WaitsOn } from './document.js';
import { dataTable, type Cell, type ColumnOf, type DataColumn } from './data-table.js';
import type { DataTable } from './data-table.js';
import { valueAt } from './format.js';
import { CAUSES, KERNEL_METRICS, METRICS, SERVED, metricType, type Metric } from './metrics.js';
import { scenariosOf, type AnyRun, type ServingResult } from './serving-document.js';

/** A run, and a scenario of it if it served some. */
interface Summary {
  index: number;
  run: AnyRun;
  served?: ServingResult;
}

/** A column of runs: its name, what its cells are, and that of a run by its index. */
export type RunColumn = [
  name: string,
  type: DataColumn['type'],
  of: (run: AnyRun, index: number) => Cell | undefined,
];

/**
 * Runs, one row each, with a row for every scenario that one served.
 * @param first columns that come first, such as the names of the runs
 */
export function summaryTable(runs: readonly AnyRun[], first: readonly RunColumn[] = []): DataTable {
  const rows = runs.flatMap((run, index): Summary[] => {
    const served = scenariosOf(run);
    return served.length === 0
      ? [{ index, run }]
      : served.map((one) => ({ index, run, served: one }));
  });
  const isServed = rows.some(({ served }) => served);
  const step: Record<string, Metric<RunDocument>> = METRICS;
  return dataTable<Summary>(rows, [
    ...first.map(([name, type, of]) => column(name, type, ({ run, index }) => of(run, index))),
    ...(isServed ? [column('scenario', 'text', ({ served }) => served?.scenario)] : []),
    column('model', 'text', ({ run, served }) => served?.model ?? setting(run, 'model.spec.name')),
    column('strategy', 'text', ({ run }) => run.placement.strategy),
    column('contextTokens', 'integer', ({ run }) => setting(run, 'workload.context')),
    column('users', 'integer', ({ run }) => setting(run, 'workload.batch')),
    ...metricColumns(step, ({ run }: Summary) => run),
    ...CAUSES.map(([cause]) =>
      column(causeColumn(cause), 'integer', ({ run }) => run.decode.coreCycles[cause]),
    ),
    ...(isServed ? metricColumns(SERVED, ({ served }: Summary) => served) : []),
    column('version', 'text', ({ run }) => run.version),
    column('configHash', 'text', ({ run }) => run.configHash),
    column('key', 'text', ({ run }) => run.key),
  ]);
}

function column(...of: ColumnOf<Summary>): ColumnOf<Summary> {
  return of;
}

/** A plain setting of the configuration. */
function setting({ config }: RunDocument, path: string): string | number | undefined {
  const value = valueAt(config, path);
  return typeof value === 'string' || typeof value === 'number' ? value : undefined;
}

function metricColumns<Row, Of>(
  metrics: Record<string, Metric<Of>>,
  documentOf: (row: Row) => Of | undefined,
): ColumnOf<Row>[] {
  return Object.entries(metrics).map(([name, metric]): ColumnOf<Row> => [
    name,
    metricType(metric),
    (row) => {
      const document = documentOf(row);
      return document === undefined ? null : metric.of(document);
    },
  ]);
}

/** `waitInput` is waitInputCoreCycles. */
function causeColumn(cause: keyof CyclesByCause): string {
  return `${cause}CoreCycles`;
}

const WAIT_COLUMNS: Record<WaitsOn, string> = {
  line: 'waitLineCoreCycles',
  credit: 'waitCreditCoreCycles',
  handOff: 'waitHandOffCoreCycles',
  otherToken: 'waitOtherTokenCoreCycles',
};

/** Operators in program order: their parts of the critical path, in cycles, and what cores wait for in them. */
export function operatorsTable({
  breakdown,
  waits = [],
}: Pick<RunDocument['decode'], 'breakdown' | 'waits'>): DataTable {
  const names = [...new Set([...Object.keys(breakdown), ...waits.map(({ operator }) => operator)])];
  const cycles = (part: 'cycles' | 'compute' | 'communication') => (name: string) =>
    breakdown[name]?.[part] ?? 0;
  const waiting = (on: WaitsOn) => (name: string) =>
    waits.find((wait) => wait.operator === name && wait.on === on)?.coreCycles ?? 0;
  return dataTable(names, [
    ['operator', 'text', (name) => name],
    ['cycles', 'integer', cycles('cycles')],
    ['computeCycles', 'integer', cycles('compute')],
    ['communicationCycles', 'integer', cycles('communication')],
    ...Object.entries(WAIT_COLUMNS).map(([on, column]): ColumnOf<string> => [
      column,
      'integer',
      waiting(on as WaitsOn),
    ]),
  ]);
}

/** The regions of a placement, those of a draft included. */
export function regionsTable({ regions, draft }: RunDocument['placement']): DataTable {
  const rows = [
    ...regions.map((region) => ({ region, of: 'model' })),
    ...(draft?.regions ?? []).map((region) => ({ region, of: 'draft' })),
  ];
  type Row = (typeof rows)[number];
  const number = (name: keyof RegionResult): ColumnOf<Row> => {
    return [name, 'integer', ({ region }) => region[name]];
  };
  return dataTable(rows, [
    ['name', 'text', ({ region }) => region.name],
    ['of', 'text', ({ of }) => of],
    ...(['wafer', 'x', 'y', 'width', 'height'] as const).map(number),
    ['cores', 'integer', ({ region }) => region.width * region.height],
    number('sramBytesPerCore'),
    number('kvReplicas'),
    number('strips'),
  ]);
}

/** A kernel in one row; of traffic with several loads a row for each. */
export function kernelSummary(kernel: KernelDocument): DataTable {
  const { loads, traffic, coreCycles, config } = kernel;
  const options = Object.entries(config.options as Record<string, unknown>).filter(
    ([name]) => loads === undefined || name !== 'loads',
  );
  type Row = Partial<NonNullable<typeof loads>[number]> & { cycles: number };
  const rows: readonly Row[] = loads ?? [{ cycles: kernel.cycles, ...traffic }];
  const isOne = loads === undefined;
  const latency = (from: 'fromInjection' | 'fromGeneration', of: 'mean' | 'p50' | 'p99') => {
    const name = `latency${from === 'fromInjection' ? 'FromInjection' : 'FromGeneration'}`;
    return [
      `${name}${of[0].toUpperCase()}${of.slice(1)}Cycles`,
      'number',
      (row: Row) => row.latency?.[from]?.[of],
    ] satisfies ColumnOf<Row>;
  };
  return dataTable<Row>(rows, [
    ['kernel', 'text', () => kernel.kernel],
    ['hardware', 'text', () => config.hardware.name],
    // Traffic has an option `cycles`, which is not what it took.
    ...options.map(([name, value]): ColumnOf<Row> => [`options.${name}`, ...optionCell(value)]),
    ...(isOne ? [] : [['load', 'number', (row) => row.load] satisfies ColumnOf<Row>]),
    ['cycles', 'integer', ({ cycles }) => cycles],
    // Of several loads the document has these of the last one alone.
    ...(isOne
      ? [
          ...metricColumns(others(KERNEL_METRICS), () => kernel),
          ['peakLinkUtilization', 'number', () => kernel.fabric.peakLinkUtilization] as const,
          ...CAUSES.map(([cause]): ColumnOf<Row> => [
            causeColumn(cause),
            'integer',
            () => coreCycles?.[cause],
          ]),
        ].map((column) => column as ColumnOf<Row>)
      : []),
    ...(traffic
      ? ([
          ['offeredLoad', 'number', (row) => row.offeredLoad],
          ['acceptedLoad', 'number', (row) => row.acceptedLoad],
          ['saturated', 'boolean', (row) => row.saturated],
          ...(['fromInjection', 'fromGeneration'] as const).flatMap((from) =>
            (['mean', 'p50', 'p99'] as const).map((of) => latency(from, of)),
          ),
        ] satisfies ColumnOf<Row>[])
      : []),
    ['version', 'text', () => kernel.version],
    ['key', 'text', () => kernel.key],
  ]);
}

/** Without the cycles, which stand by themselves. */
function others({
  cycles: _,
  ...metrics
}: typeof KERNEL_METRICS): Record<string, Metric<KernelDocument>> {
  return metrics;
}

function optionCell(value: unknown): [ColumnOf<unknown>[1], ColumnOf<unknown>[2]] {
  if (typeof value === 'number')
    return [Number.isSafeInteger(value) ? 'integer' : 'number', () => value];
  if (typeof value === 'boolean') return ['boolean', () => value];
  return ['text', () => (typeof value === 'string' ? value : JSON.stringify(value))];
}
