/** What the page of a kernel hands to its script, as JSON. */
import type { Downloads } from './data.js';
import type { PathStep } from './player-text.js';

export interface KernelPageData {
  /** Its recording (recording/recording.ts), deflated, in base64; none where there is no player. */
  recording?: string;
  path: PathStep[];
  downloads: Downloads;
}
