/** Synthetic traffic as text: latency, offered and accepted load, and their curve. */
import type { KernelDocument, LatencyResult, TrafficResult } from './document.js';
import { count, fixed, table } from './format.js';

const UNIT = 'wavelets per sending core and cycle';

/** One load: two latencies, and what the network accepted. */
export function trafficTable(traffic: TrafficResult): string {
  const { latency, offeredLoad, acceptedLoad, senders, saturatedSenders } = traffic;
  const rows = [
    ['from injection (entering the ramp)', ...latencyCells(latency.fromInjection)],
    ['from generation', ...latencyCells(latency.fromGeneration)],
  ];
  const verdict = traffic.saturated
    ? `saturated: ${count(saturatedSenders)} of ${count(senders)} senders fall behind`
    : 'not saturated';
  return [
    table(['latency in cycles, simulated', 'mean', 'p50', 'p99'], rows),
    `  offered ${fixed(offeredLoad, 3)}, accepted ${fixed(acceptedLoad, 3)} ${UNIT}; ${verdict}`,
    measured(traffic),
    DEEPER,
  ].join('\n');
}

/** The curve: a row per load. */
export function loadsTable(loads: NonNullable<KernelDocument['loads']>): string {
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
    `  latency in cycles, simulated, from injection (entering the ramp) and from generation; loads in ${UNIT}`,
    measured(loads[0]),
    DEEPER,
  ].join('\n');
}

function measured({ window }: TrafficResult): string {
  const span = `${count(window.from)} to ${count(window.to)}`;
  return (
    `  measured: ${count(window.deliveries)} deliveries of wavelets generated in cycles ${span}, the middle half;` +
    ' the first quarter fills the network, in the last the load goes on'
  );
}

/** What a sweep of `hardware.fabric.queueDepth` shows (see the README). */
const DEEPER =
  '  deeper queues than a round trip of credits accept no more and can be slower: wavelets wait inside the network\n' +
  '  instead of at their source, and what nobody takes yet shares the links with what is waited for';

function latencyCells(latency: LatencyResult | null): string[] {
  if (latency === null) return ['-', '-', '-'];
  return [latency.mean, latency.p50, latency.p99].map((cycles) => fixed(cycles, 1));
}
