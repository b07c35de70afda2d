/** `wafersim explain`: every modelling assumption in force, with grade and source. */
import type { Command } from 'commander';
import { loadConfig, explain, bundled, ofPackage, explainRows, explainTable } from '../index.js';
import { addFormatOptions, show, type FormatOptions } from './formats.js';
import { setOption } from './options.js';

const DEFAULT = 'configs/wse3.yaml';

const EXAMPLES = `
Examples:
  wafersim explain
  wafersim explain configs/wse2-waferllm.yaml --json`;

export function addExplain(program: Command): void {
  const command = program
    .command('explain')
    .description('list every modelling assumption in force, with grade and source')
    .argument('[config]', `configuration file (default: the bundled ${DEFAULT})`)
    .addOption(setOption('hardware.fabric.queueDepth=2'));
  addFormatOptions(command)
    .addHelpText('after', EXAMPLES)
    .action((path: string | undefined, options: FormatOptions & { set?: string[] }) => {
      const own = explain(loadConfig(path ?? bundled(DEFAULT), options.set ?? []));
      const document = path === undefined ? { ...own, files: ofPackage(own.files) } : own;
      show(
        {
          document,
          text: (style) => explainTable(document, style),
          rows: () => explainRows(document),
        },
        options,
      );
    });
}
