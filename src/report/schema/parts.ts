/** Parts of documents whose types rooms below have, where they are computed: the compiler holds both to each other. */
import * as z from 'zod';

/** Whether two types are one: each field, optional or not, is in both. */
type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** A schema of exactly type `T`: with a field that only one of them has it does not compile. */
export function schemaOf<T>() {
  return <S extends z.ZodType>(
    schema: S & (Equal<z.infer<S>, T> extends true ? unknown : never),
  ): S => schema;
}

/** A number that may be none, as a mean of nothing is: null in JSON. */
export const figure = z.preprocess(
  (value) => (value === null ? NaN : value),
  z.union([z.number(), z.nan()]),
);
