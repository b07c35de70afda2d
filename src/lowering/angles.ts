/** The angles by which a core turns the pairs of its heads, as they lie in its memory before the first token. */
import type { Rope } from '../model/attention-spec.js';
import { ropeAmplitude, type RotaryPair } from '../model/rope.js';
import type { Image } from './stored.js';

/** Those of the position before the first token (its program advances them); padded pairs stand still. */
export function fillAngles(
  { image, at }: Pick<Image, 'image' | 'at'>,
  rope: Rope,
  pairs: readonly (RotaryPair | undefined)[],
  context: number,
): void {
  for (const [i, pair] of pairs.entries()) {
    const frequency = pair?.frequency ?? 0;
    const set = (buffer: number, angle: number, times: number) => {
      image[buffer + i] = times * Math.cos(angle);
      image[buffer + pairs.length + i] = times * Math.sin(angle);
    };
    const amplitude = frequency === 0 ? 1 : ropeAmplitude(rope);
    set(at.angle, frequency * (context - 1), amplitude);
    // A step advances the angles and must leave the amplitude as it is.
    set(at.angleStep, frequency, 1);
    // As if a round of one token had gone before.
    if (at.angleCopies !== undefined) set(at.angleCopies, frequency * (context - 1), amplitude);
  }
}
