/** The cache of simulated steps, for one run of the tests: a folder of their own, removed after them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Before the first test; every process that a test starts inherits it. */
export default function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'wafersim-cache-'));
  process.env['XDG_CACHE_HOME'] = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}
