/**
 * Stored quantisation: in how many bits a published file keeps its weights. Names and fields as in
 * Hugging Face transformers, src/transformers/utils/quantization_config.py, and in vLLM,
 * vllm/model_executor/layers/quantization. Which of the formats that cores widen stands for it is in
 * weight-formats.ts.
 */
import { unexpected, show } from './errors.js';
import { isFields, type Fields } from './fields.js';

export interface StoredWeights {
  method: string;
  /** Of one weight; undefined if the file does not determine them. */
  bits?: number;
  /** Field that says so, with dots, and what it says. */
  field: string;
  says: string;
  /** Rows and columns that share a scale. */
  block?: number[];
  /** Names of the modules that are stored in full, as far as the file lists them. */
  except?: string[];
}

type Found = [bits: unknown, field: string];

const fixed = (bits: number) => (): Found => [bits, 'quant_method'];
const word =
  (field: string, bitsOf: Record<string, number>) =>
  (q: Fields): Found => {
    const value = q[field];
    const name = typeof value === 'string' ? value.toLowerCase() : '';
    return [Object.hasOwn(bitsOf, name) ? bitsOf[name] : value, field];
  };

const METHODS: Record<string, (q: Fields) => Found> = {
  fp8: fixed(8),
  fbgemm_fp8: fixed(8),
  mxfp4: fixed(4),
  gptq: (q) => [q['bits'], 'bits'],
  awq: (q) => (q['bits'] === undefined ? [q['w_bit'], 'w_bit'] : [q['bits'], 'bits']),
  'auto-round': (q) => [q['bits'], 'bits'],
  bitsandbytes: (q) =>
    q['load_in_4bit'] === true
      ? [4, 'load_in_4bit']
      : [q['load_in_8bit'] === true ? 8 : undefined, 'load_in_8bit'],
  'compressed-tensors': compressedTensors,
  eetq: word('weights', { int8: 8 }),
  quanto: word('weights', { float8: 8, int8: 8, int4: 4, int2: 2 }),
  modelopt: word('quant_algo', { fp8: 8, nvfp4: 4 }),
};

/** Older files of compressed-tensors have another name for the group. */
const GROUPS = ['quantization_config', 'compression_config'];

/**
 * In what the weights of a file are stored, and the fields that say so; undefined if it does not say, which means
 * unquantised. Throws a ModelError that names the field if it is no group of fields.
 */
export function storedWeights(
  config: Fields,
): { weights: StoredWeights; fields: Fields } | undefined {
  const group = GROUPS.find((name) => (config[name] ?? null) !== null);
  if (group === undefined) return undefined;
  const q = config[group];
  if (!isFields(q)) throw unexpected(group, 'an object or null', q);
  const method = methodOf(q);
  const known = typeof method === 'string' && Object.hasOwn(METHODS, method);
  const [bits, field] = known ? METHODS[method](q) : [method, 'quant_method'];
  const { weight_block_size: block, modules_to_not_convert: except } = q;
  const weights = {
    method: typeof method === 'string' ? method : show(method),
    ...(typeof bits === 'number' && bits > 0 && bits <= 32 && { bits }),
    field: `${group}.${field}`,
    says: show(field === 'quant_method' ? method : bits),
    ...(isListOf(block, isCount) && { block }),
    ...(isListOf(except, (name) => typeof name === 'string') && { except }),
  };
  return { weights, fields: q };
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value);

function isListOf<T>(list: unknown, is: (value: unknown) => value is T): list is T[] {
  return Array.isArray(list) && list.every(is);
}

/** Files of bitsandbytes that are older than the field do not name their method. */
function methodOf(q: Fields): unknown {
  const { quant_method: method, load_in_8bit: in8, load_in_4bit: in4 } = q;
  return (method ?? null) === null && (in8 === true || in4 === true) ? 'bitsandbytes' : method;
}

/** Bits of the groups' weights, 8 if a group does not say; groups of activations alone have none. */
function compressedTensors(q: Fields): Found {
  const groups = q['config_groups'];
  if (!isFields(groups)) return [groups, 'config_groups'];
  const all: Found[] = [];
  for (const [name, group] of Object.entries(groups)) {
    const weights = isFields(group) ? (group['weights'] ?? null) : group;
    if (weights === null) continue;
    if (!isFields(weights)) return [weights, `config_groups.${name}`];
    all.push([weights['num_bits'] ?? 8, `config_groups.${name}.weights.num_bits`]);
  }
  const [first = [16, 'config_groups'] as Found] = all;
  const other = all.find(([bits]) => bits !== first[0]);
  return other === undefined ? first : [`${show(first[0])} and ${show(other[0])}`, other[1]];
}
