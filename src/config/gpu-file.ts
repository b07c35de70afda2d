/** Reads a GPU file (`configs/gpu/*.yaml`): a GPU's numbers for the roofline, each with its source. */
import { readText, type ReadFile, type Reference } from './files.js';
import { validate } from './problems.js';
import { originAt } from './tree.js';
import { readUnits, quantity, type Provenance } from './quantity.js';
import { readYaml } from './yaml.js';
import { section } from './hardware-file.js';
import { text } from './errors.js';
import type { GpuSpec } from '../serving/roofline.js';

const number = (max: number) => quantity({ dimension: 'count', above: 0, max }, readUnits);

const schema = section('a mapping', {
  name: text('a name'),
  memoryGB: number(1e5),
  bandwidthGBs: number(1e6),
  teraflops: number(1e6),
  systemWatts: number(1e6),
  bandwidthShare: number(1),
  flopsShare: number(1),
  layerMicros: number(1e6),
  allReduceMicros: number(1e6),
});

export interface GpuFile {
  gpu: GpuSpec;
  provenance: Record<string, Provenance>;
}

/**
 * @param file a YAML file, or its path relative to the current directory
 * @param files where the file is noted
 * @throws ConfigError one line on the first problem, with its file and line
 */
export function readGpu(file: Reference | string, files?: ReadFile[]): GpuFile {
  const reference = typeof file === 'string' ? { path: file, from: 'serving.gpus' } : file;
  const tree = readYaml(readText(reference, files), reference.path);
  const { name, ...numbers } = validate(schema, tree);
  const v = (key: keyof typeof numbers) => numbers[key].value;
  const provenance = Object.fromEntries(
    Object.entries(numbers).map(([key, { provenance: stated }]) => [
      key,
      { source: originAt(tree, [key]).label, ...stated },
    ]),
  );
  return {
    gpu: {
      name,
      memoryBytes: v('memoryGB') * 1e9,
      memoryBandwidth: v('bandwidthGBs') * 1e9,
      bandwidthShare: v('bandwidthShare'),
      flops: v('teraflops') * 1e12,
      flopsShare: v('flopsShare'),
      layerMicros: v('layerMicros'),
      allReduceMicros: v('allReduceMicros'),
      systemWatts: v('systemWatts'),
    },
    provenance,
  };
}
