/** Links of several lengths, as of a wafer whose rows moved on to spares. */
import { EAST, SOUTH, neighbour, opposite } from '../../src/hardware/mesh.js';

/** Hops of the links to the east and south of each core, the same from their other ends. */
export function linkHops(width: number, height: number, hops: number[]): Uint16Array {
  const links = new Uint16Array(width * height * 4).fill(1);
  for (let core = 0; core < width * height; core++)
    for (const port of [EAST, SOUTH]) {
      const beyond = neighbour(core, port, width, height);
      if (beyond < 0) continue;
      const length = hops[(2 * core + port) % hops.length];
      links[core * 4 + port] = links[beyond * 4 + opposite(port)] = length;
    }
  return links;
}
