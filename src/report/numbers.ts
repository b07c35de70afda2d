/** Numbers as people read them: thousands apart, shares in per cent, memory in KiB. */

const COUNT = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const FIXED = [0, 1, 2, 3].map(
  (digits) =>
    new Intl.NumberFormat('en-US', {
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    }),
);

/** 1234567 -> `1,234,567`. */
export function count(value: number): string {
  return COUNT.format(value);
}

/** With `digits` (0 to 3) after the point. */
export function fixed(value: number, digits: 0 | 1 | 2 | 3): string {
  return FIXED[digits].format(value);
}

/** The same, or `-` of what is not there, which a document that is read back has as null. */
export function known(value: number | null, digits: 0 | 1 | 2 | 3): string {
  return value !== null && Number.isFinite(value) ? fixed(value, digits) : '-';
}

/** part/whole as `12.3 %`; `-` of nothing. */
export function share(part: number, whole: number): string {
  return whole === 0 ? '-' : `${fixed((100 * part) / whole, 1)} %`;
}

/** `+1.23 %`, signed. */
export function percent(error: number): string {
  // Less than half of the last digit is no error, and has no sign.
  const digits = fixed(Math.abs(100 * error), 2);
  const sign = digits === '0.00' ? '' : error < 0 ? '-' : '+';
  return `${sign}${digits} %`;
}

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** 49152 -> `48.0 KiB`. */
export function bytes(value: number): string {
  let unit = 0;
  let scaled = value;
  while (scaled >= 1024 && unit < BYTE_UNITS.length - 1) {
    scaled /= 1024;
    unit++;
  }
  return unit === 0 ? `${count(value)} B` : `${fixed(scaled, 1)} ${BYTE_UNITS[unit]}`;
}

/** `layer 17` is 17, `layer 17 attention` is 17 attn, `embedding+head` is emb+head. */
export function shortName(name: string): string {
  return name
    .replace(/^layer /, '')
    .replace(' attention', ' attn')
    .replace('embedding+head', 'emb+head');
}
