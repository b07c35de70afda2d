/** A fleet as text: wafers, replicas, users and tokens per day. */
import type { FleetRow } from '../deployment/fleet.js';
import { count, fixed, heading, table, type Style } from './format.js';

export interface FleetDocument {
  schema: 'wafersim.fleet/1';
  megawatts: number;
  pue: number;
  speed: number;
  rows: FleetRow[];
}

/** Ends with a line break. */
export function fleetTable({ megawatts, pue, speed, rows }: FleetDocument, style: Style): string {
  const title = `${count(megawatts)} MW at PUE ${fixed(pue, 2)}: users at ${count(speed)} tokens/s each`;
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
    'J/token',
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
    Number.isFinite(r.joulesPerToken) ? fixed(r.joulesPerToken, 2) : '-',
  ]);
  const note =
    '  Simulated steps and arithmetic; spare systems, networks and idle time are left out.';
  return `${heading(title, style)}\n${table(head, lines)}\n${note}\n`;
}
