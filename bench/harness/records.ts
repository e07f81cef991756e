/** Distinct records; batches take them in turn. Few enough to stay in the cache: what is measured is not the user's memory. */
const POOL = 1_000

const KEYS: readonly Buffer[] = Array.from({ length: POOL }, (_, i) => Buffer.from(`k${i}`))
export const TEXT_KEYS: readonly string[] = KEYS.map(String)

/** The values of one size, with the number of their key in the first two bytes. */
export function valuesOf(valueBytes: number): readonly Buffer[] {
  return Array.from({ length: POOL }, (_, i) => {
    const value = Buffer.alloc(valueBytes, 'x')
    value.writeUInt16LE(i)
    return value
  })
}

/** The key of a value. */
export function keyOf(value: Uint8Array): Buffer {
  return KEYS[value[0]! | (value[1]! << 8)]!
}

/** All values cut into batches of one size, which are then taken in turn. */
export function batchesOf<T>(values: readonly T[], batch: number): readonly (readonly T[])[] {
  const whole =
    batch > values.length ? Array.from({ length: batch }, (_, i) => values[i % values.length]!) : values
  return Array.from({ length: Math.floor(whole.length / batch) }, (_, i) =>
    whole.slice(i * batch, (i + 1) * batch),
  )
}

/**
 * How many records the reading cases have before them: enough for some tenths of a second, in at most 160 MB; where there are many
 * partitions, two batches for each.
 */
export function recordsToRead(valueBytes: number, batch: number, partitions = 1): number {
  const most = batch === 1 ? 100_000 : 500_000
  const usual = Math.min(most, Math.floor(160e6 / (valueBytes + 20) / 1000) * 1000)
  return partitions < 100 ? usual : Math.max(usual, 2 * partitions * batch)
}
