// Produce and Fetch as bytes, for one partition a request, with nothing that a client needs beside: a yardstick.
import type { Buffer as Bytes } from 'node:buffer'
import { boundOf, encode } from './record-batch.ts'

const PRODUCE = 0
const PRODUCE_VERSION = 7
const FETCH = 1
const FETCH_VERSION = 11
const ACKS_ALL = -1
const MAX_FETCH_BYTES = 10 << 20
const MAX_PARTITION_BYTES = 2 << 20
const ROOM = 400
const UNKNOWN_TOPIC_OR_PARTITION = 3
const NOT_LEADER = 6

export class KafkaRequests {
  private readonly topic: Bytes

  constructor(topic: string) {
    this.topic = Buffer.from(topic)
  }

  /** One batch of these values and their keys, acknowledged by all replicas. */
  produce(id: number, partition: number, values: readonly Bytes[]): Bytes {
    const b = Buffer.allocUnsafe(boundOf(values.length, values[0]!.length) + ROOM)
    let at = header(b, PRODUCE, PRODUCE_VERSION, id)
    at = b.writeInt16BE(-1, at)
    at = b.writeInt16BE(ACKS_ALL, at)
    at = b.writeInt32BE(30_000, at)
    at = b.writeInt32BE(partition, this.topicAt(b, at))
    const end = encode(b, at + 4, values, true, 0)
    b.writeInt32BE(end - at - 4, at)
    return finish(b, end)
  }

  /** Of the request that this answers. */
  idOf(answer: Bytes): number {
    return answer.readInt32BE(4)
  }

  /** Whether a batch was written; not yet, where the topic is so new that its partition has no leader. Throws anything else. */
  produced(answer: Bytes): boolean {
    const error = answer.readInt16BE(8 + 4 + 2 + this.topic.length + 4 + 4)
    if (error === UNKNOWN_TOPIC_OR_PARTITION || error === NOT_LEADER) return false
    if (error !== 0) throw new Error(`Produce: error ${error}`)
    return true
  }

  fetch(id: number, partition: number, offset: bigint): Bytes {
    const b = Buffer.allocUnsafe(ROOM)
    let at = header(b, FETCH, FETCH_VERSION, id)
    for (const n of [-1, 100, 1, MAX_FETCH_BYTES]) at = b.writeInt32BE(n, at)
    b[at++] = 0
    at = b.writeInt32BE(0, at)
    at = b.writeInt32BE(-1, at)
    at = this.topicAt(b, at)
    at = b.writeInt32BE(partition, at)
    at = b.writeInt32BE(-1, at)
    at = b.writeBigInt64BE(offset, at)
    at = b.writeBigInt64BE(-1n, at)
    at = b.writeInt32BE(MAX_PARTITION_BYTES, at)
    at = b.writeInt32BE(0, at)
    at = b.writeInt16BE(0, at)
    return finish(b, at)
  }

  /** Where in an answer the batches of which partition are. */
  fetched(answer: Bytes): { partition: number; start: number; end: number } {
    let at = 8 + 4 + 2 + 4 + 4 + 2 + this.topic.length + 4
    const partition = answer.readInt32BE(at)
    const error = answer.readInt16BE(at + 4)
    if (error !== 0) throw new Error(`Fetch: error ${error}`)
    at += 30
    const aborted = answer.readInt32BE(at)
    at += 4 + Math.max(aborted, 0) * 16 + 4
    const length = answer.readInt32BE(at)
    return { partition, start: at + 4, end: at + 4 + length }
  }

  private topicAt(b: Bytes, start: number): number {
    let at = b.writeInt32BE(1, start)
    at = b.writeInt16BE(this.topic.length, at)
    at += this.topic.copy(b, at)
    return b.writeInt32BE(1, at)
  }
}

/** The offset after the last whole batch in `[start, end)`; undefined where there is none. */
export function offsetAfter(b: Bytes, start: number, end: number): bigint | undefined {
  let next: bigint | undefined
  for (let from = start; from + 61 <= end; ) {
    const stop = from + 12 + b.readInt32BE(from + 8)
    if (stop > end) break
    next = b.readBigInt64BE(from) + BigInt(b.readInt32BE(from + 23) + 1)
    from = stop
  }
  return next
}

function header(b: Bytes, api: number, version: number, id: number): number {
  let at = b.writeInt16BE(api, 4)
  at = b.writeInt16BE(version, at)
  at = b.writeInt32BE(id, at)
  at = b.writeInt16BE(1, at)
  return b.write('x', at) + at
}

function finish(b: Bytes, at: number): Bytes {
  b.writeInt32BE(at - 4, 0)
  return b.subarray(0, at)
}
