/** Changes of a text, as slips, attacks and damaged disks make them. */
import fc from 'fast-check';

const NASTY_TEXTS = [
  ...[
    '',
    ' ',
    '0',
    '-1',
    '1',
    '3',
    '1e9',
    '1e308',
    '-1e308',
    '1e-300',
    '.inf',
    '.nan',
    'NaN',
    '2147483648',
  ],
  ...[
    '4096',
    '65536',
    '9007199254740993',
    '0x10',
    '1_000',
    'true',
    'null',
    '~',
    '[]',
    '{}',
    '[[]]',
    '{a: 1}',
  ],
  ...[
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    '"\\u0000"',
    '\u0000',
    '\u202E',
    '\uFEFF',
  ],
  ...[
    '/dev/zero',
    '/dev/stdin',
    '/proc/self/mem',
    '/etc/passwd',
    '../../../../../etc/shadow',
    '.',
    '/',
  ],
  ...[
    '48 KiB',
    '1.0 GHz',
    '-5 us',
    '1e400 B',
    '!!js/function x',
    '!!binary x',
    '&a [*a]',
    '*a',
    '<<: *a',
  ],
  ...[
    'x'.repeat(5000),
    '['.repeat(3000),
    '{a: '.repeat(500),
    '['.repeat(20000) + ']'.repeat(20000),
    '{"a":'.repeat(20000) + '1' + '}'.repeat(20000),
    '[\n'.repeat(20000),
    '? '.repeat(20000),
    '- '.repeat(20000),

    '- '.repeat(2000),
    '<script>',
    "';--",
    '\t',
    '|',
    '>',
  ],
  ...[
    'row-major',
    'optimal',
    'anneal',
    'waferllm',
    'serving',
    'auto',
    'f16',
    'f32',
    '750x994',
    '4x4x4',
    '1e3x1',
  ],
];

export const nasty = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...NASTY_TEXTS) },
  fc.integer().map(String),
  fc.double().map(String),
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.json({ maxDepth: 3 }),
);

export type Change = (text: string) => string;

const place = fc.nat({ max: 1_000_000 });

/** Where in a text a share of a million lies. */
function offset(text: string, share: number): number {
  return Math.floor((text.length * share) / 1_000_001);
}

const WORD = /[\w.+-]+/g;

/** Changes of a text: cut, doubled, a piece of another kind put in, a word or a number replaced. */
export const change: fc.Arbitrary<Change> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(place, nasty).map(([share, by]): Change => (text) => {
      const words = [...text.matchAll(WORD)];
      if (words.length === 0) return by;
      const { index, 0: word } = words[Math.floor((words.length * share) / 1_000_001)];
      return text.slice(0, index) + by + text.slice(index + word.length);
    }),
  },
  fc.tuple(place, nasty).map(
    ([share, by]): Change =>
      (text) =>
        text.slice(0, offset(text, share)) + by + text.slice(offset(text, share)),
  ),
  place.map(
    (share): Change =>
      (text) =>
        text.slice(0, offset(text, share)),
  ),
  fc.tuple(place, place).map(([a, b]): Change => (text) => {
    const [from, to] = [offset(text, Math.min(a, b)), offset(text, Math.max(a, b))];
    return text.slice(0, from) + text.slice(to);
  }),
  fc.tuple(place, place).map(([a, b]): Change => (text) => {
    const lines = text.split('\n');
    const at = (share: number) => Math.floor((lines.length * share) / 1_000_001);
    return lines.toSpliced(at(a), 0, lines[at(b)]).join('\n');
  }),
  fc.constant<Change>((text) => text.replaceAll('\n', '\r\n')),
);
