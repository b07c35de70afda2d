/** A capacity search as text: the bracket, and what the clients see at its lower end. */
import type { CapacityResult } from './capacity.js';
import type { HostResult } from '../../report/document.js';
import type { Identity } from '../../report/identity.js';
import { costSection, gpuCost, gpusText, wafersText } from '../../report/cost-text.js';
import { count, fixed, heading, known, type Style } from '../../report/format.js';

export interface CapacityDocument extends CapacityResult, Identity {
  schema: 'wafersim.capacity/1';
  configHash: string;
  scenario: string;
  host: HostResult;
}

/** Ends with a line break. */
export function capacityTable(
  document: Omit<CapacityDocument, 'configHash' | 'host' | keyof Identity>,
  style: Style,
): string {
  const { slos, requestsPerSecond: rate, tried, metrics, deployments = [], notes } = document;
  const limits = slos.join(', ');
  const said = [...notes.map((note) => `  note          ${note}`), ''];
  if (metrics === null)
    return [
      heading(`no request rate meets ${limits}`, style),
      `  ${count(tried)} rates tried, down to almost none`,
      ...said,
    ].join('\n');
  const upper =
    rate.breaks === null ? 'no rate breaks them' : `${fixed(rate.breaks, 3)} breaks them`;
  const each = deployments.map((one) => {
    const { ttftMs, tpotMs } = one.metrics!;
    const times = `TTFT p99 ${fixed(ttftMs.p99, 2)} ms, TPOT p99 ${fixed(tpotMs.p99, 3)} ms`;
    return `  ${one.name.padEnd(13)} ${fixed(rate.meets * one.share, 3)} requests/s; ${times}`;
  });
  return [
    heading(`${fixed(rate.meets, 3)} requests/s meet ${limits}`, style),
    `  bracket       ${upper}; ${count(tried)} rates tried`,
    `  TTFT          p50 ${fixed(metrics.ttftMs.p50, 2)} ms, p99 ${fixed(metrics.ttftMs.p99, 2)} ms`,
    `  TPOT          p50 ${fixed(metrics.tpotMs.p50, 3)} ms, p99 ${fixed(metrics.tpotMs.p99, 3)} ms`,
    `  output speed  ${fixed(metrics.outputSpeed.p50, 1)} tokens/s per user (p50)`,
    `  throughput    ${fixed(metrics.outputThroughput, 1)} tokens/s, all users together`,
    ...each,
    ...(document.gpus ?? []).map(gpuLine),
    ...said,
    ...costLines(document, style),
  ].join('\n');
}

/** The same requests on GPUs. */
function gpuLine(of: NonNullable<CapacityResult['gpus']>[number]): string {
  const { outputThroughput, ttftMs, tpotMs, meets } = of;
  const speeds = `${known(outputThroughput, 1)} tokens/s, TTFT p50 ${known(ttftMs.p50, 2)} ms, TPOT p50 ${known(tpotMs.p50, 3)} ms`;
  return `  next to it    ${gpusText(of)}: ${meets ? 'meets them' : 'breaks them'}; ${speeds}`;
}

function costLines({ cost, gpus = [] }: CapacityResult, style: Style): string[] {
  const own = { name: wafersText(cost?.systems ?? 0, ''), cost };
  const text = costSection([own, ...gpus.map(gpuCost)], style);
  return text === '' ? [] : [text, ''];
}
