import type { DriverReaderOptions, PartitionReader, StreamError } from '../../../src/driver.ts'
import { classify } from '../classify.ts'
import type { Kinesis, OpenReader } from '../parts.ts'
import type { Place, ResumePoint } from '../positions.ts'
import { retrying } from '../service/retrying.ts'
import type { Shard } from '../shards/stream-catalog.ts'
import { EndedReader } from './ended-reader.ts'
import { findTail, type Tail } from './find-tail.ts'
import { KinesisReader } from './kinesis-reader.ts'
import { openSource, type SourceTimes } from './open-source.ts'
import { type PlainStart, type PlainUntil, toPlainStart, toPlainUntil } from './plain-bounds.ts'
import { PollingSource } from './polling-source.ts'
import { holds, provePlace, whyMissing } from './prove-place.ts'
import { ReadEnd } from './read-end.ts'
import { expired, noShard, nothingThere, placed } from './reader-errors.ts'
import { SERVICE_LIMITS } from './reading-limits.ts'
import { hasLeftRetention } from './retention.ts'
import { ShardEnds } from './shard-ends.ts'
import type { Delivery, ShardSource, StartingPlace } from './shard-source.ts'
import { Unpacker } from './unpacker.ts'

/** Producers' clocks, and the service's own, may be off by so much. Milliseconds. */
const EARLY_MS = 5_000
const PATIENCE_MS = 20_000
/** Enough to see that something is there. */
const PROBE_BYTES = 1

/** Opens readers that keep to these limits. Default: the service's. */
export function readerOpener(times: SourceTimes = { limits: SERVICE_LIMITS }): OpenReader {
  return async (kinesis, options, onClose) => {
    try {
      return await open(kinesis, options, onClose, times)
    } catch (error) {
      throw placed(classify(error), options)
    }
  }
}

/**
 * Opens a reader of one shard. Rejects NOT_FOUND, INVALID_ARGUMENT, and POSITION_EXPIRED for a place that has left retention, also where all of
 * its shard has; UNSUPPORTED where another reader of this process holds the consumer's subscription to the shard.
 */
export const openReader: OpenReader = readerOpener()

async function open(
  kinesis: Kinesis,
  options: DriverReaderOptions,
  onClose: (reader: PartitionReader) => void,
  times: SourceTimes,
): Promise<PartitionReader> {
  const { topic, partition } = options
  const start = toPlainStart(options.start)
  const until = options.until === undefined ? undefined : toPlainUntil(options.until)
  if (start.point.kind === 'end') return new EndedReader(options, onClose)
  const shard = await findShard(kinesis, options, start)
  const now = kinesis.service.now()
  // The end first: 'now' is to mean the moment of opening.
  const tail = wantsTail(start, until, shard, now)
    ? await findTail(kinesis, topic, partition, times.limits)
    : undefined
  const end = new ReadEnd(until, tail?.ended ? undefined : tail, now)
  const point = resolveLatest(start.point, shard, tail)
  const fromTail = point !== start.point
  if (point.kind === 'end' || (fromTail && until === 'now')) {
    return new EndedReader(options, onClose, point)
  }
  const doubtful = start.bare !== undefined || (await isDoubtful(kinesis, topic, point))
  if (doubtful && point.kind === 'latest') throw expired(options, undefined)
  const place = startingPlace(point, fromTail, kinesis.service.now())
  // A subscription would be silent until the service's next event.
  const mayBeSilent = until === 'now' && !doubtful && kinesis.settings.fanout !== undefined
  if (mayBeSilent && tail !== undefined && tail.last === undefined && !tail.ended) {
    if (await isBare(kinesis, options, place, times))
      return new EndedReader(options, onClose, seen(point, tail))
  }
  const source = await openSource(kinesis, topic, partition, place, times)
  try {
    const first =
      doubtful && point.kind === 'after'
        ? await proven(kinesis, options, source, point, start.bare, times)
        : undefined
    const { dedupe } = kinesis.settings
    const unpacker = new Unpacker(point, end, shard, dedupe)
    return new KinesisReader(kinesis, options, { source, unpacker, end, start: point, first, onClose })
  } catch (error) {
    source.close()
    throw error
  }
}

/**
 * A shard that the stream does not list is NOT_FOUND, except to who left off in it: retention has removed it then, with whatever was not read.
 */
async function findShard(kinesis: Kinesis, options: DriverReaderOptions, start: PlainStart): Promise<Shard> {
  const { topic, partition } = options
  const known = (await kinesis.streams.shards(topic)).shard(partition)
  if (known !== undefined) return known
  const { shards } = await kinesis.streams.shards(topic, { maxAgeMs: 0 })
  const found = shards.find(({ id }) => id === partition)
  if (found !== undefined) return found
  const newest = shards.reduce((max, { id }) => (id > max ? id : max), '')
  if (start.point.kind !== 'after' || !/^shardId-\d{12}$/.test(partition) || partition > newest) {
    throw noShard(options)
  }
  throw expired(options, start.point)
}

function wantsTail({ point }: PlainStart, until: PlainUntil | undefined, shard: Shard, now: number): boolean {
  if (!shard.open) return false
  if (point.kind === 'latest' && point.since === undefined) return true
  return until === 'now' || (until !== undefined && 'timestamp' in until && until.timestamp <= now)
}

/** 'latest' as a place that can be resumed: behind the last record, or since when none came. */
function resolveLatest(point: ResumePoint, shard: Shard, tail: Tail | undefined): ResumePoint {
  if (point.kind !== 'latest' || point.since !== undefined) return point
  if (!shard.open || tail === undefined || tail.ended) return { kind: 'end' }
  if (tail.last === undefined) return { kind: 'latest', since: tail.since }
  return { kind: 'after', ...tail.last, arrival: tail.lastArrival }
}

/**
 * Whether what came behind the place may have left retention. A checkpoint of a KCL application says nothing of when its record arrived: that
 * one has to be there.
 */
async function isDoubtful(kinesis: Kinesis, topic: string, point: ResumePoint): Promise<boolean> {
  if (point.kind === 'latest') return hasLeftRetention(kinesis, topic, point.since!)
  if (point.kind !== 'after') return false
  return point.arrival === undefined || (await hasLeftRetention(kinesis, topic, point.arrival))
}

function startingPlace(point: ResumePoint, fromTail: boolean, now: number): StartingPlace {
  if (point.kind === 'time' || point.kind === 'latest') {
    const asked = point.kind === 'time' ? point.timestamp : point.since!
    // The service refuses times that lie ahead.
    const timestamp = Math.min(asked, now) - EARLY_MS
    return timestamp <= 0 ? { type: 'TRIM_HORIZON' } : { type: 'AT_TIMESTAMP', timestamp }
  }
  if (point.kind !== 'after') return { type: 'TRIM_HORIZON' }
  // Else the record itself comes again: it may be an aggregate that holds more.
  return { type: fromTail ? 'AFTER_SEQUENCE_NUMBER' : 'AT_SEQUENCE_NUMBER', sequence: point.sequence }
}

/** Whether one call finds nothing behind a place, and says that nothing is left. */
async function isBare(
  kinesis: Kinesis,
  { topic, partition }: DriverReaderOptions,
  place: StartingPlace,
  { limits }: SourceTimes,
): Promise<boolean> {
  const ends = new ShardEnds(kinesis, topic, partition)
  const source = new PollingSource(kinesis, topic, partition, place, ends, limits)
  try {
    const deadline = performance.now() + PATIENCE_MS
    const { records, millisBehind, ended } = await retrying(() => source.fetch(PROBE_BYTES), { deadline })
    return records.length === 0 && millisBehind === 0 && !ended
  } finally {
    source.close()
  }
}

/** A place behind which nothing had come when the tail was looked for. */
function seen(point: ResumePoint, { since }: Tail): ResumePoint {
  if (point.kind === 'after') return { ...point, arrival: Math.max(since, point.arrival ?? 0) }
  return point.kind === 'latest' ? { ...point, since } : point
}

/** The first delivery from a place whose record has to be there. */
async function proven(
  kinesis: Kinesis,
  options: DriverReaderOptions,
  source: ShardSource,
  point: ResumePoint & { readonly kind: 'after' },
  bare: Place | undefined,
  times: SourceTimes,
): Promise<Delivery> {
  const deadline = performance.now() + PATIENCE_MS
  const again = (error: StreamError): boolean => error.retryable
  let delivery: Delivery | undefined
  try {
    delivery = await retrying(() => provePlace(source, point.sequence), { deadline, again })
  } catch (error) {
    const reason = classify(error)
    // The service knows that it did not give out that number here; a checkpoint's stream has been made anew then.
    const refused = reason.code === 'INVALID_ARGUMENT'
    if (refused && bare === undefined) throw expired(options, point, reason)
    // Emulators say of a record what the service says of shards and streams alone.
    if (!(reason.code === 'NOT_FOUND' && (await isThere(kinesis, options)))) throw reason
  }
  if (delivery === undefined) {
    if (bare === undefined) throw expired(options, point)
    throw await whyMissing(kinesis, options, bare, times.limits)
  }
  if (bare !== undefined && !holds(delivery, bare.sub)) throw nothingThere(options, bare)
  return delivery
}

async function isThere({ streams }: Kinesis, { topic, partition }: DriverReaderOptions): Promise<boolean> {
  return (await streams.shards(topic, { maxAgeMs: 0 })).shard(partition) !== undefined
}
