/**
 * `npm run playground`: writes dist/playground/index.html, one file that needs nothing else. Its scripts are classic,
 * the worker is a text that the page makes a Blob of, and its policy lets nothing else run and nothing be fetched.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { scriptJson } from '../../dist/report/html-escape.js';
import { htmlShell } from '../../dist/report/html-page.js';
import { STYLE } from '../../dist/report/html-style.js';
import { PLAYER_STYLE } from '../../dist/report/player-style.js';
import { forPages, noticesOf } from '../platform/bundle.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const hashOf = (text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

async function scriptOf(name) {
  const bundle = await rolldown({ input: here(name), ...forPages() });
  const { output } = await bundle.generate({ format: 'iife', minify: true });
  return { code: output[0].code, modules: output[0].moduleIds };
}

const page = await scriptOf('page.ts');
const worker = await scriptOf('worker.ts');
const style = STYLE + PLAYER_STYLE + readFileSync(here('style.css'), 'utf8');
// What it offers to begin with: files of configs/, the small one first, and kernels by what they show.
const offered = JSON.parse(readFileSync(here('presets.json'), 'utf8'));
const presets = Object.fromEntries(
  offered.presets.map((name) => [name, readFileSync(here(`../../configs/${name}.yaml`), 'utf8')]),
);
const data = { presets, kernels: offered.kernels };
// As it is: a page that begins with a megabyte of JSON to be read stands still for a while.
const workerText = worker.code.replaceAll(/<(?=\/script|!--)/gi, String.raw`\x3c`);
const policy = [
  "default-src 'none'",
  `script-src ${hashOf(page.code)} 'wasm-unsafe-eval'`,
  `style-src ${hashOf(style)}`,
  'worker-src blob:',
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');
const html = htmlShell({
  ...{ title: 'wafersim playground', policy, style, script: page.code },
  body: `${readFileSync(here('page.html'), 'utf8')}
<script type="application/json" id="data">${scriptJson(data)}</script>
<script type="text/plain" id="worker">${workerText}</script>`,
});
const folder = here('../../dist/playground');
mkdirSync(folder, { recursive: true });
writeFileSync(`${folder}/index.html`, html);
writeFileSync(`${folder}/licenses.txt`, noticesOf([...page.modules, ...worker.modules]));
