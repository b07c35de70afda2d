/** How files stretch rotary frequencies: the fields of each kind of scaling, checked. */
import { z } from 'zod';
import type { LongScaling, Llama3Scaling, YarnScaling } from '../attention-spec.js';
import { unexpected } from '../errors.js';
import { between, flag, parse, whole, type Fields } from '../fields.js';

const factor = between(1, 1e6);
const length = whole(2 ** 24);
const attentionFactor = between(1e-6, 1e6).nullish();

const llama3 = z.looseObject({
  factor,
  low_freq_factor: between(1e-6, 1e6),
  high_freq_factor: between(1e-6, 1e6),
  original_max_position_embeddings: length,
});

export function llama3Scaling(fields: Fields, prefix: string): Llama3Scaling {
  const s = parse(llama3, fields, prefix);
  if (s.low_freq_factor > s.high_freq_factor)
    throw unexpected(
      `${prefix}low_freq_factor`,
      `at most high_freq_factor = ${s.high_freq_factor}`,
      s.low_freq_factor,
    );
  return {
    factor: s.factor,
    lowFreqFactor: s.low_freq_factor,
    highFreqFactor: s.high_freq_factor,
    originalMaxPosition: s.original_max_position_embeddings,
  };
}

const yarn = z.looseObject({
  factor,
  original_max_position_embeddings: length.nullish(),
  beta_fast: between(0, 1e6).nullish(),
  beta_slow: between(0, 1e6).nullish(),
  truncate: flag.nullish(),
  attention_factor: attentionFactor,
  mscale: between(0, 1e3).nullish(),
  mscale_all_dim: between(0, 1e3).nullish(),
});

export function yarnScaling(
  fields: Fields,
  prefix: string,
  theta: number,
  maxPositions: number,
): YarnScaling {
  const s = parse(yarn, fields, prefix);
  // As published: a zero counts as left out.
  const betaFast = s.beta_fast || 32;
  const betaSlow = s.beta_slow || 1;
  if (betaFast < betaSlow)
    throw unexpected(`${prefix}beta_fast`, `at least beta_slow = ${betaSlow}`, betaFast);
  if (theta <= 1) throw unexpected('rope_theta', 'a number above 1 with yarn', theta);
  return {
    factor: s.factor,
    betaFast,
    betaSlow,
    truncate: s.truncate ?? true,
    originalMaxPosition: s.original_max_position_embeddings ?? maxPositions,
    amplitude: yarnAmplitude(s),
  };
}

/** YaRN's factor of cosines and sines (arXiv 2309.00071, section 3.4), or the ratio of two of them. */
function yarnAmplitude({
  factor: by,
  attention_factor,
  mscale,
  mscale_all_dim,
}: z.infer<typeof yarn>) {
  if (typeof attention_factor === 'number') return attention_factor;
  return mscale && mscale_all_dim
    ? mscaleOf(by, mscale) / mscaleOf(by, mscale_all_dim)
    : mscaleOf(by, 1);
}

/** What YaRN multiplies by where a context is `by` times as long. */
export function mscaleOf(by: number, scale: number): number {
  return by <= 1 ? 1 : 0.1 * scale * Math.log(by) + 1;
}

const factors = z.array(between(1e-6, 1e6), { error: 'a list of numbers' }).max(512);
const long = z.looseObject({
  short_factor: factors,
  long_factor: factors,
  factor: factor.nullish(),
  original_max_position_embeddings: length.nullish(),
  attention_factor: attentionFactor,
});

/**
 * LongRoPE (arXiv 2402.13753). The amplitude goes by how far the context was stretched: from the original
 * length to `max_position_embeddings`, or by `factor` where no original length is said.
 */
export function longScaling(
  fields: Fields,
  prefix: string,
  pairs: number,
  { max, original: outside }: { max: number; original: number | null | undefined },
): LongScaling {
  const s = parse(long, fields, prefix);
  for (const field of ['short_factor', 'long_factor'] as const)
    if (s[field].length !== pairs)
      throw unexpected(`${prefix}${field}`, `one for each of ${pairs} pairs`, s[field].length);
  const original = s.original_max_position_embeddings ?? outside;
  const stretch = typeof original === 'number' ? max / original : (s.factor ?? 1);
  const from = original ?? max;
  if (stretch > 1 && from < 2)
    throw unexpected(
      'original_max_position_embeddings',
      'a whole number from 2, as its logarithm divides',
      from,
    );
  const amplitude = stretch <= 1 ? 1 : Math.sqrt(1 + Math.log(stretch) / Math.log(from));
  return {
    short: s.short_factor,
    long: s.long_factor,
    originalMaxPosition: from,
    amplitude: s.attention_factor ?? amplitude,
  };
}
