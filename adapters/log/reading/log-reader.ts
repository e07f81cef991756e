import {
  type Checkpoint,
  type DriverReaderOptions,
  type FetchedBatch,
  type NextOptions,
  type PartitionReader,
  StreamError,
} from '../../../src/driver.ts'
import { FetchedRecords, RecordBatchView } from '../../../src/formats/record-batch/index.ts'
import type { FetchResult } from '../broker/broker-api.ts'
import type { BrokerLink } from '../broker-link.ts'
import { classify } from '../classify.ts'
import { keepAlive } from '../keep-alive.ts'
import { pause } from '../pause.ts'
import { unlessAborted } from '../unless-aborted.ts'
import { findStart, ReadEnd } from './read-range.ts'

/** A holder in another process answers at the latest after so long, so that one that hangs is noticed. */
const REMOTE_WAIT_MS = 15_000
const RETRY_MS = 200

/** Reads one partition from the broker, each fetch from where the last one ended. */
export class LogReader implements PartitionReader {
  readonly #link: BrokerLink
  readonly #options: DriverReaderOptions
  readonly #committed: boolean
  readonly #end: ReadEnd
  readonly #onClose: (reader: LogReader) => void
  readonly #closing = new AbortController()
  #offset: number
  // One that its caller gave up on is taken over by the next call.
  #fetching: Promise<FetchResult> | undefined

  private constructor(
    link: BrokerLink,
    options: DriverReaderOptions,
    offset: number,
    end: ReadEnd,
    onClose: (reader: LogReader) => void,
  ) {
    this.#link = link
    this.#options = options
    this.#committed = options.isolation !== 'uncommitted'
    this.#offset = offset
    this.#end = end
    this.#onClose = onClose
  }

  static async open(
    link: BrokerLink,
    options: DriverReaderOptions,
    onClose: (reader: LogReader) => void,
  ): Promise<LogReader> {
    const offset = await findStart(link, options)
    return new LogReader(link, options, offset, await ReadEnd.find(link, options), onClose)
  }

  get checkpoint(): Checkpoint {
    return String(this.#offset)
  }

  async next({ maxBytes, signal }: NextOptions): Promise<FetchedBatch | null> {
    signal.throwIfAborted()
    const letGo = keepAlive()
    try {
      for (;;) {
        this.#checkOpen()
        if (this.#end.isReached(this.#offset)) return null
        const result = await this.#fetch(maxBytes, signal)
        const batch = this.#take(result)
        if (batch !== undefined) return batch
        if (result.ended && this.#offset >= result.end) return null
        this.#end.idle(this.#offset, this.#committed ? result.stable : result.end)
      }
    } finally {
      letGo()
    }
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return
    this.#closing.abort(new StreamError('CLOSED', 'the reader is closed: open another one', this.#place()))
    this.#onClose(this)
  }

  /** The batch of what was fetched; undefined where that does not get the reader further. */
  #take(result: FetchResult): FetchedBatch | undefined {
    const { bytes, aborted } = result
    if (bytes.length === 0) return undefined
    const limit = this.#committed ? result.stable : result.end
    const from = this.#offset
    const view = (until: number): RecordBatchView =>
      new RecordBatchView(bytes, 0, bytes.length, {
        from,
        until,
        // The log checked them when it read them from its files.
        verifyCrc: false,
        ...(this.#committed ? { aborted } : {}),
      })
    const whole = view(Math.min(limit, this.#end.before))
    const cut = this.#end.cut(whole)
    const taken = cut === undefined ? whole : view(cut)
    if (taken.nextOffset === from) return undefined
    this.#offset = taken.nextOffset
    const { topic, partition } = this.#options
    return new FetchedRecords(taken, {
      topic,
      partition,
      sizeBytes: bytes.length,
      endOffset: limit,
      checkpointAt: String,
    })
  }

  async #fetch(maxBytes: number, signal: AbortSignal): Promise<FetchResult> {
    for (;;) {
      try {
        this.#fetching ??= this.#link.fetch(
          {
            ...this.#place(),
            offset: this.#offset,
            maxBytes,
            maxWaitMs: this.#end.waitMs(this.#link.local ? null : REMOTE_WAIT_MS),
            committed: this.#committed,
          },
          this.#closing.signal,
        )
        const result = await unlessAborted(this.#fetching, signal, this.#closing.signal)
        this.#fetching = undefined
        return result
      } catch (error) {
        signal.throwIfAborted()
        this.#checkOpen()
        this.#fetching = undefined
        const failure = classify(error)
        if (!failure.retryable) throw failure
        await unlessAborted(pause(RETRY_MS), signal, this.#closing.signal)
      }
    }
  }

  #place(): { topic: string; partition: string } {
    return { topic: this.#options.topic, partition: this.#options.partition }
  }

  #checkOpen(): void {
    this.#closing.signal.throwIfAborted()
  }
}
