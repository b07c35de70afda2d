/**
 * Turns logged choices of experts into the lines that workload.routing reads:
 *
 *   node examples/traces/experts.mjs request-*.json --key experts > routing.jsonl
 *
 * Each file is one request: JSON that has, under a key (--key; anywhere, if not given), a list of lists of lists of
 * expert numbers, [token][layer][expert]. --by-layer: [layer][token][expert]. --layers 3-60 or 1,3,5: the layers of
 * the model that they are of, in their order; 0, 1, 2, ... if not given (the first layers of DeepSeek-V3 are dense,
 * and every other one of Llama 4 Maverick). Experts are to come the best first, which times do not depend on.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    key: { type: 'string' },
    layers: { type: 'string' },
    'by-layer': { type: 'boolean' },
  },
});

const isList = (value, depth) =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.every((item) => (depth === 1 ? Number.isInteger(item) : isList(item, depth - 1)));

/** The first list of lists of lists of numbers in a tree, under the key if one is given. */
function choicesIn(tree, key, isUnderKey = key === undefined) {
  if (isUnderKey && isList(tree, 3)) return tree;
  if (typeof tree !== 'object' || tree === null) return undefined;
  for (const [name, value] of Object.entries(tree)) {
    const found = choicesIn(value, key, isUnderKey || name === key);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Numbers of layers from `3-60` or `1,3,5`. */
function layersOf(text) {
  const range = /^(\d+)-(\d+)$/.exec(text);
  if (range === null) return text.split(',').map(Number);
  const [first, last] = [Number(range[1]), Number(range[2])];
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}

if (positionals.length === 0) fail('expected files of requests, found none');
const layers = values.layers && layersOf(values.layers);
for (const file of positionals) {
  const found = choicesIn(JSON.parse(readFileSync(file, 'utf8')), values.key);
  if (found === undefined) fail(`${file}: expected a list [token][layer][expert], found none`);
  const [outer, inner] = [found.length, found[0].length];
  const [tokens, width] = values['by-layer'] ? [inner, outer] : [outer, inner];
  if (layers && layers.length !== width)
    fail(`${file}: expected ${layers.length} layers as --layers says, found ${width}`);
  for (let token = 0; token < tokens; token++)
    for (let i = 0; i < width; i++) {
      const experts = values['by-layer'] ? found[i][token] : found[token][i];
      process.stdout.write(`${JSON.stringify({ layer: layers ? layers[i] : i, experts })}\n`);
    }
}
