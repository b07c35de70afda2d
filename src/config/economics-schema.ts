/** The keys of a configuration that say what systems, energy and hours cost; all in USD, and none with a default. */
import * as z from 'zod';
import type { Economics } from '../serving/cost.js';
import { amount, text } from './errors.js';
import { plainOf, section } from './hardware-file.js';
import { quantity, readUnits } from './quantity.js';

const MOST = 1e12;
const price = (dimension: 'price' | 'energyPrice' | 'hourPrice', what: string) =>
  quantity({ dimension, min: 0, max: MOST }, readUnits).describe(what).exactOptional();

const share = amount(1e-6, 1);

export const economics = section('a mapping', {
  systemPrice: price('price', 'USD of a system: a wafer with all that it needs, such as 2 MUSD'),
  lifetime: quantity({ dimension: 'time', above: 0, max: 1e10 }, readUnits)
    .describe('Time over which the price of systems is written off, such as 4 years')
    .exactOptional(),
  energyPrice: price('energyPrice', 'USD of energy, such as 0.08 USD/kWh'),
  hourPrice: price(
    'hourPrice',
    'USD of an hour of a rented system, its energy included, such as 100 USD/h',
  ),
  utilization: share
    .exactOptional()
    .describe(
      'Share of all hours in which the systems have the load; of such hours alone unless given',
    ),
  pue: amount(1, 100)
    .exactOptional()
    .describe('Power of the site over that of its systems; fleets and plans have their own'),
  gpus: z
    .record(
      text('the name of a GPU'),
      section('a mapping with price, hourPrice or both', {
        price: price('price', 'USD of one GPU with its share of the server, such as 40 kUSD'),
        hourPrice: price('hourPrice', 'USD of an hour of a rented GPU, such as 2.5 USD/h'),
      }),
    )
    .exactOptional()
    .describe('The same of the GPUs of serving.gpus, by their names (H100)'),
});

export type EconomicsFile = z.output<typeof economics>;

/** Plain numbers: USD, seconds, USD/kWh, USD/h. */
export function plainEconomics(file: EconomicsFile): Economics {
  return plainOf(file) as Economics;
}
