/** Synthetic workloads: open arrivals, a closed loop of users, and agent sessions, from a named seed. */
import { seededRandom } from '../numeric/random.js';
import type { Request } from './request.js';

type Random = () => number;

/** Tokens of a request: log-normal with this mean and coefficient of variation (0: always the mean). */
export interface Length {
  mean: number;
  cv: number;
}

export interface OpenArrivals {
  process: 'poisson' | 'gamma' | 'fixed';
  /** Requests per second. */
  rate: number;
  /** Shape of the gaps, for `gamma`, as vLLM's --burstiness: 1 is Poisson, below 1 comes in bursts. */
  burstiness: number;
}

export interface Lengths {
  prompt: Length;
  output: Length;
}

/** Requests that arrive independently of the server. */
export function openArrivals(
  count: number,
  { process, rate, burstiness }: OpenArrivals,
  lengths: Lengths,
  seed: string,
): Request[] {
  const times = seededRandom(`arrivals ${seed}`);
  const sizes = seededRandom(`lengths ${seed}`);
  const shape = process === 'gamma' ? burstiness : 1;
  let time = 0;
  return Array.from({ length: count }, (_, id) => {
    const gap = process === 'fixed' ? 1 : gamma(shape, times) / shape;
    if (id > 0) time += gap / rate;
    return { id, arrivalNs: Math.round(time * 1e9), ...lengthsOf(lengths, sizes) };
  });
}

/** Users that each send their next request `thinkSeconds` after the answer to the last one. */
export function closedLoop(
  count: number,
  users: number,
  thinkSeconds: number,
  lengths: Lengths,
  seed: string,
): Request[] {
  const sizes = seededRandom(`lengths ${seed}`);
  const thinkNs = Math.round(thinkSeconds * 1e9);
  return Array.from({ length: count }, (_, id) => {
    const follows = id >= users ? { after: id - users, thinkNs } : {};
    return { id, arrivalNs: 0, ...follows, ...lengthsOf(lengths, sizes) };
  });
}

export interface Sessions {
  /** New sessions per second. */
  rate: number;
  turns: number;
  /** Context of the first turn: system prompt, tools and files. */
  firstPrompt: Length;
  /** What a turn adds to the answer before it: results of tools, the user's words. */
  turnPrompt: Length;
  output: Length;
  /** Exponential; between a turn's answer and the next turn. */
  toolSeconds: number;
  /** A session ends before its context would be longer. */
  maxContext: number;
}

/** Agent sessions: every turn sends the context so far, then the tools run. */
export function agentSessions(count: number, options: Sessions, seed: string): Request[] {
  const random = seededRandom(`sessions ${seed}`);
  const requests: Request[] = [];
  let start = 0;
  for (let session = 0; requests.length < count; session++) {
    if (session > 0) start += gamma(1, random) / options.rate;
    let history = 0;
    for (let turn = 0; turn < options.turns && requests.length < count; turn++) {
      const added = length(turn === 0 ? options.firstPrompt : options.turnPrompt, random);
      const outputTokens = length(options.output, random);
      const thinkNs = Math.round(gamma(1, random) * options.toolSeconds * 1e9);
      const promptTokens = history + added;
      if (turn > 0 && promptTokens + outputTokens > options.maxContext) break;
      const id = requests.length;
      const place =
        turn === 0
          ? { arrivalNs: Math.round(start * 1e9) }
          : { arrivalNs: 0, after: id - 1, thinkNs };
      requests.push({ id, ...place, promptTokens, outputTokens, session, historyTokens: history });
      history = promptTokens + outputTokens;
    }
  }
  return requests;
}

function lengthsOf({ prompt, output }: Lengths, random: Random) {
  return { promptTokens: length(prompt, random), outputTokens: length(output, random) };
}

/** At least 1. */
function length({ mean, cv }: Length, random: Random): number {
  if (cv === 0) return Math.max(1, Math.round(mean));
  const variance = Math.log(1 + cv * cv);
  const value = Math.exp(Math.log(mean) - variance / 2 + Math.sqrt(variance) * normal(random));
  return Math.max(1, Math.round(value));
}

/** Marsaglia and Tsang (2000): a gamma variate of this shape and scale 1. */
function gamma(shape: number, random: Random): number {
  if (shape === 1) return -Math.log(1 - random());
  if (shape < 1) return gamma(shape + 1, random) * (1 - random()) ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = normal(random);
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - random()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}

/** Box and Muller (1958). */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
