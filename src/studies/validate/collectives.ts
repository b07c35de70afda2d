/**
 * Collectives on lines of cores as tables, simulated like every number of them: which algorithm is the
 * fastest, and how far each is from its closed form.
 */
import { loadHardware } from '../../config.js';
import { bundled } from '../../bundled.js';
import { withRunner, type SimulateOptions } from '../../decode/options.js';
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

/** An algorithm with its groups. */
export function nameOf({ algorithm, group, groups, form }: KernelOptions): string {
  if (groups !== undefined) return `${String(form)} ${String(algorithm)} in ${String(groups)}`;
  const sizes = group === undefined ? '' : ` of ${String(group)}`;
  return `${String(algorithm)}${sizes}`;
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
