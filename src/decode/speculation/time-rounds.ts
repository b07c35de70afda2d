/**
 * The times of rounds at one context, for serving and for studies that ask for many rounds of one placement: of one
 * user alone, by how many tokens are verified, and how closely tokens of any users follow each other.
 */
import type { ResolvedConfig } from '../../config.js';
import type { Placement } from '../../placement/placement.js';
import type { RoundRows } from '../../report/document.js';
import type { LineCycles } from '../groups.js';
import { loweredOf } from '../lowered.js';
import type { Memo } from '../memo.js';
import { draftedBeyond } from '../positions.js';
import type { Runner } from '../runner.js';
import { timeDecodeStep, type StepProgress } from '../time-step.js';
import { draftConfigOf } from './draft.js';
import { createRoundTimer, type RoundTimer } from './timer.js';

export interface RoundPoint {
  /**
   * Cycles of a round of one user alone, by the tokens that it verifies, from 1 on; of 1 a plain token. The model's own
   * layer takes as many tokens once more as the round before can have accepted.
   */
  alone: number[];
  /** Cycles between two tokens of any users with the model's layers full; and between drafted ones, 0 without a model. */
  spacing: number;
  draftSpacing: number;
  /** Of a round that verifies all tokens. */
  rows: RoundRows;
}

/**
 * Simulates rounds with `context` tokens in the cache.
 * @param config with speculation, placed with its draft
 * @param lines what is known about the lines of this machine, and where more is put
 */
export async function timeRounds(
  config: ResolvedConfig,
  placement: Placement,
  context: number,
  lines: LineCycles,
  options: { runner: Runner; memo: Memo | boolean },
  progress?: StepProgress,
): Promise<RoundPoint> {
  const full = await timeDecodeStep(config, placement, context, lines, options, progress);
  const all = await timeAlone(config, placement, context, full.alone, lines, options);
  const { cycles, again } = all;
  const most = cycles.length;
  const rows = {
    ...all.rows,
    draft: all.rows.draft + most * again.draft,
    transport: all.rows.transport + most * again.transport,
  };
  const drafting = draftConfigOf(config);
  const { draft } = placement;
  const ofDraft =
    drafting && draft
      ? await timeDecodeStep(drafting, draft.placement, context, lines, options, progress)
      : undefined;
  const later = again.draft + again.transport;
  const alone = [full.alone, ...cycles.map((round, i) => round + (i + 1) * later)];
  return { alone, spacing: full.spacing, draftSpacing: ofDraft?.spacing ?? 0, rows };
}

/**
 * Rounds of one user alone, of 2 tokens up to all, where a plain token takes `plain` cycles and nothing was accepted
 * before, and what each accepted token adds. All their tokens stand at one position, which is a few of many thousands
 * off.
 */
export async function timeAlone(
  config: ResolvedConfig,
  placement: Placement,
  context: number,
  plain: number,
  lines: LineCycles,
  { runner: programs, memo }: { runner: Runner; memo: Memo | boolean },
): Promise<{ cycles: number[]; rows: RoundRows; again: ReturnType<RoundTimer['again']> }> {
  const maxPositions = context + 1 + draftedBeyond(config.workload);
  const { plan } = await loweredOf(config, placement, maxPositions, programs, { lines });
  const base = { plan, maxPositions, lines, programs, memo, alike: true };
  const timer = await createRoundTimer(config, placement, base);
  return { ...(await timer.timeAll(context, plain)), again: timer.again() };
}
