import {
  type _Record,
  GetRecordsCommand,
  type GetRecordsCommandOutput,
  GetShardIteratorCommand,
} from '@aws-sdk/client-kinesis'
import { classify } from '../classify.ts'
import type { Kinesis } from '../parts.ts'
import { isError } from './is-error.ts'
import type { ReadingLimits } from './reading-limits.ts'
import { type ShardBudget, shareBudget } from './shard-budget.ts'
import type { ShardEnds } from './shard-ends.ts'
import type { Delivery, ShardSource, StartingPlace } from './shard-source.ts'
import { sizeOf } from './size-of.ts'

/** Taken for the size of a record until some were seen: large enough that a first answer is no surprise. */
const GUESSED_BYTES = 8_192
/** Asked for at least, since calls are few; what is more than its caller wanted is handed out in pieces. */
const MIN_FETCH_BYTES = 256 << 10
const IDLE_GROWTH = 1.2

/** Reads a shard by GetRecords, within what the shard gives to all polling readers of this process. */
export class PollingSource implements ShardSource {
  readonly #kinesis: Kinesis
  readonly #stream: string
  readonly #shardId: string
  readonly #ends: ShardEnds
  readonly #limits: ReadingLimits
  readonly #budget: ShardBudget
  readonly #giveBack: () => void
  readonly #closing = new AbortController()
  #place: StartingPlace
  #iterator: string | undefined
  /** Of a record in memory, as those that came last were. */
  #recordBytes: number | undefined
  #idleMs = 0
  #readyAt = 0

  constructor(
    kinesis: Kinesis,
    stream: string,
    shardId: string,
    place: StartingPlace,
    ends: ShardEnds,
    limits: ReadingLimits,
  ) {
    this.#kinesis = kinesis
    this.#stream = stream
    this.#shardId = shardId
    this.#place = place
    this.#ends = ends
    this.#limits = limits
    const { endpoint = '', region = '' } = kinesis.settings
    const name = `${endpoint} ${region} ${kinesis.streams.known(stream)?.arn ?? stream} ${shardId}`
    const { budget, giveBack } = shareBudget(name, limits)
    this.#budget = budget
    this.#giveBack = giveBack
  }

  get place(): StartingPlace {
    return this.#place
  }

  get readyAt(): number {
    return this.#readyAt
  }

  async fetch(maxBytes: number): Promise<Delivery> {
    const wanted = Math.ceil(Math.max(maxBytes, MIN_FETCH_BYTES) / (this.#recordBytes ?? GUESSED_BYTES))
    const Limit = Math.max(1, Math.min(this.#limits.recordsPerCall, wanted))
    for (;;) {
      const ShardIterator = this.#iterator ?? (await this.#findIterator())
      this.#iterator = ShardIterator
      try {
        return await this.#get({ ShardIterator, Limit })
      } catch (error) {
        if (!isError(error, 'ExpiredIteratorException')) throw error
        this.#iterator = undefined
      }
    }
  }

  restart(place: StartingPlace): void {
    this.#place = place
    this.#iterator = undefined
  }

  close(): void {
    this.#closing.abort()
    this.#giveBack()
  }

  async #get(input: { ShardIterator: string; Limit: number }): Promise<Delivery> {
    const { signal } = this.#closing
    await this.#budget.begin(signal)
    const askedAt = this.#kinesis.service.now()
    let answer: GetRecordsCommandOutput
    try {
      answer = await this.#kinesis.service.call(new GetRecordsCommand(input), { signal })
    } catch (error) {
      if (classify(error).code === 'THROTTLED') this.#budget.throttled()
      else this.#budget.failed()
      throw error
    }
    const records = answer.Records ?? []
    const millisBehind = answer.MillisBehindLatest ?? 0
    this.#learn(records)
    this.#iterator = answer.NextShardIterator ?? undefined
    const last = records.at(-1)?.SequenceNumber
    if (last !== undefined) this.#place = { type: 'AFTER_SEQUENCE_NUMBER', sequence: last }
    const ended = this.#iterator === undefined && (await this.#isEnd(answer))
    this.#rest(records.length, ended ? 1 : millisBehind)
    return { records, millisBehind, askedAt, ended }
  }

  /** Without an iterator and without children the shard may go on: another iterator is asked for then. */
  async #isEnd(answer: GetRecordsCommandOutput): Promise<boolean> {
    // To be answered by an answer that brought nothing, which may fail without loss.
    const children = answer.ChildShards ?? []
    if (children.length === 0 && answer.Records?.length) return false
    return this.#ends.ended(children)
  }

  /** Takes note of an answer: for the shard's budget, and for how much to ask for next. */
  #learn(records: readonly _Record[]): void {
    let payload = 0
    let size = 0
    for (const record of records) {
      payload += record.Data!.length + (record.PartitionKey?.length ?? 0)
      size += sizeOf(record)
    }
    this.#budget.answered(payload)
    if (records.length === 0) return
    const mean = size / records.length
    this.#recordBytes = this.#recordBytes === undefined ? mean : (this.#recordBytes + mean) / 2
  }

  #rest(count: number, millisBehind: number): void {
    const { idleMs, maxIdleMs } = this.#limits
    if (millisBehind > 0) this.#idleMs = 0
    else if (count > 0) this.#idleMs = idleMs
    else this.#idleMs = Math.min(maxIdleMs, Math.max(idleMs, this.#idleMs * IDLE_GROWTH))
    this.#readyAt = performance.now() + this.#idleMs
  }

  async #findIterator(): Promise<string> {
    const { signal } = this.#closing
    const place = this.#place
    await this.#budget.iterators.begin(signal)
    try {
      const { ShardIterator } = await this.#kinesis.service.call(
        new GetShardIteratorCommand({
          StreamName: this.#stream,
          ShardId: this.#shardId,
          ShardIteratorType: place.type,
          ...('sequence' in place ? { StartingSequenceNumber: place.sequence } : {}),
          ...('timestamp' in place ? { Timestamp: new Date(place.timestamp) } : {}),
        }),
        { signal },
      )
      return ShardIterator!
    } finally {
      this.#budget.iterators.end()
    }
  }
}
