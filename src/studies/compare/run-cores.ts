/** What the cores of a finished run did, read back from its directory. */
import { LINK_NAMES } from '../../hardware/mesh.js';
import type { ShownMap } from '../../report/html-maps.js';
import { readNpzIn, type ReadArray } from '../../store/npz-read.js';
import { IncomparableError } from '../incomparable.js';
import type { KnownDetail } from './page.js';

const FILE = 'cores.npz';
const PLANES = [
  'compute',
  'setup',
  'waitInput',
  'waitOutput',
  'waitToken',
  'sramBytes',
  ...LINK_NAMES,
];

/**
 * The cores' numbers out of `cores.npz`; undefined where the run has no such file.
 * @param path the run's directory
 * @throws IncomparableError in one line, if the file is damaged
 */
export function readRunCores(path: string): KnownDetail | undefined {
  try {
    const planes = path.endsWith('.json') ? undefined : readNpzIn(path, FILE, PLANES);
    return planes && { maps: mapsOf(planes) };
  } catch (error) {
    throw new IncomparableError(`${path}: ${FILE}: ${(error as Error).message}`);
  }
}

function mapsOf(planes: Record<string, ReadArray>): ShownMap[] {
  const missing = PLANES.find((name) => planes[name] === undefined);
  if (missing !== undefined) throw new Error(`expected an array ${missing}, found none`);
  const { shape } = planes['compute'];
  const odd = PLANES.find((name) => planes[name].shape.join() !== shape.join());
  if (shape.length !== 3 || odd !== undefined)
    throw new Error('expected arrays of wafers, rows and columns, all alike, found others');
  const [wafers, height, width] = shape;
  return Array.from({ length: wafers }, (_, wafer): ShownMap => {
    const cores = width * height;
    const of = (name: string) => planes[name].values.subarray(wafer * cores, (wafer + 1) * cores);
    const sum = (signs: Record<string, 1 | -1>) => {
      const total = new Float64Array(cores);
      for (const [name, sign] of Object.entries(signs))
        of(name).forEach((value, core) => (total[core] += sign * value));
      return total;
    };
    const links = new Float64Array(4 * cores);
    LINK_NAMES.forEach((name, port) =>
      of(name).forEach((value, core) => (links[4 * core + port] = value)),
    );
    return {
      ...{ wafer, width, height, links },
      busy: sum({ compute: 1, setup: 1 }),
      // While the core's own stage runs: what it waits before it, for its token, is left out.
      waiting: sum({ waitInput: 1, waitOutput: 1, waitToken: -1 }),
      sram: of('sramBytes'),
      link: Float64Array.from({ length: cores }, (_, core) =>
        Math.max(...links.subarray(4 * core, 4 * core + 4)),
      ),
    };
  });
}
