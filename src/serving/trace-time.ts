/**
 * Times of arrival as traces write them, in whole nanoseconds: dates (ISO 8601), or numbers in a unit,
 * counted from any beginning. Exact for every epoch, and so is the time between two of them.
 */

export type TimeUnit = 'iso' | 's' | 'ms' | 'us' | 'ns';

/** What a cell of each unit has to hold, for errors. */
export const WANTED: Record<TimeUnit, string> = {
  iso: 'a time such as 2023-11-16 18:15:46.6805900',
  s: 'seconds',
  ms: 'milliseconds',
  us: 'microseconds',
  ns: 'nanoseconds',
};

/** Decimal places down to a nanosecond. */
const PLACES = { s: 9, ms: 6, us: 3, ns: 0 } as const;

/** Three hundred years; no clock counts further. */
const MOST_NS = 10n ** 19n;

/** Nanoseconds of a cell, undefined if it is no time of this unit. */
export function instantNs(value: unknown, unit: TimeUnit): bigint | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const ns = unit === 'iso' ? dateNs(String(value)) : amountNs(String(value), PLACES[unit]);
  return ns !== undefined && ns >= 0n && ns <= MOST_NS ? ns : undefined;
}

const DATE =
  /^(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?(?: ?(?:Z|UTC|([+-]\d\d):?(\d\d)?))?$/;
const DAY_MS = 86_400_000;

/** Without a zone it is in UTC. */
function dateNs(text: string): bigint | undefined {
  const match = DATE.exec(text);
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number);
  const days = (Date.UTC(year, month, 1) - Date.UTC(year, month - 1, 1)) / DAY_MS;
  // Date.UTC would take the 31st of a short month for a day of the next one.
  const real = month >= 1 && month <= 12 && day >= 1 && day <= days;
  if (!real || hour > 23 || minute > 59 || second > 59) return undefined;
  const [, , , , , , , fraction = '', zoneHours = '+00', zoneMinutes = '0'] = match;
  const zone = Number(zoneHours.slice(1)) * 60 + Number(zoneMinutes);
  const aheadMs = zone * 60_000 * (zoneHours.startsWith('-') ? -1 : 1);
  const ms = Date.UTC(year, month - 1, day, hour, minute, second) - aheadMs;
  return BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
}

/** Rounded to the nanosecond. */
function amountNs(text: string, places: number): bigint | undefined {
  const [, whole, fraction = ''] = /^(\d{1,25})(?:\.(\d{0,25}))?$/.exec(text) ?? [];
  if (whole !== undefined) {
    const digits = fraction.padEnd(places + 1, '0');
    return BigInt(whole + digits.slice(0, places)) + (digits[places] >= '5' ? 1n : 0n);
  }
  // Programs write small and large numbers as 1e-05.
  const ns = /^\d+(\.\d+)?e[+-]?\d{1,3}$/i.test(text) ? Number(text) * 10 ** places : NaN;
  return ns < 1e20 ? BigInt(Math.round(ns)) : undefined;
}
