/** Which algorithm reduces a line of cores fastest, as a table: simulated, like every number of it. */
import { loadHardware } from '../../config.js';
import { bundled } from '../../bundled.js';
import { withRunner, type SimulateOptions } from '../../decode/options.js';
import { count } from '../../report/format.js';
import { runKernel, type KernelOptions } from '../kernel/kernel.js';

const HARDWARE = 'configs/hardware/wse2.yaml';
const CORES = [8, 64, 512];
const WORDS = [1, 16, 128, 1024];

/** Rows by kernel and cores, a column for each vector length; the algorithm, its groups and the cycles. */
export async function collectivesMarkdown(options: SimulateOptions): Promise<string> {
  const { wafer } = loadHardware(bundled(HARDWARE), []);
  return withRunner(options, async (within) => {
    const host = { ...within, rss: () => 0 };
    const cell = async (kernel: string, pes: number, words: number) => {
      const given = { algorithm: 'auto', pes, words, dtype: 'f32' };
      const { cycles, config } = await runKernel(kernel, given, wafer, options.engine, host);
      return `${nameOf(config.options as KernelOptions)}: ${count(cycles)}`;
    };
    const rows: string[] = [];
    for (const kernel of ['reduce', 'all-reduce'])
      for (const pes of CORES) {
        const cells: string[] = [];
        for (const words of WORDS) cells.push(await cell(kernel, pes, words));
        rows.push(`| ${[kernel, pes, ...cells].join(' | ')} |`);
      }
    const head = [
      'kernel',
      'cores',
      ...WORDS.map((words) => `${count(words)} word${words > 1 ? 's' : ''}`),
    ];
    return [
      `| ${head.join(' | ')} |`,
      `|---|--:|${WORDS.map(() => '---|').join('')}`,
      ...rows,
    ].join('\n');
  });
}

function nameOf({ algorithm, group, groups }: KernelOptions): string {
  const sizes = group === undefined ? '' : ` of ${String(group)}`;
  return `${String(algorithm)}${groups === undefined ? sizes : ` in ${String(groups)}`}`;
}
