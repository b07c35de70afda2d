/** `wafersim explain`: every modelling assumption in force, with grade and source. */
import type { Command } from 'commander';
import { loadConfig, explain, bundled, ofPackage, explainTable } from '../index.js';
import { jsonOption, setOption } from './options.js';
import { json } from '../report/json.js';
import { print, style } from './output.js';

const DEFAULT = 'configs/wse3.yaml';

const EXAMPLES = `
Examples:
  wafersim explain
  wafersim explain configs/wse2-waferllm.yaml --json`;

export function addExplain(program: Command): void {
  program
    .command('explain')
    .description('list every modelling assumption in force, with grade and source')
    .argument('[config]', `configuration file (default: the bundled ${DEFAULT})`)
    .addOption(setOption('hardware.fabric.queueDepth=2'))
    .addOption(jsonOption())
    .addHelpText('after', EXAMPLES)
    .action((path: string | undefined, options: { set?: string[]; json?: boolean }) => {
      const own = explain(loadConfig(path ?? bundled(DEFAULT), options.set ?? []));
      const document = path === undefined ? { ...own, files: ofPackage(own.files) } : own;
      print(options.json ? json(document) : explainTable(document, style()));
    });
}
