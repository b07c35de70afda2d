/** Routes of the routers of one stage, as they are found one after the other along its paths. */
import type { Route } from '../program/program.js';

/** Sets of routes of one router, numbered, so that a core's set is one integer while it grows. */
export class RouteSets {
  private readonly sets: Route[][] = [[]];
  private readonly next = new Map<number, number>();
  /** The last step that was asked for, as routers of a path mostly do the same one after the other. */
  private last = { step: -1, number: 0 };

  /** Number of a set with one more route; a second route of a colour adds its ports. */
  with(set: number, color: number, inputs: number, outputs: number): number {
    const step = ((set * RADIX + color) * RADIX + inputs) * RADIX + outputs;
    if (step === this.last.step) return this.last.number;
    const known = this.next.get(step) ?? this.added(set, color, inputs, outputs);
    this.next.set(step, known);
    this.last = { step, number: known };
    return known;
  }

  private added(set: number, color: number, inputs: number, outputs: number): number {
    const routes: Route[] = this.sets[set].map((r) => {
      return { color: r.color, inputs: r.inputs, outputs: r.outputs };
    });
    const same = routes.find((r) => r.color === color);
    if (same) {
      same.inputs |= inputs;
      same.outputs |= outputs;
    } else routes.push({ color, inputs, outputs });
    return this.sets.push(routes) - 1;
  }

  routesOf(set: number): Route[] {
    return this.sets[set];
  }
}

/** Above any colour and any mask of ports, of which some keys are made. */
const RADIX = 64;
