import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Checkpoint,
  type DriverReaderOptions,
  type FetchedBatch,
  type NextOptions,
  type PartitionReader,
  StreamError,
} from '../../../src/driver.ts'
import {
  batchSize,
  FetchedRecords,
  HEADER_BYTES,
  leaderEpoch as leaderEpochAt,
  RecordBatchView,
} from '../../../src/formats/record-batch/index.ts'
import { formatCheckpoint, type ResumePoint } from '../checkpoints.ts'
import { classify } from '../classify.ts'
import { Outage } from '../outage.ts'
import { partitionNumber } from '../partition-number.ts'
import type { KafkaCluster, OpenReader } from '../parts.ts'
import { errorOf, isStale, KafkaError } from '../wire/error-codes.ts'
import type { FetchedPartition } from '../wire/protocol/fetch.ts'
import type { BrokerRef } from '../wire/wire.ts'
import { Fetchers } from './fetchers.ts'
import { checkNotTruncated } from './leader-epochs.ts'
import { checkInside, findStart, ReadEnd, truncatedBefore } from './read-range.ts'
import { unlessAborted } from './unless-aborted.ts'

const MAX_PAUSE_MS = 500
/** How long what is not there may be on its way: a topic just created, a new leader that catches up. Milliseconds. */
const SETTLING_MS = 5_000
/** For how long a nearer replica is read from before the leader is asked again. Milliseconds. */
const REPLICA_MS = 300_000

/** Opens a reader of one partition. Rejects NOT_FOUND, POSITION_EXPIRED, INVALID_ARGUMENT. */
export const openReader: OpenReader = async (cluster, options, onClose) => {
  // The end first: 'now' is to mean the moment of opening, and the start must not lie behind it.
  const end = await ReadEnd.find(cluster, options)
  const start = await findStart(cluster, options)
  return new KafkaReader(cluster, options, start, end, onClose)
}

/** Reads one partition, each fetch from where the last one ended. */
class KafkaReader implements PartitionReader {
  readonly #cluster: KafkaCluster
  readonly #topic: string
  readonly #partition: number
  readonly #isolation: 'committed' | 'uncommitted'
  readonly #end: ReadEnd
  readonly #onClose: (reader: PartitionReader) => void
  readonly #closing = new AbortController()
  #at: ResumePoint
  /** The leader epoch whose log is known to hold what was read. */
  #checkedEpoch = -1
  #replica: { readonly node: number; readonly until: number } | undefined
  // One that its caller gave up on is taken over by the next call.
  #fetching: Promise<FetchedPartition> | undefined
  /** `performance.now()` since when nothing but errors came. */
  #troubledSince: number | undefined
  #pauseMs = 0
  readonly #outage: Outage
  /** What a batch takes, which may be more than what there is room for. */
  #neededBytes = 0

  constructor(
    cluster: KafkaCluster,
    options: DriverReaderOptions,
    start: ResumePoint,
    end: ReadEnd,
    onClose: (reader: PartitionReader) => void,
  ) {
    this.#cluster = cluster
    this.#topic = options.topic
    this.#partition = partitionNumber(options.topic, options.partition)
    this.#isolation = options.isolation ?? 'committed'
    this.#at = start
    this.#end = end
    this.#onClose = onClose
    const named = { topic: options.topic, partition: options.partition }
    const what = `partition ${options.partition} of '${options.topic}' is not read`
    this.#outage = new Outage(cluster.logger, what, named, SETTLING_MS)
    Fetchers.of(cluster).enter()
  }

  get checkpoint(): Checkpoint {
    return formatCheckpoint(this.#at.offset, this.#at.leaderEpoch)
  }

  async next({ maxBytes, signal }: NextOptions): Promise<FetchedBatch | null> {
    signal.throwIfAborted()
    const since = performance.now()
    for (;;) {
      this.#closing.signal.throwIfAborted()
      if (this.#end.isReached(this.#at.offset)) return null
      try {
        this.#fetching ??= this.#fetch(maxBytes, since)
        // It may fail when nobody waits for it any more.
        this.#fetching.catch(() => {})
        const answer = await unlessAborted(this.#fetching, signal, this.#closing.signal)
        this.#fetching = undefined
        await this.#check(answer)
        const batch = this.#take(answer)
        this.#troubledSince = undefined
        this.#outage.passed()
        this.#pauseMs = 0
        if (batch !== undefined) return batch
      } catch (error) {
        this.#closing.signal.throwIfAborted()
        signal.throwIfAborted()
        this.#fetching = undefined
        await this.#recover(classify(error), signal)
      }
    }
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return
    this.#closing.abort(
      new StreamError('CLOSED', 'the reader is closed: open another one', {
        topic: this.#topic,
        partition: String(this.#partition),
      }),
    )
    Fetchers.of(this.#cluster).leave()
    this.#onClose(this)
  }

  get #leader(): BrokerRef {
    return { kind: 'leader', topic: this.#topic, partition: this.#partition }
  }

  async #fetch(maxBytes: number, since: number): Promise<FetchedPartition> {
    const { wire } = this.#cluster
    const topic = this.#topic
    const partition = this.#partition
    if (this.#replica !== undefined && performance.now() > this.#replica.until) this.#replica = undefined
    const leader = await wire.nodeOf(this.#leader)
    const leaderEpoch = wire.knownTopic(topic)?.partitions[partition]?.leaderEpoch ?? -1
    if (this.#at.leaderEpoch >= 0 && leaderEpoch !== this.#checkedEpoch) {
      // A leader does not cut what it has given out itself.
      if (leaderEpoch !== this.#at.leaderEpoch) {
        await checkNotTruncated(this.#cluster, topic, partition, this.#at, leaderEpoch)
      }
      this.#checkedEpoch = leaderEpoch
    }
    const fetcher = Fetchers.of(this.#cluster).at(this.#replica?.node ?? leader, this.#isolation)
    return fetcher.fetch({
      topic,
      partition,
      offset: this.#at.offset,
      maxBytes: Math.max(maxBytes, this.#neededBytes),
      wantedBytes: maxBytes,
      leaderEpoch,
      since,
    })
  }

  /** Throws what the broker says. */
  async #check({ errorCode, preferredReplica }: FetchedPartition): Promise<void> {
    const topic = this.#topic
    const partition = this.#partition
    if (errorCode === KafkaError.NONE) {
      if (preferredReplica >= 0) {
        this.#replica = { node: preferredReplica, until: performance.now() + REPLICA_MS }
      }
      return
    }
    const fromReplica = this.#replica !== undefined
    this.#replica = undefined
    if (isStale(errorCode)) this.#cluster.wire.invalidate(this.#leader)
    if (errorCode === KafkaError.OFFSET_OUT_OF_RANGE && !fromReplica) {
      // POSITION_EXPIRED where retention has passed it; inside again where a moment ago it was not.
      await checkInside(this.#cluster, topic, partition, this.#at.offset)
      throw errorOf(KafkaError.OFFSET_NOT_AVAILABLE, `reading partition ${partition} of '${topic}'`)
    }
    const code = fromReplica ? KafkaError.REPLICA_NOT_AVAILABLE : errorCode
    throw errorOf(code, `reading partition ${partition} of '${topic}'`, { topic, partition })
  }

  /** Waits before the next attempt; throws what does not pass by itself. */
  async #recover(error: StreamError, signal: AbortSignal): Promise<void> {
    const now = performance.now()
    this.#troubledSince ??= now
    this.#replica = undefined
    const settling = now - this.#troubledSince < SETTLING_MS
    // A leader that was elected uncleanly ends below what was read: that, too, is a place that is gone.
    if (error.code === 'INVALID_ARGUMENT' && error.position !== undefined && !settling) {
      throw truncatedBefore(this.#topic, this.#partition, this.#at.offset, error)
    }
    const passes =
      error.retryable ||
      (settling &&
        (error.code === 'NOT_FOUND' || (error.code === 'INVALID_ARGUMENT' && error.position !== undefined)))
    if (!passes) throw error
    this.#outage.failed(error)
    this.#cluster.wire.invalidate(this.#leader)
    this.#pauseMs = Math.min(MAX_PAUSE_MS, Math.max(20, this.#pauseMs * 2))
    await sleep(this.#pauseMs, undefined, { signal: AbortSignal.any([signal, this.#closing.signal]) }).catch(
      () => {
        this.#closing.signal.throwIfAborted()
        signal.throwIfAborted()
      },
    )
  }

  /** The batch of what was fetched; undefined where that does not get the reader further. */
  #take(answer: FetchedPartition): FetchedBatch | undefined {
    const { records, aborted, highWatermark, lastStable } = answer
    const committed = this.#isolation === 'committed'
    const limit = committed && lastStable >= 0 ? lastStable : highWatermark
    const from = this.#at.offset
    if (records.length === 0) {
      this.#end.idle(from, limit)
      return undefined
    }
    const view = (until: number): RecordBatchView =>
      new RecordBatchView(records, 0, records.length, { from, until, ...(committed ? { aborted } : {}) })
    const whole = view(Math.min(limit, this.#end.before))
    const cut = this.#end.cut(whole)
    const taken = cut === undefined ? whole : view(cut)
    if (taken.nextOffset === from) {
      this.#neededBytes = taken.partialBytes
      return undefined
    }
    const { leaderEpoch, largest } = surveyBatches(records, whole.sizeBytes)
    this.#neededBytes = largest
    this.#at = { offset: taken.nextOffset, leaderEpoch }
    return new FetchedRecords(taken, {
      topic: this.#topic,
      partition: String(this.#partition),
      sizeBytes: records.length,
      endOffset: highWatermark,
      checkpointAt: (offset) => formatCheckpoint(offset, leaderEpoch),
    })
  }
}

/** The leader epoch of all batches in the range, -1 where they differ, and the size of the largest. */
function surveyBatches(records: Buffer, end: number): { leaderEpoch: number; largest: number } {
  let leaderEpoch = -1
  let largest = 0
  let size: number
  for (let at = 0; at + HEADER_BYTES <= end; at += size) {
    const epoch = leaderEpochAt(records, at)
    if (at === 0) leaderEpoch = epoch
    else if (epoch !== leaderEpoch) leaderEpoch = -1
    size = batchSize(records, at)
    largest = Math.max(largest, size)
  }
  return { leaderEpoch, largest }
}
