/** A document's schema as JSON Schema (draft-07). */
import * as z from 'zod';

/** The JSON that is printed: a figure that is none is null there. */
export function jsonSchemaOf(schema: z.ZodType, title: string): object {
  const { $schema, ...whole } = z.toJSONSchema(schema, {
    target: 'draft-7',
    io: 'output',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      // Only figures are read in two steps.
      if (!(zodSchema instanceof z.ZodPipe)) return;
      for (const key of ['anyOf', 'allOf', '$ref'] as const) delete jsonSchema[key];
      jsonSchema.type = ['number', 'null'] as never;
    },
  });
  return { $schema, title, ...whole };
}
