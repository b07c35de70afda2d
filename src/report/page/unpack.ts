/** One map of a wafer as html-maps.ts packs it, in the browser. */
import type { PageWafer, Quantity } from './data.js';

export async function unpack(text: string, length: number): Promise<Float64Array> {
  const planes = await inflate(text);
  if (planes.length !== length * 7) throw new Error('the map is damaged');
  const out = new Float64Array(length);
  let value = 0;
  for (let i = 0; i < length; i++) {
    let code = 0;
    for (let plane = 6; plane >= 0; plane--) code = code * 256 + planes[plane * length + i];
    value += code % 2 === 1 ? -(code + 1) / 2 : code / 2;
    out[i] = value;
  }
  return out;
}

/** Bytes of a zlib stream that is written in base64. */
export async function inflate(text: string): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = Uint8Array.from(atob(text), (c) => c.codePointAt(0)!);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** A wafer's maps: each is unpacked when it is asked for, once. */
export function mapsOf(
  { packed, width, height }: PageWafer,
  quantities: readonly Quantity[],
): (quantity: number) => Promise<Float64Array> {
  const own = quantities.filter(({ largestOf }) => largestOf === undefined);
  const known = new Map<number, Promise<Float64Array>>();
  const once = (of: number, unpacked: () => Promise<Float64Array>) => {
    const map = known.get(of) ?? unpacked();
    known.set(of, map);
    return map;
  };
  const mapOf = async (quantity: number): Promise<Float64Array> => {
    const { largestOf } = quantities[quantity];
    if (largestOf === undefined)
      return once(quantity, () =>
        unpack(packed[own.indexOf(quantities[quantity])], width * height),
      );
    return once(quantity, async () => {
      const [first, ...others] = await Promise.all(largestOf.map(mapOf));
      return first.map((value, core) =>
        others.reduce((most, one) => Math.max(most, one[core]), value),
      );
    });
  };
  return mapOf;
}

/** Which region each core is in, by number; -1: none. */
export function ownersOf({ width, height, regions }: PageWafer): Int16Array {
  const owner = new Int16Array(width * height).fill(-1);
  regions.forEach((r, i) => {
    for (let y = r.y; y < r.y + r.height; y++)
      owner.fill(i, y * width + r.x, y * width + r.x + r.width);
  });
  return owner;
}
