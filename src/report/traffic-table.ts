/** Synthetic traffic as text: latency, offered and accepted load, and their curve. */
import type { KernelDocument, LatencyResult, TrafficResult } from './document.js';
import { count, fixed, table } from './format.js';

const UNIT = 'wavelets per sending core and cycle';

/** What a kernel says of the network; nothing unless it is synthetic traffic. */
export function networkText({ loads, traffic }: KernelDocument): string {
  if (loads) return loadsTable(loads);
  return traffic ? trafficTable(traffic) : '';
}

/** One load: two latencies, and what the network accepted. */
function trafficTable(traffic: TrafficResult): string {
  const { latency, offeredLoad, acceptedLoad, senders, saturatedSenders } = traffic;
  const rows = [
    ['from injection (entering the ramp)', ...latencyCells(latency.fromInjection)],
    ['from generation', ...latencyCells(latency.fromGeneration)],
  ];
  const verdict = traffic.saturated
    ? `saturated: ${count(saturatedSenders)} of ${count(senders)} senders cannot keep up`
    : 'not saturated';
  return [
    table(['latency in cycles, simulated', 'mean', 'p50', 'p99'], rows),
    `  offered ${fixed(offeredLoad, 3)}, accepted ${fixed(acceptedLoad, 3)} ${UNIT}; ${verdict}`,
    measured(traffic.window, `${count(traffic.window.deliveries)} deliveries of wavelets`),
    DEEPER,
  ].join('\n');
}

/** The curve: a row per load. */
function loadsTable(loads: NonNullable<KernelDocument['loads']>): string {
  const rows = loads.map(({ load, offeredLoad, acceptedLoad, latency, saturated, cycles }) => [
    String(load),
    fixed(offeredLoad, 3),
    fixed(acceptedLoad, 3),
    ...latencyCells(latency.fromInjection),
    ...latencyCells(latency.fromGeneration),
    saturated ? 'yes' : 'no',
    count(cycles),
  ]);
  const head = ['load', 'offered', 'accepted', 'injection: mean', 'p50', 'p99'];
  head.push('generation: mean', 'p50', 'p99', 'saturated', 'cycles');
  return [
    table(head, rows),
    '  latency in cycles, simulated, from injection (entering the ramp) and from generation;',
    `  loads in ${UNIT}`,
    measured(loads[0].window, 'wavelets'),
    DEEPER,
  ].join('\n');
}

function measured({ from, to }: TrafficResult['window'], what: string): string {
  return (
    `  measured: ${what} generated in cycles ${count(from)} to ${count(to)}, the middle half; the first\n` +
    '  quarter fills the network, in the last one the load continues while what is measured arrives'
  );
}

/** What a sweep of `hardware.fabric.queueDepth` shows (see docs/kernels.md). */
const DEEPER =
  '  deeper queues can be slower: beyond a round trip of credits nothing more is accepted, wavelets wait inside\n' +
  '  the network instead of at their source, and what no core takes yet shares links with what is awaited';

function latencyCells(latency: LatencyResult | null): string[] {
  if (latency === null) return ['-', '-', '-'];
  return [latency.mean, latency.p50, latency.p99].map((cycles) => fixed(cycles, 1));
}
