/**
 * What tokens cost at a load, as planners count it: systems that are owned (their price over their lifetime, and energy)
 * or rented (by the hour). Computed; prices are assumptions, and without one there is no cost of its kind.
 */

/** Prices and what they are paid for, all in USD; none of them is known unless it is given. */
export interface Economics {
  /** Of a system: a wafer with all that it needs. */
  systemPrice?: number;
  /** Seconds over which the price of a system is written off. */
  lifetime?: number;
  /** USD per kWh. */
  energyPrice?: number;
  /** USD per hour of a system that is rented, its energy included. */
  hourPrice?: number;
  /** Share of all hours in which the systems have the load. */
  utilization?: number;
  /** Power of the site over that of its systems. */
  pue?: number;
  /** By a GPU's name. */
  gpus?: Readonly<Record<string, GpuPrices>>;
}

export interface GpuPrices {
  /** USD, with its share of the server around it; and per hour where it is rented. */
  price?: number;
  hourPrice?: number;
}

/** Systems of one kind, and the tokens that they make together. */
export interface CostedLoad {
  systems: number;
  /** Of one system. */
  watts: number;
  /** Output tokens of all users. */
  tokensPerSecond: number;
}

/** Costs in USD, of those whose prices are given. */
export interface CostParts {
  /** Their price over their lifetime. */
  systems?: number;
  energy?: number;
  /** Systems and energy, where both are known. */
  owned?: number;
  rented?: number;
}

export interface CostResult {
  kind: 'computed';
  systems: number;
  tokensPerSecond: number;
  /** What was assumed: 1 of `utilization` and `pue` where the configuration does not say. */
  assumed: Omit<Economics, 'gpus' | 'lifetime'> & {
    lifetimeYears?: number;
    utilization: number;
    pue: number;
  };
  /** Price of all systems, to buy them. */
  usdToBuy?: number;
  usdPerHour: CostParts;
  /** Every hour is paid for, and tokens are made in those with the load. */
  usdPerMillionOutputTokens: CostParts;
  /** Settings that would complete the cost of owned systems. */
  missing: string[];
}

const HOUR = 3600;

/** A year of 365.25 days but for seconds: as the units of times have it. */
const YEAR = 31_556_926;

/** Costs of wafers; undefined if no price is given. */
export function costOfWafers(economics: Economics | undefined, load: CostedLoad) {
  if (economics === undefined) return undefined;
  const { gpus: _, ...prices } = economics;
  return costOf(prices, load, { price: 'systemPrice', hourPrice: 'hourPrice' });
}

/** Costs of GPUs of a name; energy alone where their prices are not given. */
export function costOfGpus(economics: Economics | undefined, name: string, load: CostedLoad) {
  if (economics === undefined) return undefined;
  const { gpus, systemPrice: _, hourPrice: __, ...common } = economics;
  const { price, hourPrice } = gpus?.[name] ?? {};
  const prices = {
    ...common,
    ...(price !== undefined && { systemPrice: price }),
    ...(hourPrice !== undefined && { hourPrice }),
  };
  const path = `gpus.${name}`;
  return costOf(prices, load, { price: `${path}.price`, hourPrice: `${path}.hourPrice` });
}

type Prices = Omit<Economics, 'gpus'>;

function costOf(
  prices: Prices,
  { systems, watts, tokensPerSecond }: CostedLoad,
  keys: { price: string; hourPrice: string },
): CostResult | undefined {
  const { systemPrice, lifetime, energyPrice, hourPrice, utilization = 1, pue = 1 } = prices;
  if (systemPrice === undefined && energyPrice === undefined && hourPrice === undefined)
    return undefined;
  const usdPerHour = partsOf({
    systems:
      systemPrice !== undefined && lifetime !== undefined
        ? (systems * systemPrice * HOUR) / lifetime
        : undefined,
    energy: energyPrice === undefined ? undefined : ((systems * watts) / 1000) * pue * energyPrice,
    rented: hourPrice === undefined ? undefined : systems * hourPrice,
  });
  const millionsPerHour = (tokensPerSecond * HOUR * utilization) / 1e6;
  const given = Object.entries(usdPerHour).map(([part, usd]) => [part, usd / millionsPerHour]);
  const { lifetime: _, ...stated } = prices;
  return {
    kind: 'computed',
    systems,
    tokensPerSecond,
    assumed: {
      ...stated,
      ...(lifetime !== undefined && { lifetimeYears: lifetime / YEAR }),
      utilization,
      pue,
    },
    ...(systemPrice !== undefined && { usdToBuy: systems * systemPrice }),
    usdPerHour,
    usdPerMillionOutputTokens: Object.fromEntries(given),
    missing: missingIn(prices, keys.price),
  };
}

/** Those that are known. */
function partsOf({
  systems,
  energy,
  rented,
}: Record<'systems' | 'energy' | 'rented', number | undefined>): CostParts {
  return {
    ...(systems !== undefined && { systems }),
    ...(energy !== undefined && { energy }),
    ...(systems !== undefined && energy !== undefined && { owned: systems + energy }),
    ...(rented !== undefined && { rented }),
  };
}

/** What systems that are owned lack, if anything is said of them. */
function missingIn({ systemPrice, lifetime, energyPrice }: Prices, price: string): string[] {
  if (systemPrice === undefined && energyPrice === undefined) return [];
  const all = { [price]: systemPrice, lifetime, energyPrice };
  return Object.entries(all).flatMap(([key, value]) =>
    value === undefined ? [`economics.${key}`] : [],
  );
}
