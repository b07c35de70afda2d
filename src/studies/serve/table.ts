/**
 * Serving as text for a terminal: the block that users of vLLM know, then what is the wafer's own.
 * Speed is of one user, throughput of all together; no line holds both under one name.
 */
import { costSection, gpusText, planCosts, servedCosts } from '../../report/cost-text.js';
import { count, fixed, heading, known as number, shown, table } from '../../report/format.js';
import type { Style } from '../../report/format.js';
import { planText } from '../../report/plan-text.js';
import type { Distribution } from '../../serving/metrics.js';
import type { TransportEffect } from '../../serving/transport-effect.js';
import type { DeploymentsResult, ServingResult } from '../../report/serving-document.js';

const WIDTH = 50;

/** One scenario in full, ending with a line break. */
export function servingTable(serving: ServingResult, style: Style): string {
  const parts = [
    ...planParts(serving, style),
    heading(titleOf(serving), style),
    vllmBlock(serving),
    wafer(serving, style),
    stepTimes(serving, style),
    serving.gpus.length > 0 ? gpuTable(serving, style) : '',
    costSection(servedCosts(serving), style),
    serving.transportEffect ? transportTable(serving, style) : '',
    serving.notes.map((note) => `  note: ${shown(note)}`).join('\n'),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

/** What a planner asks, where that is asked for; it comes first. */
function planParts({ plan, model, speculation }: ServingResult, style: Style): string[] {
  if (plan === undefined) return [];
  const { title, lines, wafers, gpus } = planText({
    ...{ plan, model },
    ...(speculation && { speculation }),
  });
  const own = [
    heading(title, style),
    ...lines.map((line) => `  ${line}`),
    table(wafers.head, wafers.rows),
  ];
  return [
    own.join('\n'),
    ...(gpus ? [[heading(gpus.title, style), table(gpus.head, gpus.rows)].join('\n')] : []),
    costSection(planCosts(plan), style),
  ];
}

/** One line per scenario, and notes of those after the first, which is shown in full elsewhere. */
export function scenariosTable(scenarios: ServingResult[], style: Style): string {
  const head = [
    'scenario',
    'parameters',
    'wafers',
    'context',
    'tokens/s one user alone',
    'tokens/s per user p50',
    'p10',
    'tokens/s all users',
    'TTFT p50 ms',
    'E2EL p50 ms',
    'J/token',
  ];
  const rows = scenarios.map((s) => [
    s.scenario,
    billions(s.parameters),
    count(s.wafers),
    count(s.maxContext),
    aloneText(s),
    number(s.outputSpeed.p50, 0),
    number(s.outputSpeed.p10, 0),
    number(s.outputThroughput, 0),
    number(s.ttftMs.p50, 1),
    number(s.e2elMs.p50, 1),
    number(s.energy.joulesPerOutputToken, 3),
  ]);
  const { contexts } = scenarios[0].stepTimes;
  const note =
    `  If the model were this big, it would take this many wafers and be this fast. Alone: with ` +
    `${count(contexts[0])} and with ${count(contexts.at(-1)!)} tokens in the cache.`;
  const notes = scenarios
    .slice(1)
    .flatMap((s) =>
      s.notes
        .filter((one) => !scenarios[0].notes.includes(one))
        .map((one) => `  note, ${s.scenario}: ${one}\n`),
    );
  return `${heading('Scenarios', style)}\n${table(head, rows)}\n${note}\n${notes.join('')}`;
}

/** A line per deployment that serves requests, and one of all together. */
export function deploymentsTable(
  { placed, wafers, systemWafers, total }: DeploymentsResult,
  served: readonly ServingResult[],
  style: Style,
): string {
  const head = [
    'deployment',
    'model',
    'wafers',
    'requests completed',
    'tokens/s per user p50',
    'p10',
    'tokens/s all users',
    'TTFT p50 ms',
    'E2EL p50 ms',
    'J/token',
  ];
  type Row = Pick<
    ServingResult,
    'requests' | 'outputSpeed' | 'outputThroughput' | 'ttftMs' | 'e2elMs' | 'energy'
  >;
  const figures = ({ requests, outputSpeed, outputThroughput, ttftMs, e2elMs, energy }: Row) => [
    `${count(requests.completed)} of ${count(requests.arrived)}`,
    number(outputSpeed.p50, 0),
    number(outputSpeed.p10, 0),
    number(outputThroughput, 0),
    number(ttftMs.p50, 1),
    number(e2elMs.p50, 1),
    number(energy.joulesPerOutputToken, 3),
  ];
  const rows = placed.map((one) => {
    const of = served.find(({ scenario }) => scenario === one.name);
    const last = one.firstWafer + one.wafers - 1;
    const lies = one.wafers === 1 ? `${one.firstWafer}` : `${one.firstWafer} to ${last}`;
    const role = one.draftsFor === undefined ? [] : [`drafts for ${one.draftsFor}`];
    return [one.name, one.model, lies, ...(of ? figures(of) : role)];
  });
  const has = systemWafers === null ? '' : ` of ${count(systemWafers)}`;
  rows.push(['all', '', `${count(wafers)}${has} used`, ...figures(total)]);
  const note =
    '  Each on wafers of its own; requests go to the model that they name, or by shares.';
  const cost = costSection([{ name: 'all deployments', cost: total.cost }], style);
  return `${heading('Deployments', style)}\n${table(head, rows)}\n${note}\n${cost === '' ? '' : `\n${cost}\n`}`;
}

/** From the shortest to the longest context that is simulated. */
function aloneText({ stepTimes: { aloneTokensPerSecond: speeds } }: ServingResult): string {
  return `${number(speeds[0], 0)} to ${number(speeds.at(-1)!, 0)}`;
}

function titleOf({ scenario, workload, model, policy, wafers, transport }: ServingResult): string {
  const on = `${model} on ${count(wafers)} wafer${wafers === 1 ? '' : 's'}`;
  return `${scenario === '' ? '' : `${scenario}: `}${on}, ${workload}, ${policy}, ${transport.kind}`;
}

function vllmBlock(s: ServingResult): string {
  const { requests, rejections } = s;
  return [
    banner(' Serving Benchmark Result ', '='),
    line('Successful requests:', count(requests.completed)),
    line('Rejected requests:', count(requests.rejected)),
    ...Object.entries(rejections).map(([why, n]) => `    ${count(n)}: ${why}`),
    ...(requests.cancelled === undefined
      ? []
      : [line('Cancelled requests:', count(requests.cancelled))]),
    line('Unfinished requests:', count(requests.unfinished)),
    line('Benchmark duration (s):', number(s.durationSeconds, 2)),
    line('Total input tokens:', count(s.promptTokens)),
    line('Total generated tokens:', count(s.outputTokens)),
    line('Request throughput (req/s):', number(s.requestThroughput, 2)),
    line('Request goodput (req/s):', number(s.requestGoodput, 2)),
    line('Output token throughput (tok/s):', number(s.outputThroughput, 2)),
    line('Total Token throughput (tok/s):', number(s.totalTokenThroughput, 2)),
    ...latency('Time to First Token', 'TTFT', s.ttftMs),
    ...latency('Time per Output Token (excl. 1st token)', 'TPOT', s.tpotMs, 3),
    ...latency('Inter-token Latency', 'ITL', s.itlMs, 3),
    ...latency('End-to-end Latency', 'E2EL', s.e2elMs),
    '='.repeat(WIDTH),
  ].join('\n');
}

function latency(title: string, name: string, d: Distribution, digits: 2 | 3 = 2): string[] {
  return [
    banner(title, '-'),
    line(`Mean ${name} (ms):`, number(d.mean, digits)),
    line(`Median ${name} (ms):`, number(d.p50, digits)),
    line(`P90 ${name} (ms):`, number(d.p90, digits)),
    line(`P99 ${name} (ms):`, number(d.p99, digits)),
  ];
}

function wafer(s: ServingResult, style: Style): string {
  const { partsMs, outputSpeed, energy } = s;
  const ms = (value: number) => `${number(value, 2)} ms`;
  return [
    heading('On the wafer', style),
    `  output speed      ${number(outputSpeed.p50, 1)} tokens/s per user (p50), ${number(outputSpeed.p10, 1)} for the slowest tenth`,
    `  throughput        ${number(s.outputThroughput, 1)} tokens/s, all users together`,
    `  a request's time  queue ${ms(partsMs.queue)} + transport ${ms(partsMs.transport)} + prefill ${ms(partsMs.prefill)} + decode ${ms(partsMs.decode)} (means)`,
    `  KV cache          ${count(s.kvTokens)} positions for all users${s.kvBlock === undefined ? '' : `, ${count(s.kvBlock)} at a time`}; longest context ${count(s.maxContext)}`,
    ...(s.states === undefined
      ? []
      : [`  states, windows   of ${count(s.states)} users at once, whatever their contexts`]),
    `  128k context      ${reachText(s.reach)}`,
    ...speculationText(s),
    ...replayText(s),
    `  energy            ${number(energy.joulesPerOutputToken, 3)} J per output token at ${number(energy.watts / 1000, 2)} kW`,
  ].join('\n');
}

/** What rounds came to; how often a drafted token is right is an assumption, and said to be one. */
function speculationText({ speculation: of }: ServingResult): string[] {
  if (of === undefined) return [];
  const chances = [...new Set(of.assumedAcceptance)].join(', ');
  const verified = of.policy === 'fixed' ? `${of.tokens}` : `${of.tokens} at most, by load`;
  return [
    `  speculation       ${shown(of.draft)} drafts, ${verified} tokens a round (${number(of.tokensVerifiedPerRound, 2)} in the mean), assumed acceptance ${chances}`,
    `                    ${number(of.tokensPerRound, 2)} tokens emitted a round; ${count(of.accepted)} of ${count(of.drafted)} drafted tokens accepted`,
  ];
}

/** Whether a record came again as it was. */
function replayText({ replay }: ServingResult): string[] {
  if (replay === undefined) return [];
  const { requests, tokens, differing, first } = replay;
  const all = `${count(tokens)} tokens of ${count(requests)} recorded requests`;
  const at = first && `, first token ${first.token} of request ${first.request}`;
  const what = differing === 0 ? 'each at its recorded time' : `${count(differing)} at other times`;
  return [`  record            ${all}, ${what}${at ?? ''}`];
}

function reachText({ oneWafer, wafersFor128k: wafers }: ServingResult['reach']): string {
  const long = wafers === null ? 'fits no number of wafers' : `takes ${count(wafers)} wafers`;
  const one = oneWafer === 0 ? 'does not hold the model' : `holds at most ${count(oneWafer)}`;
  return `${long}; one wafer ${one}`;
}

function stepTimes({ stepTimes: s }: ServingResult, style: Style): string {
  const head = [
    'context',
    'cycles, one user',
    'tokens/s, one user alone',
    `cycles, ${s.fullUsers} users`,
    `tokens/s, ${s.fullUsers} users together`,
  ];
  const rows = s.contexts.map((context, i) => [
    count(context),
    count(s.aloneCycles[i]),
    number(s.aloneTokensPerSecond[i], 1),
    count(s.fullCycles[i]),
    number(s.fullTokensPerSecond[i], 1),
  ]);
  const error = `  a prompt streams in as fast as all users together decode; between contexts ${number(100 * s.middleError, 2)} % off at most where checked`;
  return `${heading('Simulated steps (what serving is made of, not what was served)', style)}\n${table(head, rows)}\n${error}`;
}

function gpuTable(s: ServingResult, style: Style): string {
  const head = [
    '',
    'tokens/s per user p50',
    'tokens/s, all users',
    'TTFT p50 ms',
    'completed',
    'J/token',
  ];
  const row = (
    name: string,
    of: Pick<ServingResult, 'outputSpeed' | 'outputThroughput' | 'ttftMs' | 'energy'>,
    done: number,
  ) => [
    name,
    number(of.outputSpeed.p50, 1),
    number(of.outputThroughput, 1),
    number(of.ttftMs.p50, 1),
    count(done),
    number(of.energy.joulesPerOutputToken, 3),
  ];
  const rows = [
    row(`wafers x ${s.wafers} (simulated)`, s, s.requests.completed),
    ...s.gpus.map((g) => row(gpusText(g), g, g.completed)),
  ];
  const checks = s.gpus.flatMap((one) =>
    one.checks.map(
      ({ model, gpus, published, predicted, error }) =>
        `  check: ${shown(model)} on ${gpus} ${shown(one.gpu)}: ${fixed(predicted, 1)} tokens/s, published ` +
        `${fixed(published, 1)} (${error < 0 ? '' : '+'}${fixed(100 * error, 1)} %)`,
    ),
  );
  const title = heading('Next to GPUs (roofline: analytic, not simulated)', style);
  return [title, table(head, rows), ...checks].join('\n');
}

function transportTable({ transportEffect: effect }: ServingResult, style: Style): string {
  const { http, websocket, saved, published, explainedBy, needed } = effect!;
  const percent = (share: number) => `${number(100 * share, 1)} %`;
  const head = ['', 'per round trip', 'per token', 'time to first token (p50)'];
  const cells = (
    name: string,
    c: { perRoundTrip: number; perToken: number; timeToFirstToken: number },
  ) => [name, percent(c.perRoundTrip), percent(c.perToken), percent(c.timeToFirstToken)];
  const costs = (name: string, c: typeof http) => [
    name,
    `${number(c.perRoundTripMs, 2)} ms`,
    `${number(c.perTokenMicros, 1)} us`,
    `${number(c.timeToFirstTokenMs, 2)} ms`,
  ];
  return [
    heading('What a persistent WebSocket saves', style),
    table(head, [
      costs('HTTP', http),
      costs('WebSocket', websocket),
      cells('saved', saved),
      ...explainedBy.map((one) => cells(`  by ${one.parameter}`, one)),
      cells('published', published),
    ]),
    '  to save just the published share, one of these alone:',
    `    per round trip: ${neededText(needed.perRoundTrip)}`,
    `    per token: tokenMicros of the WebSocket ${number(needed.perToken['websocket.tokenMicros'], 1)}`,
    `    time to first token: ${neededText(needed.timeToFirstToken)}`,
  ].join('\n');
}

function neededText(needed: TransportEffect['needed']['perRoundTrip']): string {
  const value = (ms: number | null) => (ms === null ? 'at no value' : number(ms, 1));
  return `requestWorkMs of HTTP ${value(needed['http.requestWorkMs'])}; roundTripMs of both ${value(needed.roundTripMs)}`;
}

function banner(title: string, character: string): string {
  const left = Math.floor((WIDTH - title.length) / 2);
  return character.repeat(left) + title + character.repeat(WIDTH - title.length - left);
}

function line(name: string, value: string): string {
  return name.padEnd(WIDTH - 10) + value.padEnd(10).trimEnd();
}

function billions(parameters: number): string {
  return parameters >= 1e8 ? `${fixed(parameters / 1e9, 1)} B` : count(parameters);
}
