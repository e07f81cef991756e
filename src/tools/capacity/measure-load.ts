import { type PartitionDescription, StreamError, type Streams } from '../../index.ts'
import { bytesTopic } from '../bytes-topic.ts'
import { FrequentKeys } from './frequent-keys.ts'
import { PartitionSample } from './partition-sample.ts'

export interface MeasureOptions {
  /** How far back is looked. Milliseconds. Default: 5 minutes. */
  readonly windowMs?: number
  /** So many records of each partition at most, the oldest in the window. Default: 50,000. */
  readonly maxRecords?: number
  readonly signal?: AbortSignal
  /** Partitions read, and all there are. */
  readonly onProgress?: (done: number, total: number) => void
}

export interface PartitionLoad {
  readonly partition: string
  /** Of the space of hashes; an even share where keys are not routed by range. 0 to 1. */
  readonly shareOfKeys: number
  /** Of the bytes written. 0 to 1. */
  readonly shareOfLoad: number
  readonly recordsPerSecond: number
  readonly bytesPerSecond: number
  /** In its busiest second. */
  readonly peakRecordsPerSecond: number
  readonly peakBytesPerSecond: number
  /** The key that came most often, where one carries a tenth of the partition's records or more. */
  readonly hotKey: { readonly key: Uint8Array; readonly share: number } | undefined
}

/** What was written to a topic of late. */
export interface MeasuredLoad {
  readonly topic: string
  readonly windowMs: number
  readonly records: number
  /** Key and value, on average. */
  readonly recordBytes: number
  readonly recordsPerSecond: number
  readonly bytesPerSecond: number
  /** All partitions' busiest seconds together: what the topic must bear at the worst. */
  readonly peakRecordsPerSecond: number
  readonly peakBytesPerSecond: number
  /** Of the open partitions. */
  readonly partitions: readonly PartitionLoad[]
}

const AT_ONCE = 8
const HOT_KEY_SHARE = 0.1

/**
 * Reads the last minutes of a topic, without a group, and says how the load is spread. Costs as much as any other reader.
 * Rejects INVALID_ARGUMENT where nothing was written in that time.
 */
export async function measureLoad(
  streams: Streams,
  topic: string,
  options: MeasureOptions = {},
): Promise<MeasuredLoad> {
  const { windowMs = 300_000, maxRecords = 50_000 } = options
  const since = Date.now() - windowMs
  const { partitions } = await streams.admin.describeTopic(topic)
  const open = partitions.filter(({ state }) => state === 'open')
  const samples = new Map<string, PartitionSample>()
  const left = [...open]
  const read = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      samples.set(next.id, await sampleOf(streams, topic, next.id, since, maxRecords, options.signal))
      options.onProgress?.(samples.size, open.length)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, read))

  const rates = open.map(({ id }) => samples.get(id)!.rates(since, windowMs))
  const sum = (pick: (rate: (typeof rates)[number]) => number): number =>
    rates.reduce((total, rate) => total + pick(rate), 0)
  const records = sum((rate) => rate.records)
  if (records === 0) {
    throw new StreamError(
      'INVALID_ARGUMENT',
      `nothing in the open partitions of '${topic}' is of the last ${windowMs / 1_000} s: look further back, or give a rate`,
      { topic },
    )
  }
  const bytesPerSecond = sum((rate) => rate.bytesPerSecond)
  const shares = sharesOfKeys(open)
  return {
    topic,
    windowMs,
    records,
    recordBytes: sum((rate) => rate.bytes) / records,
    recordsPerSecond: sum((rate) => rate.recordsPerSecond),
    bytesPerSecond,
    peakRecordsPerSecond: sum((rate) => rate.peakRecordsPerSecond),
    peakBytesPerSecond: sum((rate) => rate.peakBytesPerSecond),
    partitions: open.map(({ id }, i) => {
      const rate = rates[i]!
      const [top] = samples.get(id)!.keys.top(1)
      const share = top === undefined ? 0 : top.records / rate.records
      return {
        partition: id,
        shareOfKeys: shares[i]!,
        shareOfLoad: rate.bytesPerSecond / bytesPerSecond,
        recordsPerSecond: rate.recordsPerSecond,
        bytesPerSecond: rate.bytesPerSecond,
        peakRecordsPerSecond: rate.peakRecordsPerSecond,
        peakBytesPerSecond: rate.peakBytesPerSecond,
        hotKey:
          top !== undefined && share >= HOT_KEY_SHARE
            ? { key: Buffer.from(top.key, 'hex'), share }
            : undefined,
      }
    }),
  }
}

async function sampleOf(
  streams: Streams,
  topic: string,
  partition: string,
  since: number,
  maxRecords: number,
  signal: AbortSignal | undefined,
): Promise<PartitionSample> {
  const sample = new PartitionSample(new FrequentKeys(), maxRecords)
  const where = { partitions: [partition], from: { timestamp: since }, until: 'now' } as const
  await using reader = streams.read(bytesTopic(topic), { ...where, ...(signal !== undefined && { signal }) })
  for await (const batch of reader) {
    for (const record of batch) {
      const time = record.arrival ?? record.timestamp
      // Producers' times need not be in order.
      if (time < since) continue
      sample.add(time, record.rawKey, record.rawValue)
      if (sample.full) return sample
    }
  }
  return sample
}

function sharesOfKeys(partitions: readonly PartitionDescription[]): number[] {
  const widths = partitions.map(({ hashRange }) =>
    hashRange === undefined ? undefined : Number(BigInt(hashRange.to) - BigInt(hashRange.from) + 1n),
  )
  const all = widths.reduce<number>((sum, width) => sum + (width ?? 0), 0)
  return widths.map((width) => (width === undefined ? 1 / partitions.length : width / all))
}
