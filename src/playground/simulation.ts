/** The worker as the page sees it: one question at a time, then the last one that was asked meanwhile. */
import type { Answer, Request } from './messages.js';

/** Without the number that is counted here. */
export type Question = Request extends infer R
  ? R extends { id: number }
    ? Omit<R, 'id'>
    : never
  : never;

export interface Simulation {
  /** Asks, now or once the question before has its answer; one that takes long is ended for it. */
  ask(question: Question): void;
  /** Ends what is under way, at once. */
  cancel(): void;
}

/** Milliseconds that a question may take on when another waits: small machines have their answer by then. */
const PATIENCE = 1_000;
const NOTHING: Transferable[] = [];

/**
 * @param code of the worker, a classic script
 * @param onAnswer receives what the worker says, and whether nothing else waits
 */
export function startSimulation(
  code: string,
  onAnswer: (answer: Answer, isLast: boolean) => void,
): Simulation {
  const url = URL.createObjectURL(new Blob([code], { type: 'text/javascript' }));
  let id = 0;
  let [isBusy, isLong] = [false, false];
  let next: Question | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let worker = start();

  function start(): Worker {
    const started = new Worker(url);
    started.addEventListener('message', ({ data }: MessageEvent<Answer>) => receive(data));
    started.addEventListener('error', ({ message }) =>
      receive({ id, what: 'failed', why: `the worker failed: ${message}` }),
    );
    return started;
  }

  function post(question: Question): void {
    [isBusy, isLong] = [true, false];
    timer = setTimeout(() => {
      isLong = true;
      if (next) restart();
    }, PATIENCE);
    worker.postMessage({ ...question, id: ++id } satisfies Request, NOTHING);
  }

  function postNext(): void {
    clearTimeout(timer);
    isBusy = false;
    const waiting = next;
    next = undefined;
    if (waiting) post(waiting);
  }

  function receive(answer: Answer): void {
    if (answer.id !== id) return;
    if (answer.what === 'progress') return onAnswer(answer, next === undefined);
    const isLast = next === undefined;
    postNext();
    onAnswer(answer, isLast);
  }

  function restart(): void {
    id++;
    worker.terminate();
    worker = start();
    postNext();
  }

  return {
    ask(question) {
      if (!isBusy) return post(question);
      next = question;
      if (isLong) restart();
    },
    cancel() {
      next = undefined;
      restart();
    },
  };
}
