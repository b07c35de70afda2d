/** Where a path to a core can have been: colours at routers, connected by routes and by what cores take and send. */
import { RAMP } from '../../hardware/mesh.js';
import { settingsOf, type Route } from '../../program/program.js';

export interface Reach {
  /** Routers, by numbers from 0 on. */
  routers: number;
  /** Lists of all routes that a router may have; bits of the colours that its core takes or sends. */
  routesAt: (router: number) => readonly (readonly Route[])[];
  colorsAt: (router: number) => number;
  /** The router beyond a link, or -1. */
  beyond: (router: number, port: number) => number;
}

const COLORS = 32;

/** By router: bits of the colours there that are connected with what a core takes or sends. */
export function reachOf({ routers, routesAt, colorsAt, beyond }: Reach, from: number): Int32Array {
  const reached = new Int32Array(routers);
  /** Router times colours, plus colour. */
  const open: number[] = [];
  const reach = (router: number, color: number) => {
    if (router < 0 || ((reached[router] >> color) & 1) === 1) return;
    reached[router] |= 1 << color;
    open.push(router * COLORS + color);
  };
  const reachAll = (router: number, colors: number) => {
    for (let color = 0; colors >>> color !== 0; color++)
      if (((colors >> color) & 1) === 1) reach(router, color);
  };
  reachAll(from, colorsAt(from));
  for (const one of open) {
    const [router, color] = [Math.floor(one / COLORS), one % COLORS];
    const own = colorsAt(router);
    if (((own >> color) & 1) === 1) reachAll(router, own);
    for (const routes of routesAt(router))
      for (const route of routes) {
        if (route.color !== color) continue;
        for (const { inputs, outputs } of settingsOf(route))
          for (let port = 0; port < RAMP; port++)
            if ((((inputs | outputs) >> port) & 1) === 1) reach(beyond(router, port), color);
      }
  }
  return reached;
}
