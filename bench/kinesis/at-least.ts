/** A round of fewer would measure code that is not compiled yet, on a machine that others keep busy. */
const LEAST_RECORDS = 200_000

export const atLeast = (records: number): number => Math.max(records, LEAST_RECORDS)
