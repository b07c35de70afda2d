/** docs/machine-model.md is what the source cites: every section and rule that a comment names is there. */
import { readFileSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';

const page = readFileSync(new URL('../docs/machine-model.md', import.meta.url), 'utf8');
const SECTIONS = new Set([...page.matchAll(/^#{2,3} ([0-9]+[a-z]?)\. /gm)].map((m) => m[1]));

/** Comments are wrapped, so a citation may run over two lines. */
function citations(): { file: string; section: string }[] {
  const root = new URL('../src/', import.meta.url);
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('machine-code.ts'))
    .flatMap((file) => {
      const text = readFileSync(new URL(file, root), 'utf8').replaceAll(/\n\s*\*\s*/g, ' ');
      const cited = text.matchAll(
        /machine-model(?:\.md,)? sections? ([0-9]+[a-z]?)(?: and ([0-9]+[a-z]?))?/g,
      );
      return [...cited].flatMap(([, ...sections]) =>
        sections.filter(Boolean).map((section) => ({ file, section })),
      );
    });
}

test('every section that the source cites is a heading of docs/machine-model.md', () => {
  const cited = citations();
  expect(cited.length).toBeGreaterThan(12);
  expect(cited.filter(({ section }) => !SECTIONS.has(section))).toEqual([]);
});

test('no comment cites the machine model in another form', () => {
  const root = new URL('../src/', import.meta.url);
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((f) =>
    f.endsWith('.ts'),
  );
  const odd = files.filter((file) => {
    const text = readFileSync(new URL(file, root), 'utf8').replaceAll(/\n\s*\*\s*/g, ' ');
    return /machine-model(?!(\.md,)? sections? [0-9])/.test(text);
  });
  expect(odd).toEqual([]);
});
