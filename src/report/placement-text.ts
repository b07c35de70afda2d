/** Where a model lies, as text: regions that are alike in a row, their memory, and how they were found. */
import type { PlacementResult, RegionResult, SearchResult } from './document.js';
import { bytes, count, numbered, ranges, runsOf, stemOf, table } from './format.js';
import { fewerWafersLine } from './fewer-wafers-line.js';
import { draftPlaceText } from './speculation-text.js';

/** Regions with what they take of the cores and their memory, and how they were found. */
export function placementText(placement: PlacementResult): string {
  const row = (group: RegionResult[], of = '') => {
    const region = group[0];
    return [
      of + ranges(group.map(({ name }) => name)),
      count(group.length),
      waferList(group),
      `${region.width} x ${region.height}`,
      count(group.length * region.width * region.height),
      memory(region.sramBytesPerCore, placement.sramBytesPerCore),
    ];
  };
  const rows = [
    ...groups(placement.regions).map((group) => row(group)),
    ...groups(placement.draft?.regions ?? []).map((group) => row(group, 'draft ')),
  ];
  const head = ['region', 'count', 'wafer', 'cores x by y', 'cores', 'SRAM per core'];
  const used = placement.coresAvailable
    ? `${count(placement.coresUsed)} of ${count(placement.coresAvailable)} cores`
    : `${count(placement.coresUsed)} cores`;
  const peak = memory(placement.sramPeakBytesPerCore, placement.sramBytesPerCore);
  const lines = [`${used}; SRAM ${bytes(placement.sramUsedBytes)} in all, fullest core ${peak}`];
  const draft = draftPlaceText(placement);
  if (draft !== undefined) lines.push(draft);
  if (placement.defects) lines.push(dead(placement.defects));
  const fewer = placement.fewerWafers ? fewerWafersLine(placement.fewerWafers) : '';
  if (fewer !== '') lines.push(fewer);
  if (placement.search) lines.push(searched(placement.search));
  if (placement.estimate?.bound !== undefined) lines.push(proved(placement.estimate));
  return [table(head, rows), ...lines.map((line) => `  ${line}`)].join('\n');
}

/** Dead cores, and what doing without them does to the machine; what it costs is in the cycles. */
function dead(defects: NonNullable<PlacementResult['defects']>): string {
  const { repair, deadCores, longestLinkHops } = defects;
  const cores = `${count(deadCores)} dead core${deadCores === 1 ? '' : 's'}`;
  return repair === 'avoid'
    ? `${cores}, which no region holds; their routers still pass wavelets, so no path is longer`
    : `${cores}, rows moved on to spares; links that lead past them are simulated with up to ` +
        `${count(longestLinkHops)} hops`;
}

/** What an exact search has proved of the layout; by the estimate, since nothing else is searched. */
export function proved({ handOffCycles, bound }: NonNullable<PlacementResult['estimate']>): string {
  const cost = `hand-offs estimated at ${count(handOffCycles)} cycles`;
  return bound !== undefined && bound < handOffCycles
    ? `${cost}; the search was cut short, no layout costs fewer than ${count(bound)}`
    : `${cost}, proved to be the fewest`;
}

/** How the layers' shape and groups were found. */
function searched(search: SearchResult): string {
  const { rows, layerColumns, kvReplicas, groups: of } = search;
  const { candidates, simulated, groupsTried } = search;
  const wide =
    typeof layerColumns === 'object'
      ? `attention of ${layerColumns.attention} x ${rows} cores, MLPs of ${layerColumns.mlp} x ${rows}`
      : `layers of ${layerColumns} x ${rows} cores`;
  const groups = of && `, groups ${of.column} on columns, ${of.row} on rows, ${of.head} on heads`;
  const held =
    kvReplicas === undefined
      ? ''
      : `, each KV head in ${kvReplicas} KV group${kvReplicas === 1 ? '' : 's'}`;
  const tried = groups === undefined ? '' : `, and of ${count(groupsTried)} sets of groups`;
  return (
    `${wide}${held}${groups ?? ''}: fastest of ${count(simulated)} shapes simulated, of ` +
    `${count(candidates)} that fit${tried}`
  );
}

function memory(used: number, size: number | undefined): string {
  return size === undefined ? bytes(used) : `${bytes(used)} of ${bytes(size)}`;
}

/** Regions of a token's path with equal names (but for a number) and equal shapes. */
function groups(all: RegionResult[]): RegionResult[][] {
  const key = (r: RegionResult) =>
    [stemOf(numbered(r.name)), r.width, r.height, r.sramBytesPerCore].join(' ');
  return runsOf(
    all,
    ({ name }) => numbered(name),
    (a, b) => key(a) === key(b),
  );
}

function waferList(group: RegionResult[]): string {
  const [first, last] = [group[0].wafer, group.at(-1)!.wafer];
  return first === last ? `${first}` : `${first} to ${last}`;
}
