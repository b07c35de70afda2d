/** What a command's help says of the kernels, from their one table. */
import { KERNEL_OPTIONS, KERNELS, type KernelOptionName } from './kernels.js';

export interface KernelHelp {
  kernels: string[];
  /** Options that the same kernels take, in the order of the table: what is typed, what it means. */
  groups: { kernels: string[]; options: [flag: string, meaning: string][] }[];
}

/** What there is to say of the kernels in a command's help. */
export function kernelHelp(): KernelHelp {
  const groups = new Map<string, KernelHelp['groups'][number]>();
  for (const option of Object.keys(KERNEL_OPTIONS) as KernelOptionName[]) {
    const kernels = Object.keys(KERNELS).filter((name) => KERNELS[name].options.includes(option));
    const key = kernels.join(', ');
    const group = groups.get(key) ?? { kernels, options: [] };
    group.options.push(KERNEL_OPTIONS[option]);
    groups.set(key, group);
  }
  return { kernels: Object.keys(KERNELS), groups: [...groups.values()] };
}
