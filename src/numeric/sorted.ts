/** Numbers in rising order. */

/**
 * The place of the first of some rising numbers that is not below one, which is its own if it is among them; one past the
 * last of them if all are.
 * @param first where they begin, and `end` one past where they end, if it is some of all
 */
export function placeIn(
  numbers: ArrayLike<number>,
  number: number,
  first = 0,
  end = numbers.length,
): number {
  let [from, to] = [first, end];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (numbers[middle] < number) from = middle + 1;
    else to = middle;
  }
  return from;
}
