import { AggregateWriter } from '../../adapters/kinesis/records/index.ts'
import { append, WireEncoder } from '../../test/adapters/kinesis/support/wire-encoder.ts'
import { keyOf, valuesOf } from '../harness/records.ts'
import { hashOf, shardOf } from './shard-space.ts'
import type { BenchStream } from './stream-name.ts'

/** KPL's default. */
const AGGREGATE_BYTES = 51_200
/** Digits of a sequence number that differ from record to record. */
const COUNTER_DIGITS = 12
const MAX_ANSWER_BYTES = 10 << 20

/** The records of one shard as an answer holds them, to be copied with sequence numbers put in. */
export class AnswerTemplate {
  /** The users' records in each of the service's. */
  readonly perRecord: number
  readonly #bytes: Buffer
  /** Where each record ends, and where its counter stands. */
  readonly #ends: number[] = []
  readonly #counters: number[] = []

  constructor(stream: BenchStream, shard: number) {
    const { parts, perRecord } = stream.aggregated ? aggregates(stream, shard) : plain(stream, shard)
    this.perRecord = perRecord
    const texts: Buffer[] = []
    let size = 0
    for (const { key, data } of parts) {
      const head = `{"ApproximateArrivalTimestamp":${Date.now() / 1000},"Data":"${data.toString('base64')}","PartitionKey":"${key}","SequenceNumber":"${sequenceHead(shard)}`
      const text = Buffer.from(`${head}${'0'.repeat(COUNTER_DIGITS)}"},`)
      texts.push(text)
      this.#counters.push(size + Buffer.byteLength(head))
      size += text.length
      this.#ends.push(size)
      if (size > MAX_ANSWER_BYTES) break
    }
    this.#bytes = Buffer.concat(texts)
  }

  /** At most `limit` records, the first with the number `from`. */
  records(from: number, limit: number): { body: Buffer; count: number } {
    const count = Math.min(limit, this.#ends.length)
    if (count === 0) return { body: Buffer.alloc(0), count }
    const body = Buffer.from(this.#bytes.subarray(0, this.#ends[count - 1]! - 1))
    for (let i = 0; i < count; i++) writeDigits(body, this.#counters[i]! + COUNTER_DIGITS, from + i)
    return { body, count }
  }
}

export const sequenceOf = (shard: number, number: number): string =>
  `${sequenceHead(shard)}${String(number).padStart(COUNTER_DIGITS, '0')}`

const sequenceHead = (shard: number): string =>
  `4968048783992881723288062938163236908850990675${String(shard).padStart(4, '0')}`

function writeDigits(bytes: Buffer, end: number, value: number): void {
  for (let at = end - 1, rest = value; rest > 0; at--, rest = Math.floor(rest / 10))
    bytes[at] = 0x30 + (rest % 10)
}

interface Parts {
  readonly parts: readonly { readonly key: string; readonly data: Buffer }[]
  readonly perRecord: number
}

function plain({ valueBytes, shards }: BenchStream, shard: number): Parts {
  const own = ownValues(valueBytes, shards, shard)
  const parts = Array.from({ length: 10_000 }, (_, i) => {
    const data = own[i % own.length]!
    return { key: keyOf(data).toString(), data }
  })
  return { parts, perRecord: 1 }
}

function aggregates({ valueBytes, shards }: BenchStream, shard: number): Parts {
  const own = ownValues(valueBytes, shards, shard)
  const encoder = new WireEncoder()
  const writer = new AggregateWriter()
  for (let i = 0; ; i++) {
    const value = own[i % own.length]!
    const wire = encoder.encode({
      key: keyOf(value),
      value,
      headers: [],
      timestamp: undefined,
      partition: undefined,
    })
    if (!append(writer, wire, AGGREGATE_BYTES)) break
  }
  const perRecord = writer.count
  const data = writer.finish()
  const part = { key: keyOf(own[0]!).toString(), data }
  return { parts: Array.from({ length: 200 }, () => part), perRecord }
}

/** Those whose keys lie in the shard. */
function ownValues(valueBytes: number, shards: number, shard: number): readonly Buffer[] {
  const values = valuesOf(valueBytes)
  return values.filter((value) => shardOf(hashOf(keyOf(value).toString()), shards) === shard)
}
