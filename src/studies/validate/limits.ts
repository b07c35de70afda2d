/** How far a prediction may be from a measurement, by kernel, and why: the one table of limits. */
import type { LimitRow } from './document.js';

/**
 * Limits are of the signed error (predicted - measured) / measured. Measurements that ship with the
 * project were there when the cost table was made; others were not, and get more room where the
 * kernel has parts that the listed ones do not separate. Where `fitted`, some number of a hardware file
 * was chosen on the listed ones, as its source says there.
 */
export const LIMITS: LimitRow[] = [
  {
    kernel: 'reduce',
    fitted: true,
    listed: [-0.01, 0.01],
    unlisted: [-0.01, 0.01],
    reason: 'The rules of the fabric give it to the cycle; only start-up and set-up are fitted.',
  },
  {
    kernel: 'matvec',
    fitted: true,
    listed: [-0.02, 0.02],
    unlisted: [-0.02, 0.02],
    reason: 'One core without a fabric: elements, rows and a call, nothing to contend for.',
  },
  {
    kernel: 'gemv',
    fitted: true,
    listed: [-0.02, 0.02],
    unlisted: [-0.04, 0.04],
    reason:
      'Two published runs fix what a call and a row take together; other sizes and groups stress what they leave small.',
  },
  {
    kernel: 'gemm',
    fitted: true,
    listed: [-0.05, 0.05],
    unlisted: [-0.1, 0.1],
    reason:
      'The slowest core next to a published mean over all; one published size of square, of which multiply-adds, passes of a loop and transfers cannot be told apart entirely.',
  },
  {
    kernel: 'all-reduce',
    fitted: true,
    listed: [-0.1, 0.1],
    unlisted: [-0.1, 0.1],
    reason:
      "A library's: one cost of a task for every wavelet and one of the call stand for all of its code.",
  },
  {
    kernel: 'layer',
    fitted: true,
    listed: [-0.03, 0.03],
    unlisted: [-0.06, 0.06],
    reason:
      'Measured on hardware through the tokens per second of a paper; other models and sizes stress costs that the listed ones leave small.',
  },
  {
    kernel: 'service',
    fitted: false,
    listed: [0, 1],
    unlisted: [0, 1],
    reason:
      'A service cannot be faster than the wafers that serve it, and its software, host, network and unstated context are taken to cost at most as much time again as the decoding: the prediction must lie between the measurement and twice the measurement. Nothing is fitted to it.',
  },
];

/** For kernels of which nothing is published. */
const OTHERS: LimitRow = {
  kernel: 'others',
  fitted: false,
  listed: [-0.1, 0.1],
  unlisted: [-0.1, 0.1],
  reason: 'No measurement is published; they are made of the operations of those above.',
};

/** The limits of a kernel. */
export function limitOf(kernel: string): LimitRow {
  return LIMITS.find((row) => row.kernel === kernel) ?? OTHERS;
}

export const ALL_LIMITS: LimitRow[] = [...LIMITS, OTHERS];
