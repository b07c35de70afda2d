/** The parts of the documents that are generated from results. */
import { loadConfig } from '../config.js';
import { bundled } from '../bundled.js';
import { PUBLISHED, readMeasurements } from './measurements.js';
import { generatedParts, renderInto } from '../report/markers.js';
import { validateMarkdown } from '../report/validate-table.js';
import { prefillNotes } from './prefill.js';
import { runTable } from '../report/table.js';
import { simulate, type SimulateOptions } from '../simulate.js';
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
    const document = await validateMeasurements(published, published, options);
    return validateMarkdown({ ...document, notes: await prefillNotes('', options) });
  },
};

/** A document with its generated parts made anew. Throws a RangeError for a part nobody generates. */
export async function regenerated(text: string, options: SimulateOptions): Promise<string> {
  let result = text;
  for (const name of generatedParts(text)) {
    if (!Object.hasOwn(PARTS, name))
      throw new RangeError(
        `expected generated parts among ${Object.keys(PARTS).join(', ')}, found ${name}`,
      );
    result = renderInto(result, name, await PARTS[name](options));
  }
  return result;
}
