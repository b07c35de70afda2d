/** Routes of the routers of one stage, as they are found one after the other along its paths. */
import type { Route } from '../program/program.js';

/** Sets of routes of one router, numbered, so that a core's set is one integer while it grows. */
export class RouteSets {
  private readonly sets: Route[][] = [[]];
  private readonly next = new Map<number, number>();

  /** Number of a set with one more route; a second route of a colour adds its ports. */
  with(set: number, color: number, inputs: number, outputs: number): number {
    const step = ((set * RADIX + color) * RADIX + inputs) * RADIX + outputs;
    const known = this.next.get(step);
    if (known !== undefined) return known;
    const routes: Route[] = this.sets[set].map((r) => {
      return { color: r.color, inputs: r.inputs, outputs: r.outputs };
    });
    const same = routes.find((r) => r.color === color);
    if (same) {
      same.inputs |= inputs;
      same.outputs |= outputs;
    } else routes.push({ color, inputs, outputs });
    this.sets.push(routes);
    this.next.set(step, this.sets.length - 1);
    return this.sets.length - 1;
  }

  routesOf(set: number): Route[] {
    return this.sets[set];
  }
}

/** Above any colour and any mask of ports, of which some keys are made. */
const RADIX = 64;
