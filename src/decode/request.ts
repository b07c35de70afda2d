/** What a configuration asks of the placement. */
import type { ResolvedConfig } from '../config.js';
import type { SizedRequest } from '../placement/parts.js';

export function requestOf({ mapping, workload, placement }: ResolvedConfig): SizedRequest {
  const { rows, layerColumns, strategy, growth } = placement;
  const maxPositions = workload.context + workload.tokens;
  return { strategy, growth, mapping, maxPositions, batch: workload.batch, rows, layerColumns };
}
