import type { DriverReaderOptions } from '../../../src/driver.ts'
import { StreamError } from '../../../src/driver.ts'
import type { RecordBatchView } from '../../../src/formats/record-batch/index.ts'
import { parseCheckpoint, type ResumePoint } from '../checkpoints.ts'
import { partitionNumber } from '../partition-number.ts'
import type { KafkaCluster } from '../parts.ts'
import { type PlainFrom, toPlainFrom, toPlainUntil } from '../plain-bounds.ts'
import { EARLIEST, findOffset, findOffsets, LATEST } from './find-offsets.ts'

const isolationOf = (options: DriverReaderOptions): 'committed' | 'uncommitted' =>
  options.isolation ?? 'committed'

/** Where a reader begins. POSITION_EXPIRED, INVALID_ARGUMENT, NOT_FOUND. */
export async function findStart(cluster: KafkaCluster, options: DriverReaderOptions): Promise<ResumePoint> {
  const { topic, start } = options
  const partition = partitionNumber(topic, options.partition)
  const { offset: resume, leaderEpoch } =
    'checkpoint' in start ? parseCheckpoint(start.checkpoint) : { offset: undefined, leaderEpoch: -1 }
  const from: PlainFrom = 'checkpoint' in start ? { offset: resume as number } : toPlainFrom(start.from)
  const one = (timestamp: number) =>
    findOffset(cluster, isolationOf(options), { topic, partition, timestamp })
  if (from === 'earliest') return { offset: (await one(EARLIEST)).offset, leaderEpoch: -1 }
  if (from === 'latest') return { offset: (await one(LATEST)).offset, leaderEpoch: -1 }
  if ('timestamp' in from) {
    return { offset: await offsetOfTime(cluster, options, from.timestamp), leaderEpoch: -1 }
  }
  const { offset } = from
  try {
    await checkInside(cluster, topic, partition, offset)
  } catch (error) {
    // Nobody chose that place: the log ended behind it once.
    const truncated =
      'checkpoint' in start && error instanceof StreamError && error.code === 'INVALID_ARGUMENT'
    throw truncated ? truncatedBefore(topic, partition, offset, error) : error
  }
  return { offset, leaderEpoch }
}

/** For a place that was read up to and is not there any more. */
export function truncatedBefore(
  topic: string,
  partition: number,
  offset: number,
  cause: unknown,
): StreamError {
  return new StreamError(
    'POSITION_EXPIRED',
    `partition ${partition} of '${topic}' was truncated below ${offset}, up to which it had been read (an unclean leader election): ` +
      'decide what to do about the records that are gone, then seek',
    { topic, partition: String(partition), position: String(offset), cause },
  )
}

/** POSITION_EXPIRED below the partition's start, INVALID_ARGUMENT beyond its end. */
export async function checkInside(
  cluster: KafkaCluster,
  topic: string,
  partition: number,
  offset: number,
): Promise<void> {
  const [earliest, end] = await findOffsets(cluster, 'uncommitted', [
    { topic, partition, timestamp: EARLIEST },
    { topic, partition, timestamp: LATEST },
  ])
  const named = { topic, partition: String(partition), position: String(offset) }
  if (offset > end!.offset) {
    throw new StreamError(
      'INVALID_ARGUMENT',
      `position ${offset} is beyond the end of partition ${partition} of '${topic}', whose next record will have ` +
        `${end!.offset}: use a position that a record came with`,
      named,
    )
  }
  if (offset < earliest!.offset) {
    throw new StreamError(
      'POSITION_EXPIRED',
      `position ${offset} of partition ${partition} of '${topic}' was removed by retention, the first one kept is ` +
        `${earliest!.offset}: resume from 'earliest', or keep records longer`,
      named,
    )
  }
}

/** The first offset whose record is not older; the end as readers like this one see it where all are. */
async function offsetOfTime(
  cluster: KafkaCluster,
  options: DriverReaderOptions,
  timestamp: number,
): Promise<number> {
  const { topic } = options
  const partition = partitionNumber(topic, options.partition)
  const [latest, found] = await findOffsets(cluster, isolationOf(options), [
    { topic, partition, timestamp: LATEST },
    { topic, partition, timestamp },
  ])
  return found!.offset < 0 ? latest!.offset : Math.min(found!.offset, latest!.offset)
}

/** Where a reader ends. */
export class ReadEnd {
  /** The offset that is not read any more; Infinity where it is open, or not known yet. */
  before: number
  /** The end is the first record that is not older than this, and none was there when reading began. */
  readonly #timestamp: number | undefined

  private constructor(before: number, timestamp: number | undefined) {
    this.before = before
    this.#timestamp = timestamp
  }

  static async find(cluster: KafkaCluster, options: DriverReaderOptions): Promise<ReadEnd> {
    const { topic, until } = options
    if (until === undefined) return new ReadEnd(Number.POSITIVE_INFINITY, undefined)
    const end = toPlainUntil(until)
    if (end !== 'now' && 'before' in end) return new ReadEnd(end.before, undefined)
    const partition = partitionNumber(topic, options.partition)
    const timestamp = end === 'now' ? [] : [{ topic, partition, timestamp: end.timestamp }]
    const [latest, found] = await findOffsets(cluster, isolationOf(options), [
      { topic, partition, timestamp: LATEST },
      ...timestamp,
    ])
    if (end === 'now') return new ReadEnd(latest!.offset, undefined)
    if (found!.offset >= 0) return new ReadEnd(found!.offset, undefined)
    // None yet: what comes from now on is not older, unless the time lies ahead.
    if (end.timestamp <= Date.now()) return new ReadEnd(latest!.offset, undefined)
    return new ReadEnd(Number.POSITIVE_INFINITY, end.timestamp)
  }

  isReached(offset: number): boolean {
    return offset >= this.before
  }

  /** Where to cut a view that holds the first record which is too young. */
  cut(view: RecordBatchView): number | undefined {
    if (this.#timestamp === undefined || this.before !== Number.POSITIVE_INFINITY) return undefined
    for (let i = 0; i < view.count; i++) {
      if (view.timestamp(i) >= this.#timestamp) return (this.before = view.offset(i))
    }
    return undefined
  }

  /** All there is was read: once the time has come, that was the end. */
  idle(offset: number, visible: number): void {
    if (this.#timestamp === undefined || Date.now() < this.#timestamp || offset < visible) return
    this.before = Math.min(this.before, offset)
  }
}
