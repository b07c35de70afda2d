/** `wafersim schema`: what a configuration and a plan may say, for editors, and what documents say, for their readers. */
import { Argument, type Command } from 'commander';
import { configSchema, documentSchema, DOCUMENT_NAMES, sweepSchema } from '../index.js';
import type { DocumentName } from '../index.js';
import { json } from '../report/json.js';
import { print } from './output.js';

const EXAMPLES = `
Examples:
  wafersim schema > wafersim.schema.json
  wafersim schema sweep > sweep.schema.json
  wafersim schema run > run.schema.json

config is a configuration, and sweep a plan of a sweep; all others are documents that commands print with --json: run
(decode and serving), compare, kernel, bench, sweep-document (of a sweep), validate, services (validate --services), diff.
Documents of a later version may have more fields.`;

export function addSchema(program: Command): void {
  program
    .command('schema')
    .description('print the JSON Schema (draft-07) of a configuration, a plan or a document')
    .addArgument(
      new Argument('[what]', 'of what')
        .choices(['config', 'sweep', ...DOCUMENT_NAMES])
        .default('config'),
    )
    .addHelpText('after', EXAMPLES)
    .action((what: string) => print(json(schemaOf(what))));
}

function schemaOf(what: string): object {
  if (what === 'config') return configSchema();
  return what === 'sweep' ? sweepSchema() : documentSchema(what as DocumentName);
}
