/** The models of one endpoint: requests go to the one that they name, and sessions may talk to all of them. */
import { unknownModel } from './api-error.js';
import { metricsPage } from './metrics-page.js';
import type { Service } from './service.js';

export interface Services {
  /** One for each model, with names of their own; the first one answers requests that name none. */
  all: readonly Service[];
  /** Seconds of the wall clock, from any instant. */
  clock: () => number;
  /** A number for a conversation that keeps its caches, and its end. */
  openSession(): number;
  closeSession(session: number): void;
  /** Text in `/metrics`' format, and its type. */
  metrics(): Promise<{ type: string; text: string }>;
}

export function servicesOf(all: readonly Service[], clock: () => number): Services {
  let sessions = 0;
  return {
    all,
    clock,
    openSession: () => sessions++,
    closeSession: (session) => all.forEach((one) => one.closeSession(session)),
    metrics: async () => metricsPage(all.map((one) => one.measured())),
  };
}

/** Who answers a request for this model. @throws ApiError (404) if nobody serves it */
export function serviceFor({ all }: Services, asked: string | undefined): Service {
  const found = asked === undefined ? all[0] : all.find(({ model }) => model.id === asked);
  if (found === undefined) throw unknownModel(asked!);
  return found;
}
