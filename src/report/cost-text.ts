/** What tokens cost, as a terminal and a page show it: computed, at prices that are assumed. */
import type { CostResult } from '../serving/cost.js';
import type { GpuPlanRow, PlanResult } from './plan-document.js';
import type { AnyRun, GpuResult, ServingResult } from './serving-document.js';
import { count, fixed, heading, share, table, type Style } from './format.js';

/** Systems whose tokens have a cost, and what a row of a table calls them. */
export interface Costed {
  name: string;
  cost?: CostResult | undefined;
}

export interface CostText {
  title: string;
  head: string[];
  rows: string[][];
  notes: string[];
}

const HEAD = ['', 'tokens/s, all users', 'systems', 'energy', 'owned', 'rented', 'to buy, MUSD'];

/** Undefined where nothing has a cost, since no price is given. */
export function costText(all: readonly Costed[]): CostText | undefined {
  const known = all.flatMap(({ name, cost }) => (cost ? [{ name, cost }] : []));
  if (known.length === 0) return undefined;
  return {
    title: 'What a million output tokens cost, USD (computed; prices are assumed)',
    head: HEAD,
    rows: known.map(({ name, cost }) => cells(name, cost)),
    notes: [
      ...assumedNotes(known),
      ...new Set(known.flatMap(({ cost }) => missingNote(cost))),
      'Owned: systems over their lifetime, and energy at their stated power. Networks, storage, spare systems, people and margins are left out.',
    ],
  };
}

function cells(name: string, cost: CostResult): string[] {
  const { systems, energy, owned, rented } = cost.usdPerMillionOutputTokens;
  return [
    name,
    fixed(cost.tokensPerSecond, 1),
    ...[systems, energy, owned, rented].map(usd),
    cost.usdToBuy === undefined ? '-' : fixed(cost.usdToBuy / 1e6, 2),
  ];
}

/** Three digits that count, or cents; `-` of what is not known, and of no tokens. */
function usd(value: number | null | undefined): string {
  if (value === undefined || value === null || !Number.isFinite(value)) return '-';
  if (value >= 1000) return count(value);
  return value >= 1 || value === 0 ? fixed(value, 2) : String(Number(value.toPrecision(3)));
}

/** Prices, once for all rows that have the same. */
function assumedNotes(known: readonly { name: string; cost: CostResult }[]): string[] {
  const names = new Map<string, string[]>();
  for (const { name, cost } of known) {
    const text = assumedText(cost);
    names.set(text, [...(names.get(text) ?? []), name]);
  }
  return [...names].map(([text, [first, ...others]]) => {
    const more = others.length === 0 ? '' : ` and ${count(others.length)} more`;
    return `Assumed, ${first}${more}: ${text}.`;
  });
}

function assumedText({ assumed }: CostResult): string {
  const { systemPrice, lifetimeYears, energyPrice, hourPrice, utilization, pue } = assumed;
  const over = lifetimeYears === undefined ? '' : ` over ${fixed(lifetimeYears, 1)} years`;
  const site = pue === 1 ? '' : ` at PUE ${pue}`;
  return [
    ...(systemPrice === undefined ? [] : [`${usd(systemPrice)} USD a system${over}`]),
    ...(energyPrice === undefined ? [] : [`${usd(energyPrice)} USD/kWh${site}`]),
    ...(hourPrice === undefined ? [] : [`${usd(hourPrice)} USD for an hour of a rented one`]),
    utilization === 1
      ? 'in hours with this load'
      : `${share(utilization, 1)} of all hours with this load`,
  ].join(', ');
}

function missingNote({ missing }: CostResult): string[] {
  return missing.length === 0 ? [] : [`No cost of owned systems without ${missing.join(', ')}.`];
}

/** The wafers of a run, or of all that it served, and the GPUs next to them. */
export function costsOf(run: AnyRun): Costed[] {
  const { serving, scenarios, deployments } = run;
  if (serving === undefined)
    return [{ name: wafersText(run.placement.wafers ?? 1, ''), cost: run.cost }];
  const all = (scenarios ?? [serving]).flatMap(servedCosts);
  if (deployments === undefined) return all;
  return [...all, { name: 'all deployments', cost: deployments.total.cost }];
}

/** Of runs side by side, each by its name. */
export function costsOfEach(runs: readonly AnyRun[], names: readonly string[]): Costed[] {
  return runs.flatMap((run, i) =>
    costsOf(run).map(({ name, cost }) => ({ name: `${names[i]}: ${name}`, cost })),
  );
}

/** Of a served scenario; it is named where there are several. */
export function servedCosts({ scenario, wafers, cost, gpus }: ServingResult): Costed[] {
  return [{ name: wafersText(wafers, scenario), cost }, ...gpus.map(gpuCost)];
}

export function gpuCost(of: GpuResult): Costed {
  return { name: gpusText(of), cost: of.cost };
}

/** Of a plan: by tokens in the cache, at the floor; of GPUs also as many users as fit, at what speed that is. */
export function planCosts({ wafers, rows, gpus, gpuContext }: PlanResult): Costed[] {
  return [
    ...rows.map(({ context, site }) => ({
      name: `${wafersText(wafers, '')} a group, ${count(context)} tokens in the cache`,
      cost: site.cost,
    })),
    ...gpuPlanCosts(gpus, gpuContext),
  ];
}

export function gpuPlanCosts(gpus: readonly GpuPlanRow[], context: number): Costed[] {
  return gpus.flatMap((one) => {
    const name = `${gpusText(one)}, ${count(context)} tokens in the cache`;
    return [
      { name, cost: one.site.cost },
      { name: `${name}, as many users as fit`, cost: one.full.site.cost },
    ];
  });
}

export function gpusText({ gpu, gpus }: { gpu: string; gpus: number }): string {
  return `${gpu} x ${count(gpus)} (analytic)`;
}

export function wafersText(wafers: number, scenario: string): string {
  return `${scenario === '' ? '' : `${scenario}, `}wafers x ${count(wafers)}`;
}

/** As a part of a terminal's text: heading, table and notes; '' where nothing has a cost. */
export function costSection(all: readonly Costed[], style: Style): string {
  const text = costText(all);
  if (text === undefined) return '';
  const notes = text.notes.map((note) => `  ${note}`);
  return [heading(text.title, style), table(text.head, text.rows), ...notes].join('\n');
}
