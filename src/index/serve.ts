/** Endpoints of the library. */
import type { Source } from '../config.js';
import { serveHttp, type ServeOptions, type Serving } from '../studies/serve/http/serve-http.js';
import { withDefaults, type StepOptions } from './defaults.js';

/**
 * Serves a configuration's model at an OpenAI-compatible endpoint, at the pace of the simulated wafer.
 * @param source the configuration's file, and settings over it
 * @param asked where to listen, how fast, which text, what to record
 * @param options as of `capacity`; `now` is the clock that sets the pace
 * @returns where it serves what, and what ends it
 * @throws what `simulate` throws; ConfigError if it cannot listen there
 */
export function serve(
  source: Source,
  asked: ServeOptions,
  options: Partial<StepOptions> = {},
): Promise<Serving> {
  return serveHttp(source, asked, withDefaults(options));
}
