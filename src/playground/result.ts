/** What a document says, as the parts of the page: markup that the report's own functions make. */
import type { InPage, KernelDocument, ResolvedConfig, RunDocument } from '../browser.js';
import type { RunDetail, WaferMap } from '../report/detail.js';
import type { PathEntry, RegionResult, WaitResult } from '../report/document.js';
import { floorPlans } from '../report/html-floor.js';
import { quantitiesOf } from '../report/html-map.js';
import { QUANTITIES, pathOn, valuesOf } from '../report/html-maps.js';
import { stretchesOfPath } from '../report/html-step.js';
import { breakdownTable, causesTable, pre, regionsTable } from '../report/html-tables.js';
import { textTable, wide } from '../report/html-tables.js';
import { HEADLINE, METRICS, textOf } from '../report/metrics.js';
import { count } from '../report/numbers.js';
import { PATH_HEAD, WAITS_HEAD, pathRows, waitRows } from '../report/waits-text.js';
import type { Facts, KernelResult, Part, RunResult, WaferNumbers } from './messages.js';

/** Numbers of a configuration that controls show. */
export function factsOf({ wafer, model, workload, placement, resolved }: ResolvedConfig): Facts {
  const { width, height, fabric, wafers } = wafer;
  const said = resolved['model'] as { weightBits?: number };
  return {
    clockHz: wafer.clockHz,
    hopCycles: fabric.hopCycles,
    queueDepth: fabric.queueDepth,
    sramBytes: wafer.core.sramBytes,
    ...{ width, height, rows: placement.rows },
    ...{ context: workload.context, maxContext: model.maxContext, batch: workload.batch },
    strategy: placement.strategy,
    dtype: model.dtype,
    weightBits: said.weightBits === undefined ? undefined : String(said.weightBits),
    cores: wafers === 'auto' ? Infinity : wafers * width * height,
  };
}

export function runResult(run: InPage<RunDocument>, detail: RunDetail): RunResult {
  const { decode, placement, check } = run;
  const whole: RunDocument = { ...run, host: { ...run.host, peakRssBytes: 0 } };
  const plans = floorPlans(detail.maps, placement.regions, detail.stages);
  const headline = HEADLINE.map(([key]): [string, string] => [
    METRICS[key].title,
    textOf(METRICS[key], whole),
  ]);
  const checked = check && `largest relative error of the logits ${check.logitsMaxRelativeError}`;
  return {
    cycles: decode.cyclesPerToken,
    seconds: run.host.wallSeconds,
    tokensPerSecondPerUser: decode.tokensPerSecondPerUser,
    headline: [
      ...headline,
      ['cores used', textOf(METRICS.coresUsed, whole)],
      ['SRAM, fullest core', textOf(METRICS.sramPeakBytesPerCore, whole)],
      ...(checked === undefined ? [] : [['check', checked] satisfies [string, string]]),
    ],
    sections: [
      ['Floor plan', `<div id="floor">${wide('Floor plans', plans)}</div>`],
      [
        'Where a token goes',
        breakdownTable(decode.breakdown, decode.cyclesPerToken, { choosable: true }),
      ],
      ['What the cores do', causesTable(decode.coreCycles)],
      ...waiting(decode.waits),
      ...path(decode.criticalPath),
      ['Regions', regionsTable(placement), true],
      ['Configuration, with every default', json(run.config), true],
    ],
    quantities: quantitiesOf(detail.cycles, placement.sramBytesPerCore),
    wafers: detail.maps.map((map) => numbersOf(map, placement.regions, decode.criticalPath)),
    step: {
      ...{ cycles: detail.cycles, stages: detail.stages },
      ...(detail.others && { others: detail.others }),
      ...(decode.criticalPath && { path: stretchesOfPath(decode.criticalPath) }),
    },
  };
}

/** Half the bytes, where numbers are counts that have room in them: a system may have many wafers. */
function compact(values: Float64Array): Uint32Array | Float64Array {
  const fits = values.every((value) => value >= 0 && value < 2 ** 32);
  return fits ? Uint32Array.from(values) : values.slice();
}

function numbersOf(
  map: WaferMap,
  all: readonly RegionResult[],
  path: readonly PathEntry[] | undefined,
): WaferNumbers {
  const { wafer, width, height } = map;
  const regions = all.filter((region) => region.wafer === wafer);
  const values = QUANTITIES.map((name) => compact(valuesOf(map, name)));
  return {
    ...{ wafer, width, height, regions, values, packed: [] },
    ...(path && { path: pathOn(path, wafer) }),
  };
}

export function kernelResult(document: InPage<KernelDocument>): KernelResult {
  const { cycles, breakdown, coreCycles, waits, criticalPath, fabric, host } = document;
  return {
    cycles,
    seconds: host.wallSeconds,
    headline: [
      ['cycles', count(cycles)],
      ['wavelet-hops', count(fabric.waveletHops)],
      ['busiest link', `${(100 * fabric.peakLinkUtilization).toFixed(1)} %`],
    ],
    sections: [
      ['Where its cycles go', breakdownTable(breakdown, cycles)],
      ...(coreCycles ? [['What the cores do', causesTable(coreCycles)] satisfies Part] : []),
      ...waiting(waits),
      ...path(criticalPath),
      ['Options, and the hardware', json(document.config), true],
    ],
  };
}

function waiting(waits: readonly WaitResult[] | undefined): Part[] {
  if (waits === undefined || waits.length === 0) return [];
  return [['Why cores wait', textTable(WAITS_HEAD, waitRows(waits))]];
}

function path(entries: readonly PathEntry[] | undefined): Part[] {
  if (entries === undefined) return [];
  return [['The critical path', textTable(PATH_HEAD, pathRows(entries)), true]];
}

function json(value: unknown): string {
  return pre(JSON.stringify(value, null, 2));
}
