/**
 * A file of experts that tokens went through: a JSON object on each line, `{"layer": 3, "experts": [17, 4]}`, the
 * best first. The n-th line of a layer is the n-th token's; layers may come in any order.
 */
import { layerOf, type ModelSpec } from '../model/model.js';
import type { ChosenExperts } from '../model/plain/decoder.js';
import { ConfigError } from './errors.js';
import { readText, referenceOf, type ReadFile } from './files.js';
import type { Config } from './schema.js';
import { child } from './tree.js';
import type { Node } from './yaml.js';

/** Names of `workload.routing` that are no files. */
const WORDS = ['uniform', 'skewed', 'reference'];

export interface RoutingTrace {
  tokens: ChosenExperts[];
  sha256: string;
}

/**
 * The choices of the file that `workload.routing` names; nothing where it names none. As many tokens as every layer
 * with experts has lines.
 * @throws ConfigError with the line that is no choice of a layer of the model
 */
export function routingTraceOf(
  { routing }: Config['workload'],
  tree: Node,
  mainFile: string,
  model: ModelSpec,
  files: ReadFile[],
): RoutingTrace | undefined {
  if (routing === undefined || WORDS.includes(routing)) return undefined;
  const node = child(child(tree, 'workload'), 'routing')!;
  const reference = referenceOf(node, 'workload.routing', mainFile);
  const text = readText(reference, files);
  const byLayer = model.layers.map((): number[][] => []);
  for (const [i, line] of text.split('\n').entries())
    if (line.trim() !== '') addLine(byLayer, model, line, `${reference.path}:${i + 1}:1`);
  const lengths = byLayer.flatMap((choices, layer) =>
    layerOf(model, layer).mlp.kind === 'experts' ? [choices.length] : [],
  );
  const least = Math.min(...lengths);
  if (!(least > 0)) {
    const layer = byLayer.findIndex(
      (choices, number) => layerOf(model, number).mlp.kind === 'experts' && choices.length === 0,
    );
    const found = layer < 0 ? `a model without experts (${model.name})` : `none of layer ${layer}`;
    throw new ConfigError(
      `${reference.path}: expected a choice of every layer with experts, found ${found}`,
    );
  }
  const tokens = Array.from({ length: least }, (_, token) =>
    byLayer.map((choices): readonly number[] | undefined => choices[token]),
  );
  return { tokens, sha256: files.at(-1)!.sha256! };
}

function addLine(byLayer: number[][][], model: ModelSpec, line: string, at: string): void {
  const refuse = (expected: string, found: unknown): never => {
    const text = JSON.stringify(found) ?? String(found);
    throw new ConfigError(`${at}: expected ${expected}, found ${text}`);
  };
  const { layer, experts } = parsedLine(line) ?? refuse('a JSON object', line.slice(0, 80));
  if (!isBelow(layer, model.layers.length))
    return refuse(`layer from 0 to ${model.layers.length - 1}`, layer);
  const { mlp } = layerOf(model, layer);
  if (mlp.kind !== 'experts') return refuse('a layer with experts', layer);
  const isChoice =
    Array.isArray(experts) &&
    experts.length === mlp.topK &&
    new Set(experts).size === mlp.topK &&
    experts.every((expert) => isBelow(expert, mlp.count));
  if (!isChoice)
    return refuse(`experts: ${mlp.topK} different ones from 0 to ${mlp.count - 1}`, experts);
  byLayer[layer].push(experts);
}

function parsedLine(line: string): { layer?: unknown; experts?: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function isBelow(value: unknown, end: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < end;
}
