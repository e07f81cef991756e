import type { FrequentKeys } from './frequent-keys.ts'

export interface SampledRates {
  readonly records: number
  readonly bytes: number
  readonly recordsPerSecond: number
  readonly bytesPerSecond: number
  readonly peakRecordsPerSecond: number
  readonly peakBytesPerSecond: number
}

/** Counts the records of one partition by the second in which they arrived. */
export class PartitionSample {
  readonly keys: FrequentKeys
  readonly #maxRecords: number
  readonly #seconds = new Map<number, { records: number; bytes: number }>()
  #records = 0
  #bytes = 0
  #newest = 0

  constructor(keys: FrequentKeys, maxRecords: number) {
    this.keys = keys
    this.#maxRecords = maxRecords
  }

  get full(): boolean {
    return this.#records >= this.#maxRecords
  }

  add(time: number, key: Uint8Array | null, value: Uint8Array | null): void {
    const size = (key?.length ?? 0) + (value?.length ?? 0)
    this.#records++
    this.#bytes += size
    this.#newest = Math.max(this.#newest, time)
    const second = Math.floor(time / 1_000)
    const counted = this.#seconds.get(second)
    if (counted === undefined) this.#seconds.set(second, { records: 1, bytes: size })
    else {
      counted.records++
      counted.bytes += size
    }
    if (key !== null) this.keys.add(key)
  }

  /** Over the whole window, or over the part of it that was read before there was enough. */
  rates(since: number, windowMs: number): SampledRates {
    const seconds = (this.full ? Math.max(1_000, this.#newest - since) : windowMs) / 1_000
    let peakRecords = 0
    let peakBytes = 0
    for (const { records, bytes } of this.#seconds.values()) {
      peakRecords = Math.max(peakRecords, records)
      peakBytes = Math.max(peakBytes, bytes)
    }
    return {
      records: this.#records,
      bytes: this.#bytes,
      recordsPerSecond: this.#records / seconds,
      bytesPerSecond: this.#bytes / seconds,
      peakRecordsPerSecond: peakRecords,
      peakBytesPerSecond: peakBytes,
    }
  }
}
