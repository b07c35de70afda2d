/** Where a model lies, and what its memory holds. */
import * as z from 'zod';
import type { FewerWafers } from '../../placement/fewer-wafers.js';
import type { Located, Placement } from '../../placement/placement.js';
import { schemaOf } from './parts.js';

const located = schemaOf<Located>()(
  z.strictObject({
    wafer: z.number(),
    x: z.number(),
    y: z.number(),
    width: z.number(),
    height: z.number(),
    sramBytesPerCore: z.number(),
  }),
);

const fewerWafers = schemaOf<FewerWafers>()(
  z
    .strictObject({
      codeBytes: z.number().describe("Bytes of stack and code in a layer's core as it is."),
      withCode: z
        .array(z.strictObject({ wafers: z.number(), codeBytes: z.number() }))
        .describe(
          'For each smaller number of wafers on which it can fit so: bytes of stack and code at most.',
        ),
      in8Bits: z
        .number()
        .exactOptional()
        .describe("Wafers with 8-bit weights, if the model's are wider and fewer wafers then do."),
      settingFor8Bits: z.string().exactOptional().describe('What asks for them.'),
      fewerBits: z
        .array(z.strictObject({ setting: z.string(), wafers: z.number() }))
        .exactOptional()
        .describe('Settings for still fewer bits, each with fewer wafers than the one before.'),
      anywhere: z
        .number()
        .exactOptional()
        .describe(
          'Wafers with regions wherever there is room and not one after the other, if fewer are given.',
        ),
      strips: z
        .strictObject({ wafers: z.number(), anywhere: z.number().exactOptional() })
        .exactOptional()
        .describe(
          'Wafers with experts in strips, if fewer then do; and of these with regions wherever there is room.',
        ),
      split: z
        .number()
        .exactOptional()
        .describe(
          "Wafers with whole layers' attention and MLP in regions of their own, if fewer then do.",
        ),
    })
    .describe(
      'What would have to shrink for a model to fit on fewer wafers: the stack and code that every core keeps in addition to its data (a parameter of the hardware file, machine-model section 1), all else as it is; and how many wafers 8-bit weights would take. Found by trying the placement itself.',
    ),
);

export const regionResult = z.strictObject({
  ...located.shape,
  kvReplicas: z
    .number()
    .exactOptional()
    .describe('KV groups that hold each KV head, where there is more than one.'),
  strips: z
    .number()
    .exactOptional()
    .describe('Strips of columns with as many experts each, where there is more than one.'),
  name: z.string(),
});
export type RegionResult = z.infer<typeof regionResult>;

export const draftPlacementResult = z
  .strictObject({
    model: z.string(),
    shared: z.boolean(),
    wafers: z.number().describe('Of its own; 0 if shared.'),
    regions: z.array(regionResult),
    coresUsed: z.number(),
    sramPeakBytesPerCore: z.number(),
  })
  .describe(
    "Where the draft lies: in the lower rows of the model's wafers, or on wafers of its own, counted after those.",
  );
export type DraftPlacementResult = z.infer<typeof draftPlacementResult>;

export const searchResult = z
  .strictObject({
    rows: z.number(),
    layerColumns: z.union([z.number(), z.strictObject({ attention: z.number(), mlp: z.number() })]),
    kvReplicas: z
      .number()
      .exactOptional()
      .describe("KV groups that hold each KV head, where others than the estimate's are faster."),
    groups: z
      .strictObject({ column: z.number(), row: z.number(), head: z.number() })
      .exactOptional()
      .describe('Of whole layers; those of split ones are the fastest on each line.'),
    cycles: z.number(),
    candidates: z
      .number()
      .describe('Shapes that fit, shapes that were simulated, and sets of groups tried in place.'),
    simulated: z.number(),
    groupsTried: z.number(),
    replicasTried: z
      .number()
      .exactOptional()
      .describe('Numbers of KV replicas tried in place, where some were.'),
  })
  .describe(
    "The layers' shape and the groups on their lines, simulated cycles of a token, and what was tried.",
  );
export type SearchResult = z.infer<typeof searchResult>;

export const placementResult = z.strictObject({
  strategy: z.string(),
  layers: schemaOf<Placement['layers']>()(z.enum(['whole', 'split']))
    .exactOptional()
    .describe('Whether a layer is one region, or one for its attention and one for its MLP.'),
  latent: schemaOf<NonNullable<Placement['latent']>>()(z.enum(['expanded', 'latent']))
    .exactOptional()
    .describe(
      'What the caches of latent attention have: keys and values of every head, or latent vectors.',
    ),
  regions: z.array(regionResult),
  coresUsed: z.number(),
  sramUsedBytes: z.number(),
  sramPeakBytesPerCore: z.number(),
  sramBytesPerCore: z
    .number()
    .exactOptional()
    .describe('What a core has, and how many cores the wafers in use have.'),
  coresAvailable: z.number().exactOptional(),
  defects: schemaOf<NonNullable<Placement['defects']>>()(
    z.strictObject({
      repair: z.enum(['spares', 'avoid']),
      deadCores: z.number(),
      longestLinkHops: z.number(),
    }),
  )
    .exactOptional()
    .describe('On wafers with dead cores: how many, and the hops of the longest link past some.'),
  wafers: z.number().exactOptional().describe('All in use, those of a draft included.'),
  draft: draftPlacementResult
    .exactOptional()
    .describe(
      'With speculation by a model or a layer: all else here is of the model whose tokens are verified.',
    ),
  fewerWafers: fewerWafers
    .exactOptional()
    .describe('With several wafers: what would have to shrink for fewer.'),
  estimate: z
    .strictObject({ handOffCycles: z.number(), bound: z.number().exactOptional() })
    .exactOptional()
    .describe(
      'What the strategy weighed: estimated cycles of all hand-offs, nothing simulated; after an exact search also the least that any layout of these regions costs by that estimate, where that was proved.',
    ),
  search: searchResult.exactOptional().describe('With `growth: search`.'),
});
export type PlacementResult = z.infer<typeof placementResult>;
