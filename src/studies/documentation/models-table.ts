/**
 * Models side by side: how large they are, how many wafers they take, and how fast one token is. The numbers
 * are those that the suite of models measured last (`wafersim bench --suite bench/models/suite.yaml`).
 */
import { bundled } from '../../bundled.js';
import { loadConfig } from '../../config.js';
import { formatOf, formatsOf, nameOf } from '../../model/formats.js';
import type { ModelSpec } from '../../model/model.js';
import { activeParameters, parameterCount } from '../../model/operators.js';
import { count, markdownTable } from '../../report/format.js';
import { readBaseline } from '../bench/baseline.js';
import type { BenchCase } from '../bench/document.js';
import { readSuite, type SuiteCase } from '../bench/suite.js';

const SUITE = 'bench/models/suite.yaml';
const BASELINE = 'bench/models/baseline.json';

/** Contexts of the cases of a model, as they end its cases' ids. */
const CONTEXTS = ['4k', '128k'] as const;

const HEAD = [
  ...['model', 'parameters', 'a token', 'bits'],
  ...CONTEXTS.flatMap((context) => [`wafers, ${context}`, 'cycles', 'tokens/s']),
];

/** A row per model of the suite, as Markdown. */
export function modelsMarkdown(): string {
  const baseline = readBaseline(bundled(BASELINE));
  const measured = new Map(baseline.cases.map((each) => [each.id, each]));
  const cases = readSuite(bundled(SUITE));
  const rows = cases
    .filter(({ id }) => id.endsWith(`/${CONTEXTS[0]}`))
    .map((each) => {
      const name = each.id.slice(0, -CONTEXTS[0].length);
      const numbers = CONTEXTS.map((context) => numbersOf(measured.get(name + context)));
      return [...modelCells(modelIn(each)), ...numbers.flat()];
    });
  return markdownTable(HEAD, rows);
}

function modelIn(each: SuiteCase): ModelSpec {
  if (each.kind !== 'run') throw new RangeError(`expected a run of a model, found ${each.id}`);
  return loadConfig(each.config, each.sets).model;
}

function modelCells(model: ModelSpec): string[] {
  const { active } = activeParameters(model);
  return [model.name, billions(parameterCount(model)), billions(active), bitsOf(model)];
}

function billions(parameters: number): string {
  return `${Number((parameters / 1e9).toPrecision(3)).toLocaleString('en-US')} B`;
}

/** `16`, or `mxfp4 experts, rest 16`. */
function bitsOf(model: ModelSpec): string {
  const rest = nameOf(formatOf(model, 'rest'));
  const experts = formatsOf(model).find(({ of }) => of === 'experts');
  if (!experts || nameOf(experts.format) === rest) return String(rest);
  return `${nameOf(experts.format)} experts, rest ${rest}`;
}

/** Wafers, cycles and tokens per second; nothing where the model is not run so. */
function numbersOf(measured?: BenchCase): string[] {
  if (measured === undefined) return ['', '', ''];
  const { wafers, cyclesPerToken, tokensPerSecondPerUser } = measured.metrics;
  return [wafers, cyclesPerToken, tokensPerSecondPerUser].map(({ value }) =>
    count(Math.round(value)),
  );
}
