import { type DriverReaderOptions, StreamError } from '../../../src/driver.ts'
import type { RecordBatchView } from '../../../src/formats/record-batch/index.ts'
import type { PartitionOffsets } from '../broker/broker-api.ts'
import type { BrokerLink } from '../broker-link.ts'
import { parseOffset, toPlainFrom, toPlainUntil } from '../offsets.ts'

/** The offset at which a reader begins. POSITION_EXPIRED, INVALID_ARGUMENT, NOT_FOUND. */
export async function findStart(link: BrokerLink, options: DriverReaderOptions): Promise<number> {
  const { topic, partition, start } = options
  const from = 'checkpoint' in start ? { at: parseOffset(start.checkpoint) } : toPlainFrom(start.from)
  const timestamp = typeof from === 'object' && 'timestamp' in from ? { timestamp: from.timestamp } : {}
  const bounds = await link.offsets({ topic, partition, ...timestamp })
  const latest = visibleEnd(bounds, options)
  if (from === 'earliest') return bounds.start
  if (from === 'latest') return latest
  if ('timestamp' in from) return Math.min(bounds.found ?? latest, latest)
  const offset = 'at' in from ? from.at : from.after + 1
  const named = { topic, partition, position: String(offset) }
  if (offset > bounds.end) {
    throw new StreamError(
      'INVALID_ARGUMENT',
      `position ${offset} is beyond the end of partition ${partition} of '${topic}', whose next record will have ` +
        `${bounds.end}: use a position that a record came with`,
      named,
    )
  }
  if (offset < bounds.start) {
    throw new StreamError(
      'POSITION_EXPIRED',
      `position ${offset} of partition ${partition} of '${topic}' was removed by retention, the first one kept is ` +
        `${bounds.start}: resume from 'earliest', or keep records longer`,
      named,
    )
  }
  return offset
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

  static async find(link: BrokerLink, options: DriverReaderOptions): Promise<ReadEnd> {
    const { topic, partition, until } = options
    if (until === undefined) return new ReadEnd(Number.POSITIVE_INFINITY, undefined)
    const end = toPlainUntil(until)
    if (end !== 'now' && 'before' in end) return new ReadEnd(end.before, undefined)
    const timestamp = end === 'now' ? {} : { timestamp: end.timestamp }
    const bounds = await link.offsets({ topic, partition, ...timestamp })
    if (end === 'now') return new ReadEnd(visibleEnd(bounds, options), undefined)
    if (bounds.found !== null) return new ReadEnd(bounds.found, undefined)
    // None yet: what comes from now on is not older, unless the time lies ahead.
    if (end.timestamp <= Date.now()) return new ReadEnd(visibleEnd(bounds, options), undefined)
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

  /** How long to wait for records at most, given how long one would wait without an end. */
  waitMs(usual: number | null): number | null {
    if (this.#timestamp === undefined || this.before !== Number.POSITIVE_INFINITY) return usual
    const left = Math.max(1, this.#timestamp - Date.now())
    // Node's timers hold no more.
    return Math.min(left, usual ?? 2 ** 31 - 1)
  }
}

function visibleEnd(bounds: PartitionOffsets, options: DriverReaderOptions): number {
  return options.isolation === 'uncommitted' ? bounds.end : bounds.stable
}
