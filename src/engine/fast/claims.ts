/**
 * Which cycles of a link are taken. Where streams are followed one by one this is what shows that two
 * of them met: then, and only then, did anybody have to be refused. Cycles are kept as disjoint
 * intervals per link, latest first, since most claims are later than all others.
 */
import { newNode, type Pool } from './runs.js';

const TO = 1;
const NEXT = 2;

/** Claims `count` cycles from `from` on; false if one of them was taken. */
export function claim(
  pool: Pool,
  latest: Int32Array,
  link: number,
  from: number,
  count: number,
): boolean {
  const to = from + count;
  let later = -1;
  let node = latest[link];
  const { nodes } = pool;
  while (node >= 0 && nodes[node] >= to) {
    later = node;
    node = nodes[node + NEXT];
  }
  // Here `node` is the latest interval that starts before `to`, and `later` the one after it.
  if (node >= 0 && nodes[node + TO] > from) return false;
  if (node >= 0 && nodes[node + TO] === from) {
    nodes[node + TO] = to;
    return true;
  }
  if (later >= 0 && nodes[later] === to) {
    nodes[later] = from;
    return true;
  }
  const fresh = newNode(pool);
  pool.nodes[fresh] = from;
  pool.nodes[fresh + TO] = to;
  pool.nodes[fresh + NEXT] = node;
  if (later < 0) latest[link] = fresh;
  else pool.nodes[later + NEXT] = fresh;
  return true;
}
