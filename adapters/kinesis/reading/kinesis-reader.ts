import type {
  Checkpoint,
  DriverReaderOptions,
  FetchedBatch,
  NextOptions,
  PartitionReader,
  StreamError,
} from '../../../src/driver.ts'
import { classify } from '../classify.ts'
import type { Kinesis } from '../parts.ts'
import { formatCheckpoint, type ResumePoint } from '../positions.ts'
import { unlessAborted } from '../unless-aborted.ts'
import { pause } from './pause.ts'
import { PieceCutter } from './piece-cutter.ts'
import { provePlace } from './prove-place.ts'
import type { ReadEnd } from './read-end.ts'
import { closedReader, expired, placed } from './reader-errors.ts'
import { hasLeftRetention } from './retention.ts'
import { arrivalOf } from './shard-records.ts'
import type { Delivery, ShardSource } from './shard-source.ts'
import { Trouble } from './trouble.ts'
import type { Unpacker } from './unpacker.ts'

/** How often the checkpoint of an idle shard says that nothing has come since. Far below retention, and few writes. */
const IDLE_CHECKPOINT_MS = 15 * 60_000

export interface ReaderParts {
  readonly source: ShardSource
  readonly unpacker: Unpacker
  readonly end: ReadEnd
  readonly start: ResumePoint
  /** Fetched when the place was looked for. */
  readonly first: Delivery | undefined
  /** Released with the reader. */
  readonly onClose: (reader: PartitionReader) => void
}

/** Reads one shard, by polling or by fan-out. */
export class KinesisReader implements PartitionReader {
  readonly #kinesis: Kinesis
  readonly #options: DriverReaderOptions
  readonly #source: ShardSource
  readonly #unpacker: Unpacker
  readonly #end: ReadEnd
  readonly #onClose: (reader: PartitionReader) => void
  readonly #closing = new AbortController()
  readonly #trouble: Trouble
  #at: ResumePoint
  /** Not fetched any more; what is held is handed out yet. */
  #done: boolean
  #shardEnded = false
  #held: PieceCutter | undefined
  /** One that its caller gave up on is taken over by the next call. */
  #fetching: Promise<Delivery> | undefined
  /** The last record that was fetched, and until when nothing else had come. */
  #lastSequence: string | undefined
  #known: number | undefined
  /** What the core was told last. */
  #lag: number | undefined

  constructor(kinesis: Kinesis, options: DriverReaderOptions, parts: ReaderParts) {
    this.#kinesis = kinesis
    this.#options = options
    this.#source = parts.source
    this.#unpacker = parts.unpacker
    this.#end = parts.end
    this.#at = parts.start
    this.#onClose = parts.onClose
    this.#done = parts.end.isReached(parts.start)
    this.#trouble = new Trouble(kinesis.logger, options)
    if (parts.first !== undefined) this.#fetching = Promise.resolve(parts.first)
  }

  get checkpoint(): Checkpoint {
    return formatCheckpoint(this.#at)
  }

  async next({ maxBytes, signal }: NextOptions): Promise<FetchedBatch | null> {
    signal.throwIfAborted()
    for (;;) {
      this.#closing.signal.throwIfAborted()
      const batch = this.#held?.next(maxBytes)
      if (batch !== undefined) return this.#give(batch, maxBytes)
      this.#held = undefined
      if (this.#done) {
        if (this.#shardEnded) this.#at = { kind: 'end' }
        return null
      }
      try {
        const delivery = await this.#receive(maxBytes, signal)
        this.#trouble.over()
        this.#accept(delivery)
      } catch (error) {
        this.#closing.signal.throwIfAborted()
        signal.throwIfAborted()
        this.#fetching = undefined
        const reason = placed(classify(error), this.#options)
        await this.#recover(reason, signal)
      }
    }
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return
    this.#closing.abort(closedReader(this.#options))
    this.#source.close()
    this.#held = undefined
    this.#onClose(this)
  }

  async #receive(maxBytes: number, signal: AbortSignal): Promise<Delivery> {
    if (this.#fetching === undefined) {
      const restMs = this.#source.readyAt - performance.now()
      if (restMs > 0) await pause(restMs, signal, this.#closing.signal)
      this.#startFetch(maxBytes)
    }
    const delivery = await unlessAborted(unlessAborted(this.#fetching!, this.#closing.signal), signal)
    this.#fetching = undefined
    return delivery
  }

  #startFetch(maxBytes: number): void {
    this.#fetching = this.#fetch(maxBytes)
    // It may fail when nobody waits for it any more.
    this.#fetching.catch(() => {})
  }

  async #fetch(maxBytes: number): Promise<Delivery> {
    const { topic } = this.#options
    const known = this.#known
    const last = this.#lastSequence
    // Who has read nothing of the shard yet takes the oldest there is, unless it began at its end.
    const mayMiss = last !== undefined || this.#at.kind === 'latest'
    if (known === undefined || !mayMiss || !(await hasLeftRetention(this.#kinesis, topic, known))) {
      return this.#source.fetch(maxBytes)
    }
    // Retention may have passed what was not read yet. It has not where the last record that was read is still there.
    if (last !== undefined) {
      this.#source.restart({ type: 'AT_SEQUENCE_NUMBER', sequence: last })
      const delivery = await provePlace(this.#source, last, maxBytes)
      if (delivery !== undefined) return delivery
    }
    throw expired(this.#options, this.#at.kind === 'after' ? this.#at : undefined)
  }

  #accept(delivery: Delivery): void {
    const { records, millisBehind, askedAt, ended } = delivery
    const last = records.at(-1)
    if (last !== undefined) this.#lastSequence = last.SequenceNumber
    this.#known = Math.max(this.#known ?? 0, last === undefined ? 0 : arrivalOf(last), askedAt - millisBehind)
    const unpacked = this.#unpacker.unpack(records)
    this.#shardEnded = ended && !unpacked.done
    this.#done = ended || unpacked.done || this.#end.isCaughtUp(delivery)
    // What it holds of the service's limits is others' from now on.
    if (this.#done) this.#source.close()
    const end = this.#endOf(unpacked.end, unpacked.done)
    if (unpacked.records.count === 0) {
      // Nothing to give. What moved is said, and once that nothing is left.
      const moved = end !== undefined && formatCheckpoint(end) !== this.checkpoint
      if (!moved && (millisBehind > 0 || this.#lag === 0)) return
    }
    this.#held = new PieceCutter(unpacked.records, {
      topic: this.#options.topic,
      partition: this.#options.partition,
      end: end ?? this.#at,
      millisBehind,
    })
  }

  /** The resume point behind a delivery, with until when nothing else had come. */
  #endOf(end: ResumePoint | undefined, cut: boolean): ResumePoint | undefined {
    const known = this.#known!
    if (end?.kind === 'after') return cut ? end : { ...end, arrival: Math.max(known, end.arrival ?? 0) }
    const at = this.#at
    if (at.kind === 'after' && known - (at.arrival ?? 0) > IDLE_CHECKPOINT_MS)
      return { ...at, arrival: known }
    if (at.kind === 'latest' && known - (at.since ?? 0) > IDLE_CHECKPOINT_MS) return { ...at, since: known }
    return undefined
  }

  /** Hands out a batch, and fetches the next one while its taker works, where all that is held is given and more is there. */
  #give(batch: FetchedBatch, maxBytes: number): FetchedBatch {
    const held = this.#held!
    this.#at = held.at
    this.#lag = batch.lag.millis
    if (held.isEmpty) {
      this.#held = undefined
      const more = held.millisBehind > 0 && !this.#done && this.#fetching === undefined
      if (more && batch.count > 0) this.#startFetch(maxBytes)
    }
    return batch
  }

  /** Waits before the next attempt; throws what does not pass by itself. */
  async #recover(error: StreamError, signal: AbortSignal): Promise<void> {
    if (!error.retryable) throw error
    await pause(this.#trouble.pauseMs(error), signal, this.#closing.signal)
  }
}
