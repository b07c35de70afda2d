/**
 * GPUs for comparison with the wafer, by a roofline: an analytic model, nothing is simulated. A step reads all
 * weights (of experts those that its tokens choose) and every user's KV cache and states once and computes for all tokens; the slower of the two counts,
 * plus a fixed time per layer and two all-reduces per layer where tensors are parallel.
 */
import type { StepTime } from './step-time.js';

export interface GpuSpec {
  name: string;
  memoryBytes: number;
  /** Peak bytes per second of one GPU's memory, and the share of it that decoding reaches. */
  memoryBandwidth: number;
  bandwidthShare: number;
  /** Peak f16 FLOPs per second of one GPU without sparsity, and the share that prefill reaches. */
  flops: number;
  flopsShare: number;
  /** Launches and synchronisation of a layer's kernels. */
  layerMicros: number;
  /** One all-reduce of a token's activations between the GPUs of a server. */
  allReduceMicros: number;
  /** Of one GPU with its share of the server around it. */
  systemWatts: number;
}

/** What a model is to a roofline. */
export interface ModelSize {
  weightBytes: number;
  cacheBytesPerPosition: number;
  /** Of each user in place of a cache, where layers keep a state; 0 if not given. */
  stateBytes?: number;
  /** That a token multiplies. */
  parameters: number;
  layers: number;
  /** Of `weightBytes` those of experts, and the chance that a token chooses another one: batches read those that are chosen. */
  experts?: { bytes: number; missed: number }[];
  /** Of one user's cache of so many positions, where not every layer keeps all. */
  cacheBytesAt?: (positions: number) => number;
}

/** Step times of a model on `gpus` GPUs that share every layer (tensor parallel). */
export function rooflineStepTime(gpu: GpuSpec, model: ModelSize, gpus: number): StepTime {
  const bytesPerNs = (gpu.memoryBandwidth * gpu.bandwidthShare * gpus) / 1e9;
  const flopsPerNs = (gpu.flops * gpu.flopsShare * gpus) / 1e9;
  const reduce = gpus > 1 ? 2 * gpu.allReduceMicros : 0;
  const fixedNs = model.layers * (gpu.layerMicros + reduce) * 1000;
  const weightNs = model.weightBytes / bytesPerNs;
  const cacheNs = model.cacheBytesPerPosition / bytesPerNs;
  const stateNs = (model.stateBytes ?? 0) / bytesPerNs;
  const tokenNs = (2 * model.parameters) / flopsPerNs;
  const { experts = [], cacheBytesAt } = model;
  // Experts are taken to be chosen alike and each by itself.
  const unreadNs = (batch: number) =>
    experts.reduce((sum, { bytes, missed }) => sum + bytes * missed ** batch, 0) / bytesPerNs;
  const cachesNs = (total: number, mean: number) =>
    cacheBytesAt === undefined || mean === 0
      ? total * cacheNs
      : ((total / mean) * cacheBytesAt(Math.round(mean))) / bytesPerNs;
  return (batch, { total, mean }) => {
    const readNs = weightNs - unreadNs(batch) + cachesNs(total, mean) + batch * stateNs;
    return Math.round(fixedNs + Math.max(readNs, batch * tokenNs));
  };
}

/** Positions of KV cache that fit next to the weights, a tenth of the memory left for activations. */
export function rooflineCache(gpu: GpuSpec, model: ModelSize, gpus: number): number {
  const bytes = 0.9 * gpu.memoryBytes * gpus - model.weightBytes;
  return Math.max(0, Math.floor(bytes / model.cacheBytesPerPosition));
}

/** Fewest GPUs, a power of two up to 64, that hold the weights and `positions` of cache. */
export function gpusNeeded(gpu: GpuSpec, model: ModelSize, positions: number): number | undefined {
  for (let gpus = 1; gpus <= 64; gpus *= 2)
    if (rooflineCache(gpu, model, gpus) >= positions) return gpus;
  return undefined;
}

/**
 * The roofline against published decode rates of A100 servers. The A100 file's shares and times were
 * chosen with these rates in sight, so the errors only say how well one set of them fits all.
 */
export interface RooflineCheck {
  model: string;
  gpus: number;
  /** Tokens per second of one user. */
  published: number;
  predicted: number;
  /** predicted / published - 1. */
  error: number;
  source: string;
}

const SOURCE = 'WaferLLM (OSDI 2025), decode of SGLang on A100';
const CONTEXT = 4096;

/** Sizes from the published configurations, 16-bit weights and cache. */
const LLAMA3_8B = sizeOf(8.03e9, 32, 8 * 128);
const QWEN2_72B = sizeOf(72.7e9, 80, 8 * 128);

const RATES: [name: string, model: ModelSize, gpus: number, published: number][] = [
  ['Llama3-8B', LLAMA3_8B, 1, 78.9],
  ['Llama3-8B', LLAMA3_8B, 8, 260.4],
  ['QWen2-72B', QWEN2_72B, 1, 10.6],
  ['QWen2-72B', QWEN2_72B, 8, 51.2],
];

/** Predictions next to the published rates; none for a GPU without any. */
export function rooflineChecks(gpu: GpuSpec): RooflineCheck[] {
  if (gpu.name !== 'A100') return [];
  const contexts = { mean: CONTEXT, max: CONTEXT, total: CONTEXT };
  return RATES.map(([model, size, gpus, published]) => {
    const predicted = 1e9 / rooflineStepTime(gpu, size, gpus)(1, contexts);
    return { model, gpus, published, predicted, error: predicted / published - 1, source: SOURCE };
  });
}

function sizeOf(parameters: number, layers: number, kvWidth: number): ModelSize {
  const cacheBytesPerPosition = layers * 2 * kvWidth * 2;
  return { weightBytes: 2 * parameters, cacheBytesPerPosition, parameters, layers };
}
