/**
 * All-reduces on the lines of the default mapping as tables: what every algorithm takes there, and how much
 * slower than the fastest one of all the mapping's own is.
 */
import { bundled } from '../../bundled.js';
import { loadConfig, loadHardware } from '../../config.js';
import { fastestTree, groupCounts } from '../../decode/groups.js';
import { withRunner, type SimulateOptions } from '../../decode/options.js';
import { placementOf } from '../../decode/place.js';
import { TREE_FORMS } from '../../kernels/line.js';
import { isOfLayer, type Vector } from '../../mapping/mapping.js';
import { MAPPINGS } from '../../mapping/mappings.js';
import type { KernelCandidate } from '../../report/document.js';
import { count, fixed, markdownTable } from '../../report/format.js';
import { runKernel, type KernelOptions } from '../kernel/kernel.js';
import { nameOf } from './collectives.js';

const HARDWARE = 'configs/hardware/wse3.yaml';
const MODEL = 'configs/wse3.yaml';

/** Algorithms of an all-reduce on a line of a mapping, as they are named in a table. */
const COMPARED = [
  ...['chain', 'star', 'binary-tree', 'two-phase'],
  ...TREE_FORMS.map((form) => `${form} tree`),
];

/** The all-reduces of a layer of the default mapping by every algorithm, each in its fastest groups. */
export async function mappedLinesMarkdown(options: SimulateOptions): Promise<string> {
  const config = loadConfig(bundled(MODEL));
  const { model, mapping, wafer, workload } = config;
  const positions = workload.context + workload.tokens;
  const shown = placementOf(config)
    .regions.filter((region) => isOfLayer(region) && region.layer === 0)
    .flatMap((region) => {
      const cut = { model, rows: region.height, columns: region.width, positions };
      return MAPPINGS[mapping].reductions(region, cut);
    });
  return withRunner(options, async (within) => {
    const host = { ...within, rss: () => 0 };
    const rows = new Map<string, string[]>();
    for (const { line, cores, words, type } of shown) {
      const row = [line, `${cores}`, `${words} ${type}`];
      const name = row.join(' ');
      if (rows.has(name)) continue;
      const given = { algorithm: 'auto', pes: cores, words, dtype: type };
      const { candidates } = await runKernel('all-reduce', given, wafer, options.engine, host);
      rows.set(name, [...row, ...COMPARED.map((one) => fewest(candidates!, one))]);
    }
    return markdownTable(['line', 'cores', 'words', ...COMPARED], [...rows.values()]);
  });
}

/** The fewest cycles of an algorithm; where none of it was run, what it takes at least. */
function fewest(candidates: KernelCandidate[], name: string): string {
  const of = candidates.filter(({ options: { algorithm, form } }) => {
    return name === (form === undefined ? algorithm : `${String(form)} ${String(algorithm)}`);
  });
  const cycles = of.flatMap((one) => one.cycles ?? []);
  if (cycles.length > 0) return count(Math.min(...cycles));
  return `${count(Math.min(...of.flatMap((one) => one.atLeast ?? [])))} or more`;
}

const HOPS = [2, 1];
const CORES = [5, 9, 22, 64, 128, 250];
const VECTORS: Vector[] = [
  { words: 1, type: 'f32' },
  { words: 4, type: 'f32' },
  { words: 32, type: 'f16' },
  { words: 160, type: 'f16' },
  { words: 512, type: 'f16' },
];

/** What `--algorithm auto` finds on lines of WSE-3, and how much longer the mapping's tree takes, if it does. */
export async function lineChoicesMarkdown(
  options: SimulateOptions,
  { hops = HOPS, cores = CORES, vectors = VECTORS } = {},
): Promise<string> {
  return withRunner(options, async (within) => {
    const host = { ...within, rss: () => 0 };
    const rows: string[][] = [];
    for (const hop of hops) {
      const { wafer } = loadHardware(bundled(HARDWARE), [`hardware.fabric.hopCycles=${hop}`]);
      const cell = async (pes: number, vector: Vector) => {
        const given = { pes, words: vector.words, dtype: vector.type };
        const run = (more: KernelOptions) =>
          runKernel('all-reduce', { ...given, ...more }, wafer, options.engine, host);
        const line = {
          length: pes,
          vectors: [vector],
          counts: groupCounts(pes),
          forms: TREE_FORMS,
        };
        const tree = await fastestTree(line, wafer, within.runner);
        const [auto, mapped] = [
          await run({ algorithm: 'auto' }),
          await run({ algorithm: 'tree', groups: tree.groups, form: tree.form }),
        ];
        return choice(auto.config.options as KernelOptions, auto.cycles, mapped.cycles);
      };
      for (const pes of cores) {
        const row = [`${hop}`, `${pes}`];
        for (const vector of vectors) row.push(await cell(pes, vector));
        rows.push(row);
      }
    }
    const names = vectors.map(({ words, type }) => `${words} ${type}`);
    const rule = ['--:', '--:', ...vectors.map(() => ':--')];
    return markdownTable(['hop', 'cores', ...names], rows, rule);
  });
}

function choice(auto: KernelOptions, cycles: number, mapped: number): string {
  const name = `${nameOf(auto)}: ${count(cycles)}`;
  if (mapped === cycles) return name;
  const more = (mapped / cycles - 1) * 100;
  return `${name} (mapping ${count(mapped)}, ${more < 0 ? '' : '+'}${fixed(more, 1)} %)`;
}
