/** Makes scripts of the pages' code, and writes them as a module that the reports embed. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

async function scriptOf(name, minify = false) {
  const bundle = await rolldown({ input: here(name) });
  const { output } = await bundle.generate({ format: 'iife', minify });
  return JSON.stringify(output[0].code);
}

const chartStyle = createRequire(import.meta.url).resolve('uplot/dist/uPlot.min.css');
writeFileSync(
  here('../page-script.ts'),
  '/** Generated from page/ by `npm run page`: what pages do, as code of the browser. */\n' +
    `export const SCRIPT = ${await scriptOf('page.ts', true)};\n` +
    `export const SERVING_SCRIPT = ${await scriptOf('serving.ts', true)};\n` +
    `export const KERNEL_SCRIPT = ${await scriptOf('kernel.ts', true)};\n` +
    `export const COMPARE_SCRIPT = ${await scriptOf('compare.ts', true)};\n` +
    `export const SWEEP_SCRIPT = ${await scriptOf('sweep.ts', true)};\n` +
    `export const CHART_STYLE = ${JSON.stringify(readFileSync(chartStyle, 'utf8'))};\n`,
);
