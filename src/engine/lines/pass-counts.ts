/** What a pass over all lines of a program adds up to. */
import { LINKS } from '../../hardware/mesh.js';
import type { Counts } from '../fast/load.js';
import type { LinesSent } from './divide.js';
import type { Pass } from './pass.js';

/** What the machine would have counted, but for what was sent over links (`sentIn`). */
export function countsOf(pass: Pass, { sent, delivered }: LinesSent): Counts {
  const { waitOutput, labelEnd, labelCore, hazards } = pass;
  // The next pass has the same memory.
  const end = pass.at.slice();
  const labels = { labelEnd, labelCore, ...waitedIn(pass) };
  return { end, waitOutput, ...labels, linkWavelets: NO_LINKS, sent, delivered, hazards };
}

const NO_LINKS = new Float64Array(0);

/** Core-cycles of waiting by label: equal lines, most of which come one after the other, are counted at once. */
function waitedIn({ results, waited }: Pass): Pick<Counts, 'labelWait' | 'labelWaitOutput'> {
  const labelWait = waited.slice();
  const labelWaitOutput = new Float64Array(waited.length);
  for (let l = 0, many = 1; l < results.length; l++, many++) {
    if (results[l + 1] === results[l]) continue;
    const { waits } = results[l];
    for (let i = 0; i < waits.length; i += 3) {
      labelWait[waits[i]] += many * waits[i + 1];
      labelWaitOutput[waits[i]] += many * waits[i + 2];
    }
    many = 0;
  }
  return { labelWait, labelWaitOutput };
}

/** What the lines of a pass sent over links; the same in every pass if no route changes. */
export function sentIn({ division, results, at }: Pass): LinesSent {
  if (division.counts !== undefined) return division.counts;
  let [sent, delivered, waveletHops] = [0, 0, 0];
  let changes = false;
  for (let l = 0; l < results.length; l++) {
    const { counts } = results[l];
    changes ||= division.lines[l].shape.changes;
    sent += counts.sent;
    delivered += counts.delivered;
    waveletHops += counts.hops;
  }
  const links = at.length * LINKS;
  // These are kept: where all together fit 32 bits, those of each link do.
  const wavelets = waveletHops < 2 ** 32 ? new Uint32Array(links) : new Float64Array(links);
  for (let l = 0; l < results.length; l++)
    addLinks(wavelets, results[l].counts.links, division.lines[l].routers);
  const all = { wavelets, waveletHops, sent, delivered };
  if (!changes) division.counts = all;
  return all;
}

/** Adds what a line sent. */
function addLinks(sums: LinesSent['wavelets'], links: Int32Array, routers: Int32Array): void {
  for (let i = 0; i < links.length; i += 3)
    sums[routers[links[i]] * LINKS + links[i + 1]] += links[i + 2];
}
