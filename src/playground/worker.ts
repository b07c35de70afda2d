/** The playground's worker: it resolves and simulates what the page asks for, and sends back what is to be shown. */
import { kernel, loadConfig, record, simulate } from '../browser.js';
import type { ResolvedConfig, RunDetail } from '../browser.js';
import { readKernelLine } from './kernel-line.js';
import type { Answer, Asked, KernelAnswer, KernelAsked, Request, RunResult } from './messages.js';
import { pathSteps } from '../report/path-steps.js';
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
      await runKernel(request, (message) => say({ id, ...message }));
    else {
      const { config, withoutNumbers } = timed(request);
      const { cores } = factsOf(config);
      if (cores > request.mostCores) return say({ id, what: 'large', cores });
      const result = await run(config, onProgress);
      if (withoutNumbers)
        result.headline.push(['numbers', 'left out: times do not depend on them']);
      const numbers = result.wafers.flatMap(({ values }) => values.map(({ buffer }) => buffer));
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
function timed(asked: Asked): { config: ResolvedConfig; withoutNumbers: boolean } {
  const config = loadConfig(source(asked));
  const { prompt, placement, workload } = config;
  // Unless they choose experts that lie apart, or how many drafted tokens are right.
  const matter = prompt !== undefined || placement.experts === 'strips' || workload.speculation;
  if (!workload.data || matter) return { config, withoutNumbers: false };
  const sets = [...asked.sets, 'workload.data=false'];
  return { config: loadConfig(source({ ...asked, sets })), withoutNumbers: true };
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

/** What a page decodes in some ten milliseconds. */
const MOST = { mostCycles: 4_000, mostBytes: 2 ** 17 };

async function runKernel(
  { line, sets }: KernelAsked,
  say: (message: KernelAnswer) => void,
): Promise<void> {
  const { name, options, ...machine } = readKernelLine(line);
  const on = { ...machine, sets: [...machine.sets, ...sets], path: true };
  const document = await kernel(name, options, on);
  say({ what: 'ranKernel', result: kernelResult(document) });
  const path = pathSteps(document.criticalPath ?? []);
  say({ what: 'recorded', recording: record(document, MOST), path });
}
