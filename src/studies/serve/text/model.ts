/** Tokens that the simulated cores compute. */
import type { SimulateOptions } from '../../../decode/options.js';
import { ConfigError } from '../../../config/errors.js';
import type { Deployment } from '../../steps/step-times.js';
import type { TextSource } from './source.js';

export async function modelSource(
  _deployment: Deployment,
  _maxModelLen: number,
  _files: readonly string[],
  _options: SimulateOptions,
): Promise<TextSource> {
  throw new ConfigError('--text: expected lorem, echo or script:FILE, found model');
}
