import type { EncodedRecord, StreamError } from '../../../src/driver.ts'
import type { CompressionName } from '../../../src/formats/compression.ts'
import { encodeBatch } from '../../../src/formats/record-batch/index.ts'
import { classify } from '../classify.ts'
import type { Identity } from './identity.ts'
import type { SendCall } from './send-call.ts'

/** Records of one call that go to one partition, small enough for one batch. */
export interface Piece {
  readonly call: SendCall
  readonly part: number
  /** Which records of the call. */
  readonly indexes: readonly number[]
  /** Upper bound of what they take in a batch. */
  readonly bytes: number
  /** Refused together with others: to be tried on its own, so that it is clear whose fault it was. */
  alone: boolean
}

/** Why a batch is not written yet. */
export interface Setback {
  readonly error: StreamError
  readonly kind: /** The same bytes may go again. */
    | 'again'
    /** One before it was missing when it was judged: the same bytes go again once that is there. */
    | 'behind'
    /** The broker knows nothing of the batches before: under another identity. */
    | 'forgotten'
    /** As it is it will never be taken. */
    | 'refused'
}

/** What is sent, and sent again byte for byte until it is decided. */
export interface Batch {
  readonly bytes: Buffer
  readonly count: number
  readonly pieces: readonly Piece[]
  /** Which batch of the lane it is, counted from 0. */
  readonly number: number
  /** `performance.now()` after which it is given up. */
  readonly deadline: number
  /** A request with it is on its way. */
  isSent: boolean
  /** Everything before it had been decided when it was sent the last time. */
  wasFirst: boolean
  /** Of its last attempt; undefined while there is none, or none that has ended. */
  setback: Setback | undefined
  /** An attempt has ended in such a way that it may be in the log. */
  inDoubt: boolean
}

export interface LaneSettings {
  readonly maxBatchBytes: number
  readonly compression: CompressionName
  readonly deliveryTimeoutMs: number
  readonly transactional: boolean
}

/** Brokers recognise the last five batches of a producer in a partition when they come again, and no more. */
const MAX_IN_FLIGHT = 5

/**
 * One partition's way to its leader. Batches are numbered, up to five of them are on their way, and a broker takes them in the
 * order of their numbers only: so neither a retry nor a leader that moves changes the order. The first batch after a pause or a
 * setback goes alone, so that the broker knows the producer before it gets others that depend on it.
 */
export class PartitionLane {
  readonly topic: string
  readonly partition: number
  identity: Identity | undefined
  /** Its leader or identity is being looked for. */
  isPreparing = false
  /** Attempts of the first batch, or to get ready for it, that have failed. */
  attempts = 0
  /** The pause before the next attempt. */
  pause: NodeJS.Timeout | undefined
  /** Bytes of what waits. */
  queuedBytes = 0
  /** Undecided batches, in the order of their sequences. */
  #undecided: Batch[] = []
  #onTheirWay = 0
  #window = 1
  #hasSetback = false
  #made = 0
  #sequence = 0
  #queue: Piece[] = []
  #head = 0

  constructor(topic: string, partition: number) {
    this.topic = topic
    this.partition = partition
  }

  get isEmpty(): boolean {
    return this.#undecided.length === 0 && this.#head === this.#queue.length
  }

  get isIdle(): boolean {
    return this.#onTheirWay === 0
  }

  /** The first undecided batch: everything before it was written or given up. */
  get first(): Batch | undefined {
    return this.#undecided[0]
  }

  /** A batch met a setback and all that was on its way has been answered: now it is clear how to go on. */
  get isStuck(): boolean {
    return this.#hasSetback && this.#onTheirWay === 0
  }

  add(piece: Piece): void {
    this.#queue.push(piece)
    this.queuedBytes += piece.bytes
  }

  /** Whether there is a batch to send now. */
  get isSendable(): boolean {
    if (this.isPreparing || this.pause !== undefined || this.#hasSetback) return false
    if (this.#onTheirWay >= this.#window) return false
    // Those without a request come before what has no batch yet.
    if (this.#undecided.length > this.#onTheirWay) return true
    const { first } = this
    return (
      this.#head < this.#queue.length && (first === undefined || this.#made - first.number < MAX_IN_FLIGHT)
    )
  }

  /** The batch to send now, counted as on its way; undefined: none. A batch that cannot be made fails. */
  next(settings: LaneSettings): Batch | undefined {
    let batch: Batch | undefined
    while (batch === undefined) {
      if (!this.isSendable) return undefined
      batch = this.#undecided.find(({ isSent }) => !isSent) ?? this.#make(settings)
    }
    batch.isSent = true
    batch.wasFirst = batch === this.first
    batch.setback = undefined
    this.#onTheirWay++
    return batch
  }

  /** The batch stands at `offset`; -1 where the broker knows only that it is there. */
  written(batch: Batch, offset: number): void {
    this.#answered(batch)
    this.#undecided.splice(this.#undecided.indexOf(batch), 1)
    this.attempts = 0
    // Without numbers, or with nothing behind it, the next one goes alone too.
    this.#window = this.identity!.producerId < 0 || this.isEmpty ? 1 : MAX_IN_FLIGHT
    let next = offset
    for (const { call, part, indexes } of batch.pieces) {
      call.settle(part, next)
      if (offset >= 0) next += indexes.length
    }
  }

  /** The attempt failed; until all others have ended nothing is sent. */
  metSetback(batch: Batch, setback: Setback, inDoubt: boolean): void {
    this.#answered(batch)
    batch.setback = setback
    batch.inDoubt ||= inDoubt
    this.#hasSetback = true
  }

  /** From the first undecided batch on everything goes again as it is, the first one alone. */
  again(): void {
    this.#hasSetback = false
    this.#window = 1
  }

  /**
   * The first batch is given up, and with it those behind it that may be in the log: their numbers must not be used again, and
   * without it they will not be taken. Those that are not there go under another identity.
   */
  giveUp(error: StreamError, identity: Identity | undefined): void {
    const [first, ...rest] = this.#undecided
    this.#undecided = rest.filter(({ inDoubt }) => !inDoubt)
    for (const batch of [first!, ...rest.filter(({ inDoubt }) => inDoubt)]) fail(batch, error)
    this.restart(identity)
  }

  /** The first batch was refused as it is: its pieces go first again, each alone. */
  takeApart(identity: Identity | undefined): void {
    for (const piece of this.first!.pieces) piece.alone = true
    this.restart(identity)
  }

  /** Encodes all that is undecided anew under another identity, from sequence 0: for what is known not to be in the log. */
  restart(identity: Identity | undefined): void {
    const pieces = this.#undecided.flatMap((batch) => batch.pieces)
    for (const piece of pieces) this.queuedBytes += piece.bytes
    this.#queue = [...pieces, ...this.#queue.slice(this.#head)]
    this.#head = 0
    this.#undecided = []
    this.#sequence = 0
    this.identity = identity
    this.again()
  }

  /** Fails all that waits and, with `all`, what is undecided. */
  fail(error: StreamError, which: 'all' | 'waiting' | { readonly begunBefore: number }): void {
    if (which === 'all') {
      for (const batch of this.#undecided.splice(0)) fail(batch, error)
      clearTimeout(this.pause)
    }
    const begunBefore = typeof which === 'object' ? which.begunBefore : Number.POSITIVE_INFINITY
    while (this.#head < this.#queue.length && this.#queue[this.#head]!.call.begun < begunBefore) {
      const { call, part } = this.#take()
      call.fail(part, error)
    }
  }

  /** Whether the answer to a request with that batch is still of interest. */
  awaits(batch: Batch): boolean {
    return this.#undecided.includes(batch)
  }

  #answered(batch: Batch): void {
    batch.isSent = false
    this.#onTheirWay--
  }

  /** Of as many pieces as fit; undefined where that failed. */
  #make(settings: LaneSettings): Batch | undefined {
    const first = this.#take()
    const pieces = [first]
    let bytes = first.bytes
    while (!first.alone && this.#head < this.#queue.length) {
      const next = this.#queue[this.#head]!
      if (next.alone || bytes + next.bytes > settings.maxBatchBytes) break
      bytes += next.bytes
      pieces.push(this.#take())
    }
    const { producerId, epoch } = this.identity!
    const records = pieces.length === 1 ? first.call.records : together(pieces)
    const indexes = pieces.length === 1 ? first.indexes : undefined
    const count = pieces.reduce((sum, piece) => sum + piece.indexes.length, 0)
    try {
      const batch: Batch = {
        pieces,
        count,
        number: this.#made,
        deadline: first.call.begun + settings.deliveryTimeoutMs,
        bytes: encodeBatch(records, indexes, 0, count, {
          timestamp: Date.now(),
          producerId,
          producerEpoch: epoch,
          baseSequence: producerId < 0 ? -1 : this.#sequence,
          transactional: settings.transactional,
          compression: settings.compression,
        }),
        isSent: false,
        wasFirst: false,
        setback: undefined,
        inDoubt: false,
      }
      this.#made++
      this.#sequence = (this.#sequence + count) % 2 ** 31
      this.#undecided.push(batch)
      return batch
    } catch (cause) {
      const error = classify(cause)
      for (const { call, part } of pieces) call.fail(part, error)
      return undefined
    }
  }

  #take(): Piece {
    const piece = this.#queue[this.#head++]!
    this.queuedBytes -= piece.bytes
    if (this.#head === this.#queue.length) {
      this.#queue.length = 0
      this.#head = 0
    }
    return piece
  }
}

function fail({ pieces }: Batch, error: StreamError): void {
  for (const { call, part } of pieces) call.fail(part, error)
}

function together(pieces: readonly Piece[]): EncodedRecord[] {
  const records: EncodedRecord[] = []
  for (const { call, indexes } of pieces) for (const i of indexes) records.push(call.records[i]!)
  return records
}
