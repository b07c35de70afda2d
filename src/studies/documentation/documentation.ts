/** The parts of the documents that are generated, from results and from the types of the library. */
import { loadConfig } from '../../config.js';
import { bundled } from '../../bundled.js';
import { PUBLISHED, readMeasurements } from '../validate/measurements.js';
import { readFileSync } from '../../platform/node.js';
import { compareAll } from '../compare/compare.js';
import { placedExperts } from '../compare/experts.js';
import { compareTables } from '../compare/table.js';
import type { RunDocument } from '../../report/document.js';
import { markdownTable } from '../../report/format.js';
import { acceptanceMarkdown } from '../../report/acceptance-table.js';
import { acceptanceStudy } from '../acceptance/acceptance.js';
import { apiReference } from './api-reference.js';
import { generatedParts, partOf, renderInto } from './markers.js';
import { modelsMarkdown } from './models-table.js';
import { collectiveFormsMarkdown, collectivesMarkdown } from '../validate/collectives.js';
import { lineChoicesMarkdown, mappedLinesMarkdown } from '../validate/mapped-lines.js';
import { validateMarkdown } from '../validate/table.js';
import { prefillNotes } from '../validate/prefill.js';
import { planMarkdown } from '../../report/plan-text.js';
import { runTable } from '../../report/table.js';
import { serveAll } from '../serve/serve-all.js';
import type { GridWork } from '../steps/step-times.js';
import { simulate } from '../run/run.js';
import { withRunner, type SimulateOptions } from '../../decode/options.js';
import { validateMeasurements } from '../validate/validate.js';

/** Files that have generated parts, from the root of the project. */
export const DOCUMENTS = [
  ...['README.md', 'docs/accuracy.md', 'docs/kernels.md', 'docs/api.md', 'docs/placement.md'],
  'docs/speculation.md',
];

const FIRST_RUN = 'configs/wse3.yaml';
const PLAN = 'configs/codex-spark.yaml';

/** Where experts lie, on a model of which more than one way takes about as many wafers. */
const EXPERTS = 'configs/qwen3-235b.yaml';
const PLACED = ['sliced', 'strips:2', 'strips:4', 'strips:8'];
const DRAWS = ['workload.routingDraws=3'];

/** With the steps that are known. */
type Options = SimulateOptions & Pick<GridWork, 'steps'>;

/** Speeds of drafts by acceptance: configurations, and tokens per second whose acceptance is looked for. */
const DRAFTED: Record<string, [config: string, target: number]> = {
  'acceptance-llama-70b-mtp': ['configs/llama-70b-mtp.yaml', 2100],
  'acceptance-llama-70b-draft': ['configs/llama-70b-draft.yaml', 2100],
  'acceptance-gpt-oss-120b-draft': ['configs/gpt-oss-120b-draft.yaml', 3000],
};

/** Parts that take minutes: they stay as they are unless they are asked for. */
const LONG = new Set(['plan', 'experts', ...Object.keys(DRAFTED)]);

/** How long a run took, with how much memory: it differs from host to host and from run to run. */
const HOST_LINE = /^ {2}\w+ engine, \d+ shards?: .* of host memory$/m;

/** What a run prints; of its host the line that `before` has, if it has one. */
export function printedRun(document: RunDocument, before: string): string {
  const text = runTable(document, { color: false }).trimEnd();
  const kept = HOST_LINE.exec(before)?.[0];
  return `\`\`\`\n${kept === undefined ? text : text.replace(HOST_LINE, () => kept)}\n\`\`\``;
}

/** Each part made anew, of which `before` is what stands there. */
const PARTS: Record<string, (options: Options, before: string) => Promise<string>> = {
  async api() {
    return apiReference('index.d.ts', (path) => readFileSync(bundled(`dist/${path}`), 'utf8'));
  },
  collectives: (options) => collectivesMarkdown(options),
  async models() {
    return modelsMarkdown();
  },
  async experts(options) {
    const document = await compareAll(placedExperts(bundled(EXPERTS), PLACED, DRAWS), options);
    const { head, rows } = compareTables(document).at(-1)!;
    return markdownTable(head, rows);
  },
  'mapped-lines': mappedLinesMarkdown,
  'line-choices': (options) => lineChoicesMarkdown(options),
  'collective-forms': collectiveFormsMarkdown,
  async plan(options) {
    const path = bundled(PLAN);
    const { document } = await serveAll(loadConfig(path), path, [], options);
    return planMarkdown(document.serving.plan!);
  },
  async run(options, before) {
    return printedRun(await simulate(loadConfig(bundled(FIRST_RUN)), options), before);
  },
  async validate(options) {
    const published = readMeasurements(PUBLISHED);
    const [notes, document] = await withRunner(options, (work) =>
      Promise.all([prefillNotes('', work), validateMeasurements(published, published, work)]),
    );
    return validateMarkdown({ ...document, notes });
  },
  ...Object.fromEntries(
    Object.entries(DRAFTED).map(([name, [path, target]]) => [
      name,
      (options: Options) => draftedMarkdown(bundled(path), target, options),
    ]),
  ),
};

async function draftedMarkdown(path: string, target: number, options: Options): Promise<string> {
  const config = loadConfig(path);
  const run = await simulate(config, options);
  const { acceptance } = await acceptanceStudy(run, config, target, options);
  const { model, workload } = config;
  const of = { model: model.name, context: workload.context };
  return acceptanceMarkdown(of, run, acceptance);
}

/**
 * A document with its generated parts made anew. Throws a RangeError for a part that has no generator.
 * @param long whether those too that take minutes
 */
export async function regenerated(text: string, options: Options, long = false): Promise<string> {
  const names = generatedParts(text);
  const unknown = names.find((name) => !Object.hasOwn(PARTS, name));
  if (unknown !== undefined)
    throw new RangeError(
      `expected generated parts among ${Object.keys(PARTS).join(', ')}, found ${unknown}`,
    );
  const made = names.filter((name) => long || !LONG.has(name));
  let result = text;
  // One after the other: each takes the memory of its model's programs.
  for (const name of made)
    result = renderInto(result, name, await PARTS[name](options, partOf(text, name)));
  return result;
}
