/** What a page has deflated, in base64, as bytes again. */
export async function inflate(text: string): Promise<Uint8Array> {
  const bytes = Uint8Array.from(atob(text), (c) => c.codePointAt(0)!);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** One map of a wafer as html-maps.ts packs it, in the browser. */
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
