/**
 * Coordinates of a rectangle of cores: core (x, y) has number y * width + x, x grows to the east and
 * y to the south. A router has four links and the ramp to its own core.
 */

export const NORTH = 0;
export const EAST = 1;
export const SOUTH = 2;
export const WEST = 3;
export const RAMP = 4;
export const PORTS = 5;

/** Links of a router, one in each direction; the ramp is none. */
export const LINKS = RAMP;

/** Of the links, by port. */
export const LINK_NAMES = ['north', 'east', 'south', 'west'] as const;
export const PORT_NAMES = [...LINK_NAMES, 'ramp'] as const;

/** Steps in x and y when leaving by a link. */
export const STEP_X = [0, 1, 0, -1] as const;
export const STEP_Y = [-1, 0, 1, 0] as const;

/** The port on which what leaves by `port` arrives. */
export function opposite(port: number): number {
  return port ^ 2;
}

/** A set of ports as bits, for routes. */
export function portMask(...ports: number[]): number {
  return ports.reduce((mask, port) => mask | (1 << port), 0);
}

/** The core beyond a link, or -1 outside the rectangle. */
export function neighbour(core: number, port: number, width: number, height: number): number {
  const x = (core % width) + STEP_X[port as 0];
  const y = Math.floor(core / width) + STEP_Y[port as 0];
  return x < 0 || y < 0 || x >= width || y >= height ? -1 : y * width + x;
}
