/** Makes one script of the page's code, and writes it as a module that the report embeds. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const bundle = await rolldown({ input: here('page.ts') });
const { output } = await bundle.generate({ format: 'iife' });
writeFileSync(
  here('../page-script.ts'),
  '/** Generated from page/ by `npm run page`: what the page of a run does, as code of the browser. */\n' +
    `export const SCRIPT = ${JSON.stringify(output[0].code)};\n`,
);
