/** Numbers as people read them: thousands apart, shares in per cent, memory in KiB. */

/** 1234567 -> `1,234,567`. */
export function count(value: number): string {
  return written(value, 0);
}

/** With `digits` (0 to 3) after the point. */
export function fixed(value: number, digits: 0 | 1 | 2 | 3): string {
  return written(value, digits);
}

/**
 * What Intl.NumberFormat writes in `en-US`: a half is rounded away from zero, in the shortest decimal that is the number.
 * To load what Intl knows of languages takes 10 ms and 6 MB, more than all else that is printed of a run.
 */
function written(value: number, digits: number): string {
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  // A document that is read back may have nothing where a number is expected.
  if (!(Math.abs(value) >= 0)) return 'NaN';
  if (Math.abs(value) === Infinity) return `${sign}∞`;
  const [mantissa, exponent] = Math.abs(value).toExponential().split('e');
  const decimals = mantissa.replace('.', '');
  // How many of them are kept, from which on they are zeros.
  const kept = Number(exponent) + 1 + digits;
  const up = kept >= 0 && (decimals[kept] ?? '0') >= '5' ? 1n : 0n;
  const whole = BigInt(kept <= 0 ? 0 : decimals.slice(0, kept).padEnd(kept, '0')) + up;
  const text = String(whole).padStart(digits + 1, '0');
  const point = text.length - digits;
  const thousands = text.slice(0, point).replaceAll(/\B(?=(?:\d{3})+$)/g, ',');
  return `${sign}${thousands}${digits > 0 ? '.' : ''}${text.slice(point)}`;
}

/** The same, or `-` of what is not there, which a document that is read back has as null. */
export function known(value: number | null, digits: 0 | 1 | 2 | 3): string {
  return value !== null && Number.isFinite(value) ? fixed(value, digits) : '-';
}

/** As it was given, thousands apart. */
export function exact(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 9 });
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
