/** Validation of the library. */
import type { SimulateOptions } from '../decode/options.js';
import type { ValidateDocument } from '../studies/validate/document.js';
import { validate as validateWith } from '../studies/validate/validate.js';
import { withDefaults } from './defaults.js';

/**
 * Published measurements next to what is simulated.
 * @param which a file of further `measurements`, and a text that the ids have in them
 * @param options as of `simulate`
 * @returns the document `wafersim.validate/1`
 * @throws ConfigError if there are no such measurements, or the file is wrong
 */
export function validate(
  which: { measurements?: string | undefined; only?: string | undefined } = {},
  options: Partial<SimulateOptions> = {},
): Promise<ValidateDocument> {
  return validateWith(which, withDefaults(options));
}
