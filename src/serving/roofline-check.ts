/**
 * The roofline against published decode rates of A100 servers. The A100 file's shares and times were
 * chosen with these rates in sight, so the errors say how well one set of them fits all, no more.
 */
import { rooflineStepTime, type GpuSpec, type ModelSize } from './roofline.js';

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

/** Predictions beside the published rates; none for a GPU without any. */
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
