/** Refusals of the placement: the model does not fit the wafers that there are. */

/** Does not fit; the one-line message says what was asked, what there is and what would fit. */
export class CapacityError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CapacityError';
  }
}
