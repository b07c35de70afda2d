/**
 * The rules of a legal placement, checked from the finished rectangles alone: it shares no code with
 * the strategies and the choice of sizes, and counts the model's bytes from its published dimensions.
 */
import { deadCores } from '../../src/hardware/defects.js';
import type { WaferSpec } from '../../src/hardware/wafer.js';
import type { ModelSpec } from '../../src/model/model.js';
import type { Placement, Region } from '../../src/placement/placement.js';
import { sizesOf } from './small-model.js';

/** What breaks a rule, one line each; empty if the placement is legal. For mapping `gqa`. */
export function checkPlacement(
  placement: Placement,
  model: ModelSpec,
  wafer: WaferSpec,
  positions: number,
): string[] {
  const { regions, layers } = placement;
  return [
    ...checkOrder(regions, model, layers),
    ...regions.flatMap((region) => checkInside(region, wafer, placement.wafers)),
    ...checkOverlap(regions),
    ...regions.flatMap((region) => checkMemory(region, model, wafer, positions)),
    ...regions.flatMap((region) => checkAlive(region, wafer)),
  ];
}

function checkOrder(regions: Region[], model: ModelSpec, form: Placement['layers']): string[] {
  const layers = model.layers.flatMap((_, i) =>
    form === 'split' ? [`attention ${i}`, `mlp ${i}`] : [`layer ${i}`],
  );
  const expected = model.tied ? ['embedding+head', ...layers] : ['embedding', ...layers, 'head'];
  const found = regions.map((r) => ('layer' in r ? `${r.kind} ${r.layer}` : r.kind));
  const problems: string[] = [];
  if (found.join() !== expected.join()) problems.push(`regions are ${found.join()}`);
  regions.forEach((r, i) => {
    if (i > 0 && r.wafer < regions[i - 1].wafer) problems.push(`${r.name} is on an earlier wafer`);
    if (r.height !== regions[0].height) problems.push(`${r.name} has another height`);
  });
  return problems;
}

function checkInside(r: Region, wafer: WaferSpec, wafers: number): string[] {
  const whole = [r.x, r.y, r.width, r.height, r.wafer].every(Number.isInteger);
  const inside =
    whole &&
    r.wafer >= 0 &&
    r.wafer < wafers &&
    (wafer.wafers === 'auto' || wafers <= wafer.wafers) &&
    r.x >= 0 &&
    r.y >= 0 &&
    r.width >= 1 &&
    r.height >= 1 &&
    r.x + r.width <= wafer.width &&
    r.y + r.height <= wafer.height;
  return inside ? [] : [`${r.name} is outside the wafer`];
}

function checkOverlap(regions: Region[]): string[] {
  const problems: string[] = [];
  regions.forEach((a, i) => {
    for (const b of regions.slice(i + 1)) {
      const apart =
        a.wafer !== b.wafer ||
        a.x + a.width <= b.x ||
        b.x + b.width <= a.x ||
        a.y + a.height <= b.y ||
        b.y + b.height <= a.y;
      if (!apart) problems.push(`${a.name} overlaps ${b.name}`);
    }
  });
  return problems;
}

/** A core must not hold more than it has, and all cores together at least the region's bytes. */
function checkMemory(r: Region, model: ModelSpec, wafer: WaferSpec, positions: number): string[] {
  const problems: string[] = [];
  if (r.sramBytesPerCore > wafer.core.sramBytes)
    problems.push(`${r.name} needs ${r.sramBytesPerCore} bytes of ${wafer.core.sramBytes}`);
  const { stack, runtime } = wafer.core.codeBytes;
  const held = (r.sramBytesPerCore - stack - runtime) * r.width * r.height;
  const value = model.dtype === 'f16' ? 2 : 4;
  const { dim, ffn, heads, kvHeads, headDim, vocab } = sizesOf(model);
  const bits = (elements: number) => (elements * model.weightBits) / 8;
  const cache = 2 * kvHeads * headDim * positions * value;
  const attention = bits(dim * headDim * (2 * heads + 2 * kvHeads)) + cache;
  const mlp = bits(3 * dim * ffn);
  const tables = bits(vocab * dim);
  const least = { layer: attention + mlp, attention, mlp, head: tables, embedding: tables }[
    r.kind === 'embedding+head' ? 'head' : r.kind
  ];
  if (held < least) problems.push(`${r.name} holds ${held} bytes of at least ${least}`);
  return problems;
}

/** No dead core works: none lies in the region, or each row has live cores enough to move on to. */
function checkAlive(r: Region, wafer: WaferSpec): string[] {
  const map = deadCores(wafer, r.wafer);
  if (map === undefined) return [];
  const problems: string[] = [];
  for (let y = Math.max(0, r.y); y < Math.min(r.y + r.height, wafer.height); y++) {
    const row = map.dead.subarray(y * map.columns, (y + 1) * map.columns);
    if (wafer.defects!.repair === 'avoid') {
      const x = row.indexOf(1, r.x);
      if (x >= 0 && x < r.x + r.width) problems.push(`${r.name} uses the dead core (${x},${y})`);
    } else if (row.filter((dead) => dead === 0).length < r.x + r.width)
      problems.push(`${r.name} has no live core for its last column in row ${y}`);
  }
  return problems;
}
