/** Generated parts of documents: what stands between `<!-- name:begin -->` and `<!-- name:end -->`. */

/**
 * The text with the part `name` replaced by `block`, on lines of its own.
 * Throws a RangeError unless the text has both markers, once each and in order.
 */
export function renderInto(text: string, name: string, block: string): string {
  const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`];
  const [before, ...afterBegin] = text.split(begin);
  const [, ...afterEnd] = afterBegin.join(begin).split(end);
  if (afterBegin.length !== 1 || afterEnd.length !== 1)
    throw new RangeError(`expected ${begin} and then ${end} once each, found something else`);
  return `${before}${begin}\n${block.trim()}\n${end}${afterEnd[0]}`;
}

/** What stands between the markers of part `name`; nothing if the text has none. */
export function partOf(text: string, name: string): string {
  const [, after = ''] = text.split(`<!-- ${name}:begin -->`);
  return after.split(`<!-- ${name}:end -->`)[0];
}

/** Names of the generated parts of a text, by their first markers. */
export function generatedParts(text: string): string[] {
  return [...text.matchAll(/<!-- ([\w-]+):begin -->/g)].map((match) => match[1]);
}
