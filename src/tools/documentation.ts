/** The parts of the documents that are generated from results. */
import { loadConfig } from '../config.js';
import { bundled } from '../bundled.js';
import { PUBLISHED, readMeasurements } from './measurements.js';
import { generatedParts, renderInto } from '../report/markers.js';
import { validateMarkdown } from '../report/validate-table.js';
import { prefillNotes } from './prefill.js';
import { runTable } from '../report/table.js';
import { simulate, withRunner, type SimulateOptions } from '../simulate.js';
import { validateMeasurements } from './validate.js';

/** Files that may have generated parts, from the root of the project. */
export const DOCUMENTS = ['README.md'];

const FIRST_RUN = 'configs/wse3.yaml';

const PARTS: Record<string, (options: SimulateOptions) => Promise<string>> = {
  async run(options) {
    const document = await simulate(loadConfig(bundled(FIRST_RUN)), options);
    // What follows depends on the host.
    const [text] = runTable(document, { color: false }).split('\n\nSimulated\n');
    return `\`\`\`\n${text.trimEnd()}\n\`\`\``;
  },
  async validate(options) {
    const published = readMeasurements(PUBLISHED);
    const [notes, document] = await withRunner(options, (work) =>
      Promise.all([prefillNotes('', work), validateMeasurements(published, published, work)]),
    );
    return validateMarkdown({ ...document, notes });
  },
};

/** A document with its generated parts made anew. Throws a RangeError for a part nobody generates. */
export async function regenerated(text: string, options: SimulateOptions): Promise<string> {
  const names = generatedParts(text);
  const unknown = names.find((name) => !Object.hasOwn(PARTS, name));
  if (unknown !== undefined)
    throw new RangeError(
      `expected generated parts among ${Object.keys(PARTS).join(', ')}, found ${unknown}`,
    );
  const parts = await Promise.all(names.map(async (name) => PARTS[name](options)));
  return names.reduce((result, name, i) => renderInto(result, name, parts[i]), text);
}
