/** A fleet as text: wafers, replicas, users and tokens per day. */
import type { FleetOptions, FleetRow } from './fleet.js';
import { costSection, gpuPlanCosts, type Costed } from '../../report/cost-text.js';
import { gpuPlanTable } from '../../report/plan-text.js';
import { exact } from '../../report/numbers.js';
import type { HostResult } from '../../report/document.js';
import type { Identity } from '../../report/identity.js';
import { count, fixed, heading, table, type Style } from '../../report/format.js';

export interface FleetDocument extends Identity, FleetOptions {
  schema: 'wafersim.fleet/1';
  configHash: string;
  rows: FleetRow[];
  host: HostResult;
}

/** Ends with a line break. */
export function fleetTable(
  { megawatts, pue, speed, rows }: FleetOptions & Pick<FleetDocument, 'rows'>,
  style: Style,
): string {
  const title = `${exact(megawatts)} MW at PUE ${exact(pue)}: users at ${exact(speed)} tokens/s each`;
  const head = [
    'model',
    'context',
    'wafers each',
    'wafers',
    'replicas',
    'users per replica',
    'users',
    'tokens/s per user',
    'alone',
    'tokens/day',
    'J/token, wafers',
    'J/token, site',
  ];
  const lines = rows.map((r) => [
    r.scenario === '' ? r.model : r.scenario,
    count(r.context),
    count(r.wafersPerReplica),
    count(r.wafers),
    count(r.replicas),
    `${count(r.usersPerReplica)} (${r.boundBy})`,
    count(r.users),
    fixed(r.tokensPerSecondPerUser, 0),
    fixed(r.tokensPerSecondAlone, 0),
    `${fixed(r.tokensPerDay / 1e12, 3)} T`,
    joules(r.joulesPerToken),
    joules(r.joulesPerTokenAtSite),
  ]);
  const note =
    '  Simulated: a token of one user, and the cycles between tokens where the slowest region is never without one;\n' +
    "  a step of several users is the longer of one user's and users x those. The rest is arithmetic; spare systems,\n" +
    '  networks and idle time are left out.\n' +
    `  J/token: of the wafers at their stated power; of the site, PUE ${exact(pue)} on top.`;
  const gpus = rows.flatMap((row) => gpuText(row, style));
  const costs = costSection(rows.flatMap(costsOf), style);
  return `${[
    [heading(title, style), table(head, lines), note].join('\n'),
    ...gpus,
    ...(costs === '' ? [] : [costs]),
  ].join('\n\n')}\n`;
}

/** Clusters next to a row, at its context. */
function gpuText(row: FleetRow, style: Style): string[] {
  if (row.gpus === undefined) return [];
  const { title, head, rows } = gpuPlanTable(row.gpus, row.context);
  return [[heading(title, style), table(head, rows)].join('\n')];
}

function costsOf({ scenario, model, context, cost, gpus = [] }: FleetRow): Costed[] {
  const name = `${scenario === '' ? model : scenario}, ${count(context)} tokens in the cache`;
  return [{ name, cost }, ...gpuPlanCosts(gpus, context)];
}

/** Three digits that count; `-` where no user is served. */
function joules(value: number): string {
  if (!Number.isFinite(value)) return '-';
  return value < 1 ? String(Number(value.toPrecision(3))) : fixed(value, 2);
}
