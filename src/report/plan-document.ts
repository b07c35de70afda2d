/** What a plan says of a served model: field `plan` of a serving result. */
export type * from './schema/plan.js';
