/** Generated programs of several parts: copies one below the other, with starts of their own. */
import fc from 'fast-check';
import { programs, type Generated } from './generate.js';

/** How much later each copy starts; some end at the same time, some while others have not begun. */
const starts = fc.array(fc.constantFrom(0, 0, 1, 30, 4000), { minLength: 2, maxLength: 4 });

export function stackedPrograms(most = 0): fc.Arbitrary<Generated> {
  return fc.tuple(programs(most), starts).map(([given, later]) => stacked(given, later));
}

/** Copies of a program, so much later each. */
export function stacked<T extends Pick<Generated, 'program' | 'startAt' | 'memory'>>(
  given: T,
  later: number[],
): T {
  const { program, startAt, memory } = given;
  const { linkHops, roleOf, height } = program;
  return {
    ...given,
    program: {
      ...program,
      height: height * later.length,
      roleOf: Uint16Array.from(later.flatMap(() => [...roleOf])),
      ...(linkHops && { linkHops: Uint16Array.from(later.flatMap(() => [...linkHops])) }),
    },
    startAt: Float64Array.from(later.flatMap((more) => [...startAt].map((start) => start + more))),
    memory: () => later.flatMap(() => memory()),
  };
}
