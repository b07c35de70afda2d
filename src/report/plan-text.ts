/** A plan in words and rows, for the terminal, the page and Markdown alike. */
import { markdownTable } from './format.js';
import { count, exact, fixed, known as number } from './numbers.js';
import type { GpuPlanRow, PlanResult, PlanRow, PlanSite } from './plan-document.js';
import { gpusText } from './cost-text.js';
import type { ServedSpeculation } from './serving-document.js';

export interface PlanText {
  title: string;
  /** Sentences, the answer first. */
  lines: string[];
  wafers: { head: string[]; rows: string[][] };
  gpus: { title: string; head: string[]; rows: string[][] } | undefined;
}

type Planned = { plan: PlanResult; model: string; speculation?: ServedSpeculation };

export function planText({ plan, model, speculation }: Planned): PlanText {
  const { floor, megawatts, pue, rows, gpus } = plan;
  const site = `${exact(megawatts)} MW at PUE ${exact(pue)}`;
  const head = [
    ...['tokens in the cache', 'plain tokens/s, one user (simulated)'],
    ...['tokens/s, one user', 'acceptance it takes', 'users per group'],
    ...['tokens/s each', 'J/token', 'users of the site', 'tokens/day'],
  ];
  return {
    title: `Plan: ${model}, users at ${count(floor)} tokens/s each`,
    lines: linesOf({ plan, model, ...(speculation && { speculation }) }, site),
    wafers: { head, rows: rows.map((row) => cells(row)) },
    gpus: gpus.length === 0 ? undefined : gpuPlanTable(gpus, plan.gpuContext),
  };
}

/** Clusters of GPUs with so many tokens in every user's cache. */
export function gpuPlanTable(gpus: readonly GpuPlanRow[], context: number) {
  const title = `GPU clusters at ${count(context)} tokens in the cache (roofline: analytic, not simulated)`;
  return { title, head: GPU_HEAD, rows: gpus.flatMap(gpuCells) };
}

function linesOf({ plan, speculation }: Planned, site: string): string[] {
  const { floor, wafers, watts, rows, assumedAcceptance } = plan;
  const longest = rows.at(-1)!;
  const draft = speculation?.draft === 'mtp' ? 'one layer of its own shape' : speculation?.draft;
  const drafted = speculation
    ? ` Rounds verify up to ${count(speculation.tokens)} tokens, drafted by ${draft}; ` +
      `that a drafted token is right with a chance of ${chancesText(assumedAcceptance ?? [])} is assumed.`
    : '';
  const takes = longest.acceptanceForFloor;
  const what =
    takes === null
      ? `no acceptance gives one user ${count(floor)} tokens/s with ${count(longest.context)} tokens in the cache`
      : takes === 0
        ? `one user has ${count(floor)} tokens/s with ${count(longest.context)} tokens in the cache without drafts`
        : `one user has ${count(floor)} tokens/s with ${count(longest.context)} tokens in the cache if a drafted token is right with a chance of ${fixed(takes, 3)}`;
  return [
    `A group is ${count(wafers)} ${wafers === 1 ? 'wafer' : 'wafers'}, ${fixed(watts / 1000, 0)} kW.${drafted}`,
    `On one, ${what}.`,
    `The site has ${site}: ${count(longest.site.machines)} wafers, ${count(longest.site.groups)} groups.`,
    'Simulated: tokens and rounds of one user, and how close those of others follow. Computed: users, joules at the stated power, the site; spare systems, networks and idle time are left out.',
  ];
}

/** One number where all are alike. */
function chancesText(chances: readonly number[]): string {
  return [...new Set(chances)].map((chance) => exact(chance)).join(', ') || '-';
}

function cells(row: PlanRow): string[] {
  const { acceptanceForFloor: takes } = row;
  return [
    count(row.context),
    number(row.plainTokensPerSecond, 0),
    number(row.tokensPerSecondAlone, 0),
    takes === null ? 'more than 1' : takes === 0 ? 'none' : fixed(takes, 3),
    `${count(row.users)} (${row.boundBy})`,
    ...siteCells(row.tokensPerSecondPerUser, row.site),
  ];
}

function siteCells(speed: number, { joulesPerToken, users, tokensPerDay }: PlanSite): string[] {
  if (users === 0) return ['-', '-', '0', '-'];
  const joules =
    joulesPerToken < 1 ? `${Number(joulesPerToken.toPrecision(3))}` : fixed(joulesPerToken, 2);
  return [fixed(speed, 0), joules, count(users), `${fixed(tokensPerDay / 1e12, 3)} T`];
}

const GPU_HEAD = [
  ...['cluster', 'tokens/s, one user', 'served', 'users per cluster'],
  ...['tokens/s each', 'J/token', 'users of the site', 'tokens/day'],
];

function gpuCells(row: GpuPlanRow): string[][] {
  const { gpu, gpus, tokensPerSecondAlone, users, full } = row;
  const name = [`${gpu} x ${count(gpus)}`, fixed(tokensPerSecondAlone, 0)];
  const speed = row.tokensPerSecondPerUser;
  return [
    [...name, 'at that speed', `${count(users)} (${row.boundBy})`, ...siteCells(speed, row.site)],
    [
      ...['', '', 'as many as fit', count(full.users)],
      ...siteCells(full.tokensPerSecondPerUser, full.site),
    ],
  ];
}

/** The plan as a table in Markdown: wafers by context, and the largest cluster of each GPU. */
export function planMarkdown(plan: PlanResult): string {
  const { floor, megawatts, rows, gpus, gpuContext } = plan;
  const head = [
    'served by',
    'tokens in the cache',
    'one user alone, tokens/s',
    'acceptance it takes',
    `users at ${count(floor)} tokens/s`,
    ...['J/token', `users on ${exact(megawatts)} MW`, 'tokens/day'],
  ];
  const group = `${count(plan.wafers)} wafers`;
  const own = rows.map((row) => {
    const [context, , alone, takes, , , ...site] = cells(row);
    return [group, context, alone, takes, count(row.users), ...site];
  });
  const largest = [...new Map(gpus.map((row) => [row.gpu, row])).values()];
  const clusters = largest.map(({ gpu, gpus: many, tokensPerSecondAlone, users, full }) => {
    const [speed, ...site] = siteCells(full.tokensPerSecondPerUser, full.site);
    const served = `${count(users)}; ${count(full.users)} at ${speed}`;
    const name = gpusText({ gpu, gpus: many });
    return [name, count(gpuContext), fixed(tokensPerSecondAlone, 0), '', served, ...site];
  });
  return markdownTable(head, [...own, ...clusters]);
}
