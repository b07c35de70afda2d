/** Routes and operations of transfers that go on at the same time, for generated programs. */
import { PORT_NAMES, RAMP, neighbour, opposite, portMask } from '../../src/hardware/mesh.js';
import type { Operation, Route, Setting } from '../../src/program/program.js';

/**
 * How a switched line is set at a core: masks of the ports to its near and far side, its place from the
 * line's end, and whether it is a member.
 */
export type SettingsAt = (near: number, away: number, place: number, member: boolean) => Setting[];

export interface SwitchedLine {
  /** Which places are members; the far end always is. */
  isMember: (place: number) => boolean;
  settings: SettingsAt;
  returns: boolean;
  /** The route at the line's end, by its port to the line. */
  atEnd: (away: number) => Setting;
}

/** The transfers of one phase: their operations and routes, without two of a colour at one router. */
export class Phase {
  readonly operations: Operation[][];
  readonly routes: Map<number, Route>[];
  readonly width: number;
  readonly height: number;
  readonly colors: number;

  /** The route that a core has of a colour from earlier phases. */
  private readonly before: (core: number, color: number) => Route | undefined;

  constructor(
    width: number,
    height: number,
    colors: number,
    before: (core: number, color: number) => Route | undefined,
  ) {
    [this.width, this.height, this.colors] = [width, height, colors];
    this.before = before;
    this.operations = Array.from({ length: width * height }, () => []);
    this.routes = Array.from({ length: width * height }, () => new Map());
  }

  /** Routes a colour from one core to others; the colour found, or -1 if all are taken somewhere. */
  connect(source: number, targets: number[], wanted: number): number {
    const tree = this.treeOf(source, targets);
    for (let k = 0; k < this.colors; k++) {
      const color = (wanted + k) % this.colors;
      if ([...tree.keys()].some((core) => this.isTaken(core, color))) continue;
      for (const [core, { inputs, outputs }] of tree)
        this.routes[core].set(color, { color, inputs, outputs });
      return color;
    }
    return -1;
  }

  private isTaken(core: number, color: number): boolean {
    return this.routes[core].has(color) || this.before(core, color)?.positions !== undefined;
  }

  /** Routes a colour along the line between two cores, with switches; the colour and the members, or nothing. */
  switchLine(
    end: number,
    far: number,
    wanted: number,
    { isMember, settings, returns, atEnd }: SwitchedLine,
  ): { color: number; members: number[] } | undefined {
    const line = this.lineOf(end, far);
    const last = line.length - 1;
    const isFree = (color: number) =>
      line.every((core) => !this.isTaken(core, color) && this.before(core, color) === undefined);
    const colors = Array.from({ length: this.colors }, (_, k) => (wanted + k) % this.colors);
    const color = colors.find(isFree);
    if (color === undefined) return undefined;
    const portTo = (from: number, to: number) => portMask(this.towards(line[from], line[to]));
    this.routes[end].set(color, { color, ...atEnd(portTo(0, 1)) });
    const members: number[] = [];
    for (let place = 1; place <= last; place++) {
      const member = place === last || isMember(place);
      if (member) members.push(line[place]);
      const away = place === last ? 0 : portTo(place, place + 1);
      const [first, ...positions] = settings(portTo(place, place - 1), away, place, member);
      this.routes[line[place]].set(color, { color, ...first, positions, returns });
    }
    return { color, members };
  }

  /** Hops between two cores. */
  distance(from: number, to: number): number {
    return this.lineOf(from, to).length - 1;
  }

  /** The cores from one to another, along x, then along y. */
  private lineOf(from: number, to: number): number[] {
    const line = [from];
    while (line.at(-1) !== to) {
      const core = line.at(-1)!;
      line.push(neighbour(core, this.towards(core, to), this.width, this.height));
    }
    return line;
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
