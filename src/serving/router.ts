/**
 * A router by model in front of several servers: a request goes to the model that it names, or to one drawn by the
 * models' shares. Requests of one session, and those that follow one another, stay with the first one's model.
 */
import { seededRandom } from '../numeric/random.js';
import type { Request } from './request.js';

export interface Target {
  name: string;
  /** Its part of the requests that name no model, next to the parts of the others. */
  share: number;
}

/** What goes to one target: numbered 0, 1, ... as a server wants it, and each as it came. */
export interface Routed {
  requests: Request[];
  originals: Request[];
}

/**
 * @param requests with ids 0, 1, ...; one that names a model names a target
 * @param seed of the draws
 */
export function routed(
  requests: readonly Request[],
  targets: readonly Target[],
  seed: string,
): Routed[] {
  const draw = drawing(targets, seededRandom(`router ${seed}`));
  const lists: Routed[] = targets.map(() => ({ requests: [], originals: [] }));
  const targetOf = new Int32Array(requests.length);
  const numberOf = new Int32Array(requests.length);
  const ofSession = new Map<number, number>();
  for (const original of requests) {
    const { id, after, session, model } = original;
    const known = after === undefined ? ofSession.get(session ?? -1) : targetOf[after];
    const named = targets.findIndex(({ name }) => name === model);
    const target = known ?? (named >= 0 ? named : draw());
    if (session !== undefined) ofSession.set(session, target);
    const { requests: own, originals } = lists[target];
    targetOf[id] = target;
    numberOf[id] = own.length;
    originals.push(original);
    const follows = after === undefined ? {} : { after: numberOf[after] };
    own.push({ ...original, id: own.length, ...follows });
  }
  return lists;
}

/** Draws a target by its share. */
function drawing(targets: readonly Target[], random: () => number): () => number {
  const total = targets.reduce((sum, { share }) => sum + share, 0);
  return () => {
    let rest = random() * total;
    const found = targets.findIndex(({ share }) => (rest -= share) < 0);
    // Rounding may leave a little after the last one that has a share.
    return found >= 0 ? found : targets.findLastIndex(({ share }) => share > 0);
  };
}
