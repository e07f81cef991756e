import type { Shape } from '../harness/contender.ts'

export const VALUE_BYTES: readonly number[] = [100, 256, 1024]
export const BATCHES: readonly number[] = [1, 100, 1000]

/** The shape that the targets are set for. */
export const TARGET: Shape = { valueBytes: 256, batch: 1000 }

/** All sizes of values with all sizes of batches. */
export const ALL_SHAPES: readonly Shape[] = VALUE_BYTES.flatMap((valueBytes) =>
  BATCHES.map((batch) => ({ valueBytes, batch })),
)

export function isTarget(shape: Shape): boolean {
  return shape.valueBytes === TARGET.valueBytes && shape.batch === TARGET.batch
}
