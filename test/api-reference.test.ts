/** docs/api.md: what the library exports, with its types and comments. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { bundled } from '../src/bundled.js';
import { apiReference } from '../src/studies/documentation/api-reference.js';
import { partOf } from '../src/studies/documentation/markers.js';
import * as library from '../src/index.js';

const FILES: Record<string, string> = {
  'index.d.ts': `/** The file. */
import type { Sum } from './parts/sum.js';
export { type Sum, add } from './parts/sum.js';
export type * from './parts/types.js';
/** Twice. */
export declare const TWICE = 2;
`,
  'parts/sum.d.ts': `/** The file. */
export { type Sum } from '../deep.js';
/**
 * Adds two numbers,
 * in order.
 * @param a the first
 * @returns their sum
 */
export declare function add(a: number, b: {
    value: number;
}): Sum;
/** Not exported by the entry. */
export declare function subtract(a: number): number;
declare const hidden: unique symbol;
`,
  'deep.d.ts': `export type Sum = number;
`,
  'parts/types.d.ts': `/** One. */
export interface One {
    /** A field. */
    a: string;
    b: {
        c: 'x' | 'y';
    };
}
/** A value, which \`export type *\` leaves out. */
export declare function one(): One;
export {};
`,
};
const read = (path: string) => FILES[path];

it('has what is exported, by kind and name, with comments and types', () => {
  expect(apiReference('index.d.ts', read)).toBe(`## Functions

### add

Adds two numbers,
in order.

- \`a\`: the first
- *returns* their sum

\`\`\`ts
function add(a: number, b: {
  value: number;
}): Sum;
\`\`\`

## Constants

### TWICE

Twice.

\`\`\`ts
const TWICE = 2;
\`\`\`

## Types

### One

One.

\`\`\`ts
interface One {
  /** A field. */
  a: string;
  b: {
    c: 'x' | 'y';
  };
}
\`\`\`

### Sum

\`\`\`ts
type Sum = number;
\`\`\``);
});

it('has what is exported under one name as members of it', () => {
  const files: Record<string, string> = {
    'index.d.ts': "export * as sums from './deep.js';\n",
    'deep.d.ts':
      'export type Sum = number;\n/** Adds. */\nexport declare function add(a: Sum): Sum;\n',
  };
  expect(apiReference('index.d.ts', (path) => files[path])).toBe(`## Constants

### sums

Its members:

\`\`\`ts
type Sum = number;
function add(a: Sum): Sum;
\`\`\``);
});

it('refuses a name that is declared nowhere', () => {
  const files: Record<string, string> = { ...FILES, 'deep.d.ts': 'export type Total = number;\n' };
  expect(() => apiReference('index.d.ts', (path) => files[path])).toThrow(
    'expected a declaration of Sum in deep.d.ts, found none',
  );
});

it('stands in docs/api.md as it was built last, with every value that the library exports', () => {
  const part = partOf(readFileSync(bundled('docs/api.md'), 'utf8'), 'api').trim();
  const built = apiReference('index.d.ts', (path) => readFileSync(bundled(`dist/${path}`), 'utf8'));
  expect(part).toBe(built);
  const listed = [...built.split('\n## Types\n')[0].matchAll(/^### (\w+)$/gm)].map(
    ([, name]) => name,
  );
  expect(listed.toSorted()).toEqual(Object.keys(library).toSorted());
});
