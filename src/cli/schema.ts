/** `wafersim schema`: what a configuration may say, for editors. */
import type { Command } from 'commander';
import { configSchema } from '../index.js';
import { json } from '../report/json.js';
import { print } from './output.js';

const EXAMPLES = `
Examples:
  wafersim schema > wafersim.schema.json`;

export function addSchema(program: Command): void {
  program
    .command('schema')
    .description('print the JSON Schema (draft-07) of the configuration')
    .addHelpText('after', EXAMPLES)
    .action(() => print(json(configSchema())));
}
