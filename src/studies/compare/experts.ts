/** One configuration with its experts placed in several ways, side by side. */
import { loadConfig } from '../../config.js';
import type { Compared } from './compare.js';

/**
 * @param names of placements: `sliced`, `strips` or `strips:4`
 * @param sets settings of the configuration, as `--set` has them
 */
export function placedExperts(path: string, names: readonly string[], sets: string[]): Compared[] {
  return names.map((name) => {
    const [experts, strips = 'auto'] = name.split(':');
    const own = [`placement.experts=${experts}`, `placement.strips=${strips}`];
    return { name, config: loadConfig(path, [...sets, ...own]) };
  });
}
