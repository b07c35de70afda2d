/** `wafersim schema`: what a configuration may say, for editors. */
import { Argument, type Command } from 'commander';
import { configSchema, sweepSchema } from '../index.js';
import { json } from '../report/json.js';
import { print } from './output.js';

const EXAMPLES = `
Examples:
  wafersim schema > wafersim.schema.json
  wafersim schema sweep > sweep.schema.json`;

export function addSchema(program: Command): void {
  program
    .command('schema')
    .description('print the JSON Schema (draft-07) of the configuration, or of a plan of a sweep')
    .addArgument(
      new Argument('[what]', 'of which kind of file')
        .choices(['config', 'sweep'])
        .default('config'),
    )
    .addHelpText('after', EXAMPLES)
    .action((what: string) => print(json(what === 'sweep' ? sweepSchema() : configSchema())));
}
