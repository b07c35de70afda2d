/** What a document of benchmarks is of: the configurations of its cases, in whatever order they ran. */
import type { NamedFile } from '../../config/files.js';
import { identityOf } from '../../identity.js';
import type { BenchCase } from './document.js';
import type { Identity } from '../../report/identity.js';

/** Only cases of configurations: what the host did as a whole is of none. */
export function benchIdentity(cases: readonly BenchCase[], files: readonly NamedFile[]): Identity {
  const hashes = cases.map(({ id, configHash }): [string, string] => [id, configHash]);
  const inOrder = hashes.toSorted(([a], [b]) => (a < b ? -1 : 1));
  return identityOf(inOrder, files);
}
