/**
 * The colours of maps. Their lightness goes one way only (of differences: both ways from the middle), for every kind of
 * colour blindness too, so that more is always darker on a light page, and lighter on a dark one.
 */

type Theme = 'light' | 'dark';

export const RAMPS: Record<Theme, string[]> = {
  light: ['f1eee6', 'f3cd83', 'e2803f', 'a9343b', '47123a'],
  dark: ['191d2e', '4a3175', 'a63c70', 'ee7f4b', 'fce690'],
};

/** Less in blue, more in orange. */
export const DIFFERENCES: Record<Theme, string[]> = {
  light: ['0b3a82', '4f86c6', 'f4f3ef', 'd9822b', '7a3300'],
  dark: ['9cc9ff', '3f78bb', '1d2026', 'b8661b', 'ffc37a'],
};

/** 256 colours, red, green and blue each, with these as its stops. */
export function rampOf(stops: readonly string[]): Uint8ClampedArray {
  const colors = stops.map(channelsOf);
  const table = new Uint8ClampedArray(256 * 3);
  for (let i = 0; i < 256; i++) {
    const at = (i / 255) * (colors.length - 1);
    const low = Math.min(Math.floor(at), colors.length - 2);
    for (let c = 0; c < 3; c++)
      table[i * 3 + c] = colors[low][c] + (colors[low + 1][c] - colors[low][c]) * (at - low);
  }
  return table;
}

function channelsOf(hex: string): number[] {
  return [0, 2, 4].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
}
