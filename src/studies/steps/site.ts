/** A site with so much power, full of equal groups of machines: how many there are, and what their users get. */
import { countable } from '../../decode/countable.js';
import { mostThat } from '../../placement/budget.js';
import type { AtFloor, PlanSite } from '../../report/plan-document.js';
import type { CostedLoad, CostResult } from '../../serving/cost.js';

export interface SiteOptions {
  megawatts: number;
  /** Power of the whole site over that of its systems, at least 1. */
  pue: number;
}

/** Users that a group serves at a speed, and what bounds them. */
export type GroupUsers = Omit<AtFloor, 'site'>;

/** No group has as many users as this, however fast it is. */
const MOST_USERS = 2 ** 31;

/**
 * @param speedOf tokens per second of each of so many users, which falls with them
 * @param speed that each is to have
 * @param byMemory users whose caches the group holds
 */
export function usersAt(
  speedOf: (users: number) => number,
  speed: number,
  byMemory: number,
): GroupUsers {
  const bySpeed = mostThat((users) => speedOf(users) >= speed, 1, MOST_USERS) ?? 0;
  const users = Math.min(bySpeed, byMemory);
  return {
    users,
    boundBy: users === 0 ? 'nothing fits' : byMemory < bySpeed ? 'memory' : 'speed',
    tokensPerSecondPerUser: users > 0 ? speedOf(users) : 0,
  };
}

/** Machines of a group, watts of each, and what their tokens cost, if that is known. */
export interface Group {
  machines: number;
  watts: number;
  costOf: (load: CostedLoad) => CostResult | undefined;
}

/** What a site of such groups serves. */
export function siteOf(
  { megawatts, pue }: SiteOptions,
  group: Group,
  { users, tokensPerSecondPerUser }: Pick<GroupUsers, 'users' | 'tokensPerSecondPerUser'>,
): PlanSite {
  const machines = countable(Math.floor((megawatts * 1e6) / pue / group.watts), 'machines');
  const groups = Math.floor(machines / group.machines);
  const all = countable(groups * users, 'users');
  const tokensPerSecond = all * tokensPerSecondPerUser;
  const systems = groups * group.machines;
  const cost = group.costOf({ systems, watts: group.watts, tokensPerSecond });
  const joulesPerToken = (group.machines * group.watts) / (users * tokensPerSecondPerUser);
  return {
    machines,
    groups,
    users: all,
    tokensPerDay: tokensPerSecond * 86_400,
    joulesPerToken,
    joulesPerTokenAtSite: joulesPerToken * pue,
    ...(cost && { cost }),
  };
}
