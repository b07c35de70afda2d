/**
 * A run and a kernel as text for a terminal: how fast, where the cycles go, what memory holds, and
 * what the simulator did to find out. Pure: every number comes from the document.
 */
import type { Breakdown, CyclesByCause, FabricResult, HostResult } from './document.js';
import type { KernelDocument, LinesResult, ReuseResult } from './document.js';
import type { RunDocument, StepResult } from './document.js';
import { bytes, count, fixed, heading, ranges, share, shown } from './format.js';
import { shownPage, table, valueAt } from './format.js';
import type { Style } from './format.js';
import { CAUSES, HEADLINE, METRICS, textOf } from './metrics.js';
import { placementText } from './placement-text.js';
import { acceptanceTable } from './acceptance-table.js';
import { checkText } from './check-text.js';
import { costSection, costsOf } from './cost-text.js';
import { routingFacts } from './routing-text.js';
import { ROUND_HEAD, roundRows, speculationFacts } from './speculation-text.js';
import { sharedLinksText } from './shared-links-text.js';
import { networkText } from './traffic-table.js';
import { whyLines, whyTitle } from './why-text.js';
import { bandText, sensitivityTable } from './sensitivity-table.js';

/** A run as text, ending with a line break. */
export function runTable(run: RunDocument, style: Style): string {
  const { decode, placement } = run;
  return sections([
    headline(run, style),
    run.text === undefined ? '' : section('Text', indented(run.text), style),
    section('Where a token goes', breakdown(decode.breakdown, decode.cyclesPerToken), style),
    decode.speculation
      ? section('Where a round goes', table(ROUND_HEAD, roundRows(decode.speculation)), style)
      : '',
    section('What the cores do', coreCycles(decode.coreCycles, decode.specialShare), style),
    why(decode, '', style),
    section(`Placement: ${placement.strategy}`, placementText(placement), style),
    section('Fabric', fabric(run.fabric), style),
    section('Simulated', [...reuse(run.reuse), host(run.host)].join('\n'), style),
    run.check ? section('Check', checkText(run.check, run.skippedTensors), style) : '',
    costSection(costsOf(run), style),
    run.acceptance ? section('Acceptance', acceptanceTable(run.acceptance), style) : '',
    run.sensitivity ? section('Uncertain numbers', sensitivityTable(run), style) : '',
  ]);
}

/** What a model says, line by line, whatever it says. */
function indented(text: string): string {
  return shownPage(text)
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n');
}

/** A kernel as text, ending with a line break. */
export function kernelTable(kernel: KernelDocument, style: Style): string {
  const { loads } = kernel;
  const on = kernel.config.hardware.name;
  const title = loads
    ? `${kernel.kernel}: ${loads.length} loads on ${on}`
    : `${kernel.kernel}: ${count(kernel.cycles)} cycles on ${on}`;
  // Of several loads the curve is shown; the rest is that of the last one.
  const at = loads ? `, at load ${loads.at(-1)!.load}` : '';
  const network = networkText(kernel);
  return sections([
    heading(title, style),
    network === '' ? '' : section('Latency and load', network, style),
    kernel.candidates ? section('Tried', candidates(kernel.candidates), style) : '',
    section(`Where they go${at}`, breakdown(kernel.breakdown, kernel.cycles), style),
    kernel.coreCycles
      ? section(`What the cores do${at}`, coreCycles(kernel.coreCycles), style)
      : '',
    why(kernel, at, style),
    section(`Fabric${at}`, fabric(kernel.fabric), style),
    section('Simulated', host(kernel.host), style),
  ]);
}

/** The fastest first; what was not run takes at least so many cycles. */
function candidates(tried: NonNullable<KernelDocument['candidates']>): string {
  const cyclesOf = ({ cycles, atLeast }: (typeof tried)[number]) => cycles ?? atLeast ?? Infinity;
  const rows = tried
    .toSorted((a, b) => cyclesOf(a) - cyclesOf(b))
    .map((one) => [
      Object.values(one.options).join(' '),
      one.cycles !== undefined
        ? count(one.cycles)
        : (one.refused?.split(':')[0] ?? `at least ${count(cyclesOf(one))}`),
    ]);
  return table(['algorithm', 'cycles'], rows);
}

/** One user's speed; with the band, the words `per user` move to the line below. */
function speedLine(run: RunDocument): string {
  const { decode, sensitivityBand: band } = run;
  const speed = METRICS.tokensPerSecondPerUser;
  if (!band) return `${textOf(speed, run)} ${speed.title}`;
  return `${count(decode.tokensPerSecondPerUser)} tokens/s (${bandText(band.oneAtATime)} over the uncertain parameters)`;
}

function headline(run: RunDocument, style: Style): string {
  const { decode, steps, config, configHash } = run;
  const layers = decode.perLayerCycles;
  const lines = [
    heading(speedLine(run), style),
    // Without a band the first one is the heading.
    ...HEADLINE.slice(run.sensitivityBand ? 0 : 1).map(
      ([key, before, after]) => `  ${before.padEnd(11)} ${textOf(METRICS[key], run)}${after}`,
    ),
  ];
  if (decode.bottleneck !== undefined && decode.tokensPerSecond > decode.tokensPerSecondPerUser)
    lines.push(`  in flight   ${inFlight(decode)}`);
  if (decode.sharedLinks) lines.push(`  links       ${sharedLinksText(decode.sharedLinks)}`);
  if (decode.routing)
    for (const [name, value] of routingFacts(decode.routing))
      lines.push(`  ${name.padEnd(11)} ${value}`);
  if (decode.speculation)
    for (const [name, value] of speculationFacts(decode.speculation))
      lines.push(`  ${name.padEnd(11)} ${value}`);
  if (layers.length > 0)
    lines.push(`  per layer   ${span(layers)} cycles, ${layers.length} layers`);
  lines.push(
    `  steps       ${stepList(steps)}`,
    `  config      ${[...subject(config), configHash].join(', ')}`,
  );
  return lines.join('\n');
}

/** Users whose tokens are in flight at once, and the region that limits them. */
function inFlight(decode: RunDocument['decode']): string {
  const { inFlight: users = 1, bottleneck, repeatsAfter, simulatedTokens = 0 } = decode;
  const many = users === 1 ? '1 user' : `${count(users)} users`;
  const text = `${many} at once; bottleneck: ${bottleneck}, which keeps its region longest`;
  if (repeatsAfter !== 0) return text;
  return `${text}; no repetition in ${count(simulatedTokens)} tokens, so the last round`;
}

function tokens(many: number): string {
  return many === 1 ? '1 token' : `${count(many)} tokens`;
}

/** What the configuration says of the model, the machine and the work; nothing of what it does not. */
function subject(config: unknown): string[] {
  const parts: [string, string][] = [
    ['', 'model.spec.name'],
    ['on ', 'hardware.name'],
    ['context ', 'workload.context'],
    ['prompt ', 'workload.prompt'],
    ['batch ', 'workload.batch'],
  ];
  return parts.flatMap(([word, path]) => {
    const value = valueAt(config, path);
    if (typeof value === 'number') return [word + count(value)];
    if (Array.isArray(value)) return [`${word}of ${tokens(value.length)}`];
    return typeof value === 'string' ? [word + shown(value)] : [];
  });
}

function span(values: number[]): string {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return least === most ? count(least) : `${count(least)} to ${count(most)}`;
}

/** Every step's cycles and token; the middle of a long run is left to the JSON. */
function stepList(steps: StepResult[]): string {
  const text = ({ cycles, token }: StepResult) =>
    token === undefined ? count(cycles) : `${count(cycles)} (token ${token})`;
  const shown =
    steps.length <= 8
      ? steps.map(text)
      : [...steps.slice(0, 4).map(text), '...', ...steps.slice(-2).map(text)];
  return `${steps.length}: ${shown.join(', ')} cycles`;
}

function breakdown(operators: Breakdown, whole: number): string {
  const rows = Object.entries(operators)
    .filter(([, { cycles }]) => cycles > 0)
    .map(([name, { cycles, compute, communication }]) => [
      name,
      count(cycles),
      share(cycles, whole),
      count(compute),
      count(communication),
    ]);
  rows.push(['all', count(whole), share(whole, whole), '', '']);
  return table(['operator', 'cycles', 'share', 'compute', 'communication'], rows);
}

function coreCycles(cycles: CyclesByCause, specialShare?: number): string {
  const whole = CAUSES.reduce((sum, [cause]) => sum + cycles[cause], 0);
  const rows = CAUSES.map(([cause, name]) => [
    name,
    count(cycles[cause]),
    share(cycles[cause], whole),
  ]);
  const text = table(['cause', 'core-cycles', 'share'], rows);
  if (specialShare === undefined) return text;
  return `${text}\n  exp, SiLU and other special functions: ${share(specialShare, 1)} of compute`;
}

function why(document: Parameters<typeof whyLines>[0], at: string, style: Style): string {
  const lines = whyLines(document);
  return lines.length === 0 ? '' : section(`${whyTitle(document)}${at}`, lines.join('\n'), style);
}

function fabric({ waveletHops, peakLinkUtilization, routeHazards }: FabricResult): string {
  const lines = [
    `  ${count(waveletHops)} wavelet-hops`,
    `  busiest link carries a wavelet in ${share(peakLinkUtilization, 1)} of the cycles`,
  ];
  if (routeHazards)
    lines.push(`  ${count(routeHazards)} route hazards (one colour on two ports at once)`);
  return lines.join('\n');
}

function reuse({ simulated, reused, lines: ofStages }: ReuseResult): string[] {
  const lines = [`  simulated  ${ranges(simulated.map(({ region }) => region))}`];
  for (const as of new Set(reused.map((entry) => entry.as))) {
    const names = reused.filter((entry) => entry.as === as).map(({ region }) => region);
    lines.push(`  reused     ${as} as ${ranges(names)}`);
  }
  if (ofStages) lines.push(`  lines      ${linesText(ofStages)}`);
  return lines;
}

function linesText({ lines, distinct, merged, whole, why }: LinesResult): string {
  const reasons = Object.entries(why).map(([reason, count]) => `${reason}: ${count}`);
  return [
    `${count(lines)}, of which ${count(distinct)} differ`,
    ...(merged > 0 ? [`phases merged ${merged} times`] : []),
    ...(whole > 0 ? [`stages simulated whole ${whole} (${reasons.join(', ')})`] : []),
  ].join('; ');
}

function host({ engine, shards, wallSeconds, peakRssBytes }: HostResult): string {
  const threads = shards === 1 ? '1 shard' : `${shards} shards`;
  return `  ${engine} engine, ${threads}: ${fixed(wallSeconds, 2)} s, ${bytes(peakRssBytes)} of host memory`;
}

function section(title: string, body: string, style: Style): string {
  return `${heading(title, style)}\n${body}`;
}

function sections(parts: string[]): string {
  return shownPage(`${parts.filter((part) => part !== '').join('\n\n')}\n`);
}
