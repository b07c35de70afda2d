/** A kernel as it follows `wafersim kernel`: its name, its options, the hardware and settings over that. */
import { ConfigError } from '../config/errors.js';
import { kernelHelp } from '../studies/kernel/help.js';
import type { KernelOptions } from '../studies/kernel/options.js';

export interface KernelLine {
  name: string;
  options: KernelOptions;
  hardware?: string;
  sets: string[];
}

/** Option as it is typed -> its name, and whether a value follows. */
function known(): Map<string, { name: string; takesValue: boolean }> {
  const flags = kernelHelp().groups.flatMap(({ options }) => options.map(([flag]) => flag));
  return new Map(
    flags.map((flag) => {
      const [typed, value] = flag.split(' ');
      const name = typed.slice(2).replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());
      return [typed, { name, takesValue: value !== undefined }];
    }),
  );
}

/** @throws ConfigError for what is no option, or one without its value; the kernel itself refuses the rest */
export function readKernelLine(line: string): KernelLine {
  const [name = '', ...words] = line.trim().split(/\s+/);
  const read: KernelLine = { name, options: {}, sets: [] };
  const options = known();
  for (let i = 0; i < words.length; i++) {
    const [typed, joined] = words[i].split(/=(.*)/s);
    const value = () => joined ?? words[++i] ?? refuse(typed, 'a value', 'none');
    const option = options.get(typed);
    if (typed === '--hardware') read.hardware = value();
    else if (typed === '--set') read.sets.push(value());
    else if (option === undefined)
      refuse(words[i], `one of ${[...options.keys()].join(', ')}, --hardware, --set`, words[i]);
    else read.options[option.name] = option.takesValue ? value() : true;
  }
  return read;

  function refuse(option: string, expected: string, found: string): never {
    throw new ConfigError(`kernel ${name}: ${option}: expected ${expected}, found ${found}`);
  }
}
