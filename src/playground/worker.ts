/** The playground's worker: it resolves and simulates what the page asks for, and sends back what is to be shown. */
import { kernel, loadConfig, simulate } from '../browser.js';
import type { ResolvedConfig, RunDetail } from '../browser.js';
import { readKernelLine } from './kernel-line.js';
import type { Answer, Asked, KernelAsked, KernelResult, Request, RunResult } from './messages.js';
import { factsOf, kernelResult, runResult } from './result.js';

/** The other end: a page talks to its worker in the same way. */
const page = globalThis as unknown as Worker;

page.addEventListener('message', ({ data }: MessageEvent<Request>) => void answer(data));

async function answer(request: Request): Promise<void> {
  const { id } = request;
  const say = (message: Answer, transfer: Transferable[] = []) =>
    page.postMessage(message, transfer);
  const onProgress = (progress: Progress) => say({ id, ...progressOf(progress) });
  try {
    if (request.what === 'resolve')
      say({ id, what: 'resolved', facts: factsOf(loadConfig(source(request))) });
    else if (request.what === 'kernel')
      say({ id, what: 'ranKernel', result: await runKernel(request) });
    else {
      const config = timed(request);
      const { cores } = factsOf(config);
      if (cores > request.mostCores) return say({ id, what: 'large', cores });
      const result = await run(config, onProgress);
      const numbers = result.maps.flatMap(({ values }) => values.map(({ buffer }) => buffer));
      say({ id, what: 'ran', result }, numbers as ArrayBuffer[]);
    }
  } catch (error) {
    say({ id, what: 'failed', why: error instanceof Error ? error.message : String(error) });
  }
}

interface Progress {
  done: number;
  total: number;
  what: string;
}

function progressOf({ done, total, what }: Progress) {
  return { what: 'progress', done, total, of: what } as const;
}

function source({ path, config, sets }: Asked) {
  return { text: config, path, sets };
}

/** A configuration to be timed: numbers take as long again, and times do not depend on them. */
function timed(asked: Asked): ResolvedConfig {
  const config = loadConfig(source(asked));
  const { prompt, placement, workload } = config;
  // Unless they choose experts that lie apart, or how many drafted tokens are right.
  const matter = prompt !== undefined || placement.experts === 'strips' || workload.speculation;
  if (!workload.data || matter) return config;
  return loadConfig(source({ ...asked, sets: [...asked.sets, 'workload.data=false'] }));
}

async function run(
  config: ResolvedConfig,
  onProgress: (progress: Progress) => void,
): Promise<RunResult> {
  let detail: RunDetail | undefined;
  const onDetail = (found: RunDetail) => (detail = found);
  const document = await simulate(config, { onProgress, onDetail });
  return runResult(document, detail!);
}

async function runKernel({ line, sets }: KernelAsked): Promise<KernelResult> {
  const { name, options, ...machine } = readKernelLine(line);
  const on = { ...machine, sets: [...machine.sets, ...sets], path: true };
  return kernelResult(await kernel(name, options, on));
}
