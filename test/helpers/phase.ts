/** Routes and operations of transfers that go on at the same time, for generated programs. */
import { PORT_NAMES, RAMP, neighbour, opposite, portMask } from '../../src/hardware/mesh.js';
import type { Operation, Route } from '../../src/program/program.js';

/** The transfers of one phase: their operations and routes, without two of a colour at one router. */
export class Phase {
  readonly operations: Operation[][];
  readonly routes: Map<number, Route>[];
  readonly width: number;
  readonly height: number;
  readonly colors: number;

  constructor(width: number, height: number, colors: number) {
    [this.width, this.height, this.colors] = [width, height, colors];
    this.operations = Array.from({ length: width * height }, () => []);
    this.routes = Array.from({ length: width * height }, () => new Map());
  }

  /** Routes a colour from one core to others; the colour found, or -1 if all are taken somewhere. */
  connect(source: number, targets: number[], wanted: number): number {
    const tree = this.treeOf(source, targets);
    for (let k = 0; k < this.colors; k++) {
      const color = (wanted + k) % this.colors;
      if ([...tree.keys()].some((core) => this.routes[core].has(color))) continue;
      for (const [core, { inputs, outputs }] of tree)
        this.routes[core].set(color, { color, inputs, outputs });
      return color;
    }
    return -1;
  }

  disconnect(color: number, source: number, targets: number[]): void {
    for (const core of this.treeOf(source, targets).keys()) this.routes[core].delete(color);
  }

  /** Ways along x, then along y: together a tree. */
  private treeOf(source: number, targets: number[]) {
    const tree = new Map([[source, { inputs: portMask(RAMP), outputs: 0 }]]);
    for (const target of targets) {
      let core = source;
      while (core !== target) {
        const port = this.towards(core, target);
        tree.get(core)!.outputs |= portMask(port);
        core = neighbour(core, port, this.width, this.height);
        if (!tree.has(core)) tree.set(core, { inputs: portMask(opposite(port)), outputs: 0 });
      }
      tree.get(target)!.outputs |= portMask(RAMP);
    }
    return tree;
  }

  private towards(core: number, target: number): number {
    const [dx, dy] = [
      (target % this.width) - (core % this.width),
      Math.floor(target / this.width) - Math.floor(core / this.width),
    ];
    const name = dx > 0 ? 'east' : dx < 0 ? 'west' : dy > 0 ? 'south' : 'north';
    return PORT_NAMES.indexOf(name);
  }
}
