/**
 * Collectives on lines of cores as tables, simulated like every number of them: which algorithm is the
 * fastest, and how far each is from its closed form.
 */
import { loadConfig, loadHardware } from '../../config.js';
import { bundled } from '../../bundled.js';
import { withRunner, type SimulateOptions } from '../../decode/options.js';
import { placementOf } from '../../decode/place.js';
import { TREE_FORMS } from '../../kernels/line.js';
import { MAPPINGS } from '../../mapping/mappings.js';
import type { KernelCandidate } from '../../report/document.js';
import { count, fixed, markdownTable } from '../../report/format.js';
import { runKernel, type KernelOptions } from '../kernel/kernel.js';

const HARDWARE = 'configs/hardware/wse2.yaml';
const CORES = [8, 64, 512];
const WORDS = [1, 16, 128, 1024];

/** Rows by kernel and cores, a column for each vector length; the algorithm, its groups and the cycles. */
export async function collectivesMarkdown(
  options: SimulateOptions,
  { cores = CORES, lengths = WORDS }: { cores?: number[]; lengths?: number[] } = {},
): Promise<string> {
  const { wafer } = loadHardware(bundled(HARDWARE), []);
  return withRunner(options, async (within) => {
    const host = { ...within, rss: () => 0 };
    const cell = async (kernel: string, pes: number, words: number) => {
      const given = { algorithm: 'auto', pes, words, dtype: 'f32' };
      const { cycles, config } = await runKernel(kernel, given, wafer, options.engine, host);
      return `${nameOf(config.options as KernelOptions)}: ${count(cycles)}`;
    };
    const rows: string[][] = [];
    for (const kernel of ['reduce', 'all-reduce'])
      for (const pes of cores) {
        const row = [kernel, `${pes}`];
        for (const words of lengths) row.push(await cell(kernel, pes, words));
        rows.push(row);
      }
    const vectors = lengths.map((words) => `${count(words)} word${words > 1 ? 's' : ''}`);
    const rule = [':--', '--:', ...lengths.map(() => ':--')];
    return markdownTable(['kernel', 'cores', ...vectors], rows, rule);
  });
}

function nameOf({ algorithm, group, groups, form }: KernelOptions): string {
  if (groups !== undefined) return `${String(form)} ${String(algorithm)} in ${String(groups)}`;
  const sizes = group === undefined ? '' : ` of ${String(group)}`;
  return `${String(algorithm)}${sizes}`;
}

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
  const layer = placementOf(config).regions.find(({ kind }) => kind === 'layer')!;
  const positions = workload.context + workload.tokens;
  const cut = { model, rows: layer.height, columns: layer.width, positions };
  const shown = MAPPINGS[mapping]
    .reductions('layer', cut)
    .map(({ line, cores, words, type }) => ({ line, cores, words, type }));
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

/** Cycles of a core's way to the next one: two ramps and an operation of one stage. */
const DEPTH = 5;

/** Closed forms of Luczynski et al. for P cores and B words: contention, distance, depth. */
const FORMS: [kernel: string, algorithm: string, form: (P: number, B: number) => number][] = [
  ['reduce', 'chain', (P, B) => B + (1 + DEPTH) * (P - 1)],
  ['reduce', 'star', (P, B) => B * (P - 1) + 1 + DEPTH],
  [
    'reduce',
    'tree',
    (P, B) => {
      const rounds = Math.log2(P);
      const busiest = Math.max(B * rounds, (B * rounds * P) / 2 / (P - 1));
      return busiest + P - 1 + DEPTH * rounds;
    },
  ],
  ['broadcast', '', (P, B) => B + P - 1 + DEPTH],
  ['all-reduce', 'ring', (P, B) => (2 * (P - 1) * B) / P + 4 * P - 6 + 2 * (P - 1) * DEPTH],
];

const SHAPES: [cores: number, words: number][] = [
  [16, 64],
  [64, 64],
  [64, 512],
];

/** Simulated cycles without start and set-up, next to the forms. */
export async function collectiveFormsMarkdown(options: SimulateOptions): Promise<string> {
  const { wafer } = loadHardware(bundled(HARDWARE), []);
  const before = wafer.costs.programStart + wafer.costs.setup.f32;
  return withRunner(options, async (within) => {
    const host = { ...within, rss: () => 0 };
    const rows: string[][] = [];
    for (const [kernel, algorithm, form] of FORMS)
      for (const [pes, words] of SHAPES) {
        const named = algorithm === '' ? {} : { algorithm };
        const given = { ...named, pes, words, dtype: 'f32' };
        const { cycles } = await runKernel(kernel, given, wafer, options.engine, host);
        const [simulated, closed] = [cycles - before, form(pes, words)];
        const error = `${fixed((simulated / closed - 1) * 100, 1)} %`;
        const name = `${kernel} ${algorithm}`.trim();
        rows.push([name, `${pes}`, `${words}`, count(simulated), count(closed), error]);
      }
    return markdownTable(['kernel', 'cores', 'words', 'simulated', 'form', 'difference'], rows);
  });
}
