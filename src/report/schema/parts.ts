/** Parts of documents whose types rooms below have, where they are computed: the compiler holds both to each other. */
import * as z from 'zod';

/** A type with all that is optional, so that a field that it may have is not overlooked. */
type Whole<T> = T extends object ? { [K in keyof T]-?: Whole<T[K]> } : T;
/** Whether two types are one: each field is in both, optional in both or in none. */
type Fits<A, B> = [A, Whole<A>] extends [B, Whole<B>] ? true : false;
type Equal<A, B> = [Fits<A, B>, Fits<B, A>] extends [true, true] ? true : false;

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
