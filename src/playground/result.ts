/** What a document says, as the parts of the page: markup that the report's own functions make. */
import type { InPage, KernelDocument, ResolvedConfig, RunDocument } from '../browser.js';
import type { RunDetail } from '../report/detail.js';
import type { PathEntry, WaitResult } from '../report/document.js';
import { count } from '../report/numbers.js';
import { escapeHtml } from '../report/html-escape.js';
import { floorPlans } from '../report/html-floor.js';
import { QUANTITIES, valuesOf } from '../report/html-maps.js';
import { stretchesOfPath } from '../report/html-step.js';
import { breakdownTable, causesTable, regionsTable, table } from '../report/html-tables.js';
import { timeline } from '../report/html-timeline.js';
import { HEADLINE, METRICS, textOf } from '../report/metrics.js';
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
      [
        'Floor plan',
        `<div class="wide">${floorPlans(detail.maps, placement.regions, detail.stages)}</div>`,
      ],
      [
        'A token on its path',
        `<div class="wide">${timeline(stepOf(detail, decode.criticalPath))}</div>`,
      ],
      ['Where a token goes', breakdownTable(decode.breakdown, decode.cyclesPerToken)],
      ['What the cores do', causesTable(decode.coreCycles)],
      ...waiting(decode.waits),
      ...path(decode.criticalPath),
      ['Regions', regionsTable(placement), true],
      ['Configuration, with every default', json(run.config), true],
    ],
    maps: detail.maps.map((map): WaferNumbers => {
      const { wafer, width, height } = map;
      const regions = placement.regions.filter((region) => region.wafer === wafer);
      return {
        wafer,
        width,
        height,
        regions,
        values: QUANTITIES.map((name) => valuesOf(map, name)),
      };
    }),
  };
}

/** A step in time, as the timeline draws it. */
function stepOf({ cycles, stages, others }: RunDetail, path: readonly PathEntry[] | undefined) {
  const token = path && { path: stretchesOfPath(path) };
  return { cycles, stages, ...(others && { others }), ...token };
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
  return [['Why cores wait', escaped(WAITS_HEAD, waitRows(waits))]];
}

function path(entries: readonly PathEntry[] | undefined): Part[] {
  if (entries === undefined) return [];
  return [['The critical path', escaped(PATH_HEAD, pathRows(entries)), true]];
}

function escaped(head: string[], rows: string[][]): string {
  return table(
    head,
    rows.map((row) => row.map(escapeHtml)),
  );
}

function json(value: unknown): string {
  return `<pre tabindex="0">${escapeHtml(JSON.stringify(value, null, 2))}</pre>`;
}
