/**
 * Memory images of a region's cores before the first token: weights cut into the slices that shapes.ts
 * describes, with zeros where padded, and caches with what earlier tokens left.
 * Needed only by runs that compute; a run that is only timed has no images.
 */
import type { CostTable } from '../hardware/wafer.js';
import type { Weights } from '../model/model-weights.js';
import type { ModelSpec } from '../model/model.js';
import type { ChosenPositions } from '../model/plain/decoder.js';
import type { Region } from '../placement/placement.js';
import { tableMatrix } from '../mapping/matrices.js';
import { hasAttention, isLayerKind, isOfLayer } from '../mapping/mapping.js';
import { layerBuffers, tableBuffers } from '../mapping/buffers.js';
import { layerShape, tableShape } from '../mapping/shapes.js';
import { rootOf } from '../kernels/line.js';
import { layOut } from '../program/builder.js';
import { joiningRegion, normedIn } from './hidden-state.js';
import { layerImages } from './layer-images.js';
import type { ExpertOrders, LayerCache, Lowered, Memory } from './lowering.js';
import type { Step } from './region.js';
import { consecutive, dimsOf, eachDim, fillSlice, normWeight } from './stored.js';
import { chosenBy, headOf } from './token.js';

/** The memory of all regions; the wafer itself embeds a token and leaves its choice in the head's memory. */
export function gqaMemory(
  { model, wafer, placement, groupsOf, expertOrders = [] }: Lowered,
  { maxPositions, users, inFlight }: Step,
  weights: Weights,
  caches: LayerCache[],
): Memory {
  const { regions } = placement;
  const { costs } = wafer;
  const of = inFlight?.of;
  const round = of !== undefined && of > 1 ? { index: 0, of } : undefined;
  const images = regions.map((region) => {
    if (!isOfLayer(region)) return tableImages(model, region, weights, costs, of);
    const { layer, layerKind } = region;
    const source = {
      costs,
      spec: model.kinds[layerKind],
      weights: weights.layers[layer],
      cache: caches[layer],
      expertOrder: expertOrders[layer],
      rowRoot: rootOf(region.width, Math.min(groupsOf(region).row, region.width)),
    };
    return layerImages(model, region, maxPositions, source, users, of);
  });
  const chosen = chosenBy(model, placement, groupsOf, round);
  const room = { maxPositions, inFlight: of };
  const chosenAt = choicesIn(model, regions, room, images, expertOrders);
  const index = headOf(placement);
  const head = regions[index];
  const firstCore = (chosen.y - head.y) * head.width;
  const core = images[index][firstCore + chosen.x - head.x];
  const joining = joiningIn(model, regions, room);
  const { cell: normedAt } = normedIn(model, head, of);
  return {
    images,
    head: 'wafer',
    begin(token, inRound) {
      const { cell } = chosenBy(model, placement, groupsOf, round && { ...round, ...inRound });
      core[cell] = token;
      if (inRound?.accepted !== undefined) core[cell + 1] = inRound.accepted;
    },
    ...(joining && {
      bring(hidden, number) {
        const { region, shape, at, place } = joining;
        const first = number === undefined ? at.hidden : at.states + number * shape.dims;
        for (let row = 0; row < region.height; row++)
          for (let x = 0; x < region.width; x++) {
            const image = images[place][row * region.width + x];
            eachDim(model, shape, row, (d, dim) => (image[first + d] = hidden[dim]));
            if (number !== undefined) image[at.stateNumber] = number;
          }
      },
    }),
    hidden() {
      const shape = tableShape(model, head.height, head.width, of);
      const state = new Float64Array(model.dim);
      for (let row = 0; row < head.height; row++)
        eachDim(model, shape, row, (d, dim) => {
          state[dim] = images[index][row * head.width][normedAt + d];
        });
      return state;
    },
    ...(round && {
      verified() {
        const { cell } = chosenBy(model, placement, groupsOf, round);
        return { token: core[cell], accepted: core[cell + 1] };
      },
    }),
    outcome() {
      const onRootsRow = images[index].slice(firstCore, firstCore + head.width);
      const logits = logitsOf(model, head, onRootsRow, of);
      const experts: number[][] = [];
      for (const i of regions.keys()) {
        const found = chosenAt(i);
        if (found) [experts[found.layer]] = found.choices();
      }
      const positions = positionsIn(model, regions, room, images);
      return { logits, chosen: core[chosen.choice], experts, positions };
    },
    chosenAt,
  };
}

/** Positions, and tokens of a round, for which regions have room. */
interface Room {
  maxPositions: number;
  inFlight: number | undefined;
}

/** The region whose layer joins a hidden state to its token, and where its cores have that, if there is one. */
function joiningIn(model: ModelSpec, regions: Region[], { maxPositions, inFlight }: Room) {
  const found = joiningRegion(model, regions);
  if (found === undefined) return undefined;
  const { region } = found;
  const { width, height, kind } = region;
  const spec = model.kinds[region.layerKind];
  const shape = layerShape(model, spec, maxPositions, height, width, 1, region, inFlight);
  return { ...found, shape, at: layOut(layerBuffers(model, spec, shape, kind)).at };
}

/** Finds the experts that each core of a region has for the last token, right after its slices. */
function choicesIn(
  model: ModelSpec,
  regions: Region[],
  { maxPositions, inFlight }: Room,
  images: Float32Array[][],
  orders: ExpertOrders,
): NonNullable<Memory['chosenAt']> {
  return (place) => {
    const region = regions[place];
    // A port has none.
    if (region === undefined || !isOfLayer(region)) return undefined;
    const spec = model.kinds[region.layerKind];
    const { mlp } = spec;
    if (mlp.kind !== 'experts') return undefined;
    const { layer } = region;
    const { kind, width, height } = region;
    const shape = layerShape(model, spec, maxPositions, height, width, 1, region, inFlight);
    const { at } = layOut(layerBuffers(model, spec, shape, kind));
    const first = at.choice;
    const choices = function* () {
      const order = orders[layer];
      for (const image of images[place]) {
        const numbers = [...image.slice(first, first + mlp.topK)];
        yield order ? numbers.map((at) => order[at] ?? at) : numbers;
      }
    };
    return { layer, choices };
  };
}

/** By layer: the positions that its indexer chose for the last token, as the first column has them. */
function positionsIn(
  model: ModelSpec,
  regions: Region[],
  { maxPositions, inFlight }: Room,
  images: Float32Array[][],
): ChosenPositions {
  const found: number[][] = [];
  for (const [place, region] of regions.entries()) {
    if (!isOfLayer(region) || !hasAttention(region.kind)) continue;
    const spec = model.kinds[region.layerKind];
    const { kind, width, height, layer } = region;
    const shape = layerShape(model, spec, maxPositions, height, width, 1, region, inFlight);
    if (shape.kind !== 'latent' || !shape.selection?.chooses) continue;
    const { chosen } = layOut(layerBuffers(model, spec, shape, kind)).at;
    found[layer] = Array.from({ length: maxPositions }, (_, p) => p).filter(
      (p) => images[place][(p % height) * width][chosen + Math.floor(p / height)] > 0,
    );
  }
  return found;
}

/** The logits as they lie in the memory of the head's cores, on the row of its roots. */
function logitsOf(
  model: ModelSpec,
  region: Region,
  cores: Float32Array[],
  inFlight?: number,
): Float32Array {
  const { kind, width, height } = region;
  if (isLayerKind(kind)) throw new TypeError('the last region is no head');
  const shape = tableShape(model, height, width, inFlight);
  const { entries } = shape;
  const { at } = layOut(tableBuffers(model, shape, kind));
  return Float32Array.from({ length: model.vocab }, (_, entry) => {
    return cores[Math.floor(entry / entries)][at.logits + (entry % entries)];
  });
}

/** Images of the cores of the embedding, the head or both. */
export function tableImages(
  model: ModelSpec,
  region: Pick<Region, 'width' | 'height' | 'kind'>,
  weights: Weights,
  costs: CostTable,
  inFlight?: number,
): Float32Array[] {
  const { width, height, kind } = region;
  if (isLayerKind(kind)) throw new TypeError('a layer region holds no table');
  const shape = tableShape(model, height, width, inFlight);
  const { buffers, at } = layOut(tableBuffers(model, shape, kind));
  const last = buffers.at(-1)!;
  const of = kind === 'embedding' ? weights.embedding : weights.head;
  const slice = tableMatrix(model, shape);
  const images: Float32Array[] = [];
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++) {
      const image = new Float32Array(last.at + last.length);
      eachDim(model, shape, row, (d, dim) => {
        if (at.norm !== undefined) image[at.norm + d] = normWeight(model, weights.finalNorm[dim]);
      });
      const held = consecutive(column * shape.entries, shape.entries, model.vocab);
      fillSlice({ image, at, model, costs }, slice, {
        width: model.dim,
        inputs: dimsOf(model, shape, row),
        outputs: held.map((output) => ({ of, output })),
      });
      images.push(image);
    }
  return images;
}
