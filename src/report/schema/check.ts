/** What was computed next to a plain implementation. */
import * as z from 'zod';

export const checkResult = z.strictObject({
  logitsMaxRelativeError: z
    .number()
    .describe('max |difference| / max |logit| against a plain implementation of the model.'),
  tolerance: z.number(),
  choice: z
    .boolean()
    .exactOptional()
    .describe(
      'Whether every chosen token is the first largest of the logits that it was chosen from.',
    ),
  wrongChoice: z
    .strictObject({
      step: z.number(),
      chosen: z.number().nullable(),
      largest: z.number().nullable(),
    })
    .exactOptional()
    .describe('The first step whose choice is not: null for what is no number.'),
  head: z
    .enum(['wafer', 'host'])
    .exactOptional()
    .describe('Where the head computes: on the wafer, or (mapping waferllm) on the host.'),
  users: z
    .strictObject({ checked: z.array(z.number()), of: z.number() })
    .exactOptional()
    .describe(
      'Users whose numbers were computed and checked, counted from 0, and how many there are.',
    ),
  expertsAgree: z
    .boolean()
    .exactOptional()
    .describe("Of models with experts: whether all choices are the plain implementation's."),
  expertChoices: z
    .strictObject({ agree: z.number(), of: z.number() })
    .exactOptional()
    .describe(
      "Choices of all layers for all tokens, and how many of them are the plain implementation's.",
    ),
  routingMargin: z
    .number()
    .exactOptional()
    .describe(
      'The least difference between the score of the last chosen expert and of the best one left out, over the largest score, of all these choices in the plain implementation. Left out where all experts are chosen.',
    ),
  wrongExperts: z
    .strictObject({
      token: z.number(),
      layer: z.number(),
      chosen: z.array(z.number().nullable()),
      expected: z.array(z.number()),
      margin: z.number(),
    })
    .exactOptional()
    .describe(
      'The first choice (layer and token counted from 0, prompt included) that differs and is no near tie.',
    ),
  positionsAgree: z
    .boolean()
    .exactOptional()
    .describe(
      "Of runs that leave positions out: whether all choices of positions are the plain implementation's.",
    ),
  positionChoices: z
    .strictObject({ agree: z.number(), of: z.number() })
    .exactOptional()
    .describe(
      "Choices of all layers with an indexer for all tokens, and how many are the plain implementation's.",
    ),
  selectionMargin: z
    .number()
    .exactOptional()
    .describe(
      'The least difference between the last score that is chosen and the next one, over the largest, of all these choices.',
    ),
  wrongPositions: z
    .strictObject({
      token: z.number(),
      layer: z.number(),
      chosen: z.number(),
      of: z.number(),
      extra: z.array(z.number()),
      missing: z.array(z.number()),
      margin: z.number(),
    })
    .exactOptional()
    .describe(
      'The first choice (layer and token counted from 0, prompt included) that differs and is no near tie: how many positions were chosen and how many should be; those that should not, and should be, in it, at most eight each.',
    ),
  roundedTo: z
    .number()
    .exactOptional()
    .describe(
      "Bits to which a checkpoint's weights were rounded, here and in the plain implementation, if fewer than it has.",
    ),
  roundedFormats: z
    .array(z.string())
    .exactOptional()
    .describe('The formats of those bits, in words.'),
  passed: z.boolean().exactOptional(),
});
export type CheckResult = z.infer<typeof checkResult>;
