import { type EncodedRecord, StreamError } from '../../../src/driver.ts'
import type { CompressionName } from '../../../src/formats/compression.ts'
import { encodeBatch } from '../../../src/formats/record-batch/index.ts'
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

/** What is sent, and sent again byte for byte until it is decided. */
interface Batch {
  readonly bytes: Buffer
  readonly count: number
  readonly pieces: readonly Piece[]
  /** `performance.now()` after which it is given up. */
  readonly deadline: number
}

export interface LaneSettings {
  readonly maxBatchBytes: number
  readonly compression: CompressionName
  readonly deliveryTimeoutMs: number
  readonly transactional: boolean
}

/**
 * One partition's way to its leader. One batch at a time is on its way, until it is decided; what is called meanwhile
 * becomes the next one. So neither a retry nor a leader that moves changes the order.
 */
export class PartitionLane {
  readonly topic: string
  readonly partition: number
  identity: Identity | undefined
  batch: Batch | undefined
  /** A request is on its way, or a pause before the next attempt. */
  busy = false
  /** Of the batch at hand. */
  attempts = 0
  pause: NodeJS.Timeout | undefined
  /** Bytes of what waits. */
  queuedBytes = 0
  #sequence = 0
  #queue: Piece[] = []
  #head = 0

  constructor(topic: string, partition: number) {
    this.topic = topic
    this.partition = partition
  }

  get isEmpty(): boolean {
    return this.batch === undefined && this.#head === this.#queue.length
  }

  add(piece: Piece): void {
    this.#queue.push(piece)
    this.queuedBytes += piece.bytes
  }

  /** The batch to send: the one at hand, or one of as many pieces as fit. */
  fill(settings: LaneSettings): Batch {
    if (this.batch !== undefined) return this.batch
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
    this.batch = {
      pieces,
      count,
      deadline: first.call.begun + settings.deliveryTimeoutMs,
      bytes: encodeBatch(records, indexes, 0, count, {
        timestamp: Date.now(),
        producerId,
        producerEpoch: epoch,
        baseSequence: producerId < 0 ? -1 : this.#sequence,
        transactional: settings.transactional,
        compression: settings.compression,
      }),
    }
    this.attempts = 0
    return this.batch
  }

  /** The batch stands at `offset`. */
  written(offset: number): void {
    const { pieces, count } = this.#decided()
    this.#sequence = (this.#sequence + count) % 2 ** 31
    let next = offset
    for (const { call, part, indexes } of pieces) {
      call.settle(part, next)
      next += indexes.length
    }
  }

  /** The batch is given up. Whoever calls sees to it that its sequence is not used again (`restart`). */
  failed(error: StreamError): void {
    const { pieces } = this.#decided()
    for (const { call, part } of pieces) call.fail(part, error)
  }

  /** The batch was refused as it is: its pieces go first again, each alone. */
  takeApart(): void {
    const { pieces } = this.#decided()
    for (const piece of pieces) {
      piece.alone = true
      this.queuedBytes += piece.bytes
    }
    this.#queue = [...pieces, ...this.#queue.slice(this.#head)]
    this.#head = 0
  }

  /** Encodes the batch anew under another identity, from sequence 0: for what is known not to be in the log. */
  restart(identity: Identity | undefined): void {
    this.identity = identity
    this.#sequence = 0
    if (this.batch === undefined) return
    const { pieces } = this.batch
    this.batch = undefined
    for (const piece of pieces) this.queuedBytes += piece.bytes
    this.#queue = [...pieces, ...this.#queue.slice(this.#head)]
    this.#head = 0
  }

  /** Fails all that waits and, with `all`, what is on its way. */
  failQueued(error: StreamError, which: 'all' | 'waiting' | { readonly begunBefore: number }): void {
    if (which === 'all' && this.batch !== undefined) this.failed(error)
    const begunBefore = typeof which === 'object' ? which.begunBefore : Number.POSITIVE_INFINITY
    while (this.#head < this.#queue.length && this.#queue[this.#head]!.call.begun < begunBefore) {
      const { call, part } = this.#take()
      call.fail(part, error)
    }
  }

  #decided(): Batch {
    const { batch } = this
    if (batch === undefined) throw new StreamError('INTERNAL', 'no batch is on its way: please report this')
    this.batch = undefined
    this.attempts = 0
    return batch
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

function together(pieces: readonly Piece[]): EncodedRecord[] {
  const records: EncodedRecord[] = []
  for (const { call, indexes } of pieces) for (const i of indexes) records.push(call.records[i]!)
  return records
}
