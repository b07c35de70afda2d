/** The source of text that an endpoint is asked for. */
import { readText } from '../../../config/files.js';
import { ConfigError } from '../../../config/errors.js';
import { echoSource } from './echo.js';
import { loremSource } from './lorem.js';
import { scriptSource } from './script.js';
import type { TextSource } from './source.js';

/**
 * @param asked `lorem`, `echo`, `script:FILE` or `model`
 * @param model what computes tokens; called if it is asked for
 * @throws ConfigError if it is none of them, or its file cannot be used
 */
export async function textSource(
  asked: string,
  seed: string,
  count: TextSource['count'],
  model: () => Promise<TextSource>,
): Promise<TextSource> {
  const [, file] = /^script:(.+)$/s.exec(asked) ?? [];
  if (file !== undefined)
    return scriptSource(readText({ path: file, from: '--text script' }), file, count);
  if (asked === 'lorem') return loremSource(seed, count);
  if (asked === 'echo') return echoSource(count);
  if (asked === 'model') return model();
  throw new ConfigError(
    `--text: expected lorem, echo, script:FILE or model, found ${JSON.stringify(asked)}`,
  );
}
